"""The same tokenizer for corpus text, from which no special token but the unknown one can come, whatever is typed.

`tokenizers` can be told not to look for special tokens in a text. That does not help where the model itself knows their
names: as pieces of Unigram (XLM-R, ALBERT, T5), as words of WordPiece and WordLevel, as the result of a merge of BPE.
So in the model for corpus text these names are others, which hold a code point that Unicode reserves for internal use.
"""

import json
from collections.abc import Container
from typing import Any

from tokenizers import Tokenizer

RESERVED = "\ufdd0"
"""A noncharacter, "intended for process-internal use" and never in exchanged text (Unicode, section 23.7)."""


class Contradiction(Exception):
    """Of a tokenizer that the library reads and cannot read again, as one in which two tokens share an id."""


def plain(backend: Tokenizer, special: Container[str]) -> Tokenizer:
    """A copy of `backend` that cannot give the ids of the tokens `special`; all other ids stay as they are."""
    tree = json.loads(backend.to_str())
    model = tree["model"]
    if model["type"] == "Unigram":
        model["vocab"] = [[_hidden(piece, special), score] for piece, score in model["vocab"]]
    else:
        model["vocab"] = {_hidden(piece, special): number for piece, number in model["vocab"].items()}
    if "merges" in model:
        model["merges"] = [merge for merge in model["merges"] if not _touches(_halves(merge), special)]
    for token in tree["added_tokens"]:
        token["content"] = _hidden(token["content"], special)
    tree["post_processor"] = None
    try:
        found = Tokenizer.from_str(json.dumps(tree))
    except Exception as error:  # the bindings raise nothing narrower
        raise Contradiction(f"it was read, but what was read is none: {error}") from None
    found.encode_special_tokens = True
    return found


def _hidden(name: str, special: Container[str]) -> str:
    return RESERVED + name if name in special else name


def _halves(merge: Any) -> list[str]:
    """Files of before 2024 write a merge as one string."""
    return merge.split(" ") if isinstance(merge, str) else merge


def _touches(halves: list[str], special: Container[str]) -> bool:
    return any(part in special for part in (*halves, "".join(halves)))
