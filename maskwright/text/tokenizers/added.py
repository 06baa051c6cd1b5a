"""Special tokens that a tokenizer gets in addition, with ids that stay when it is written and read again.

`tokenizers` numbers the tokens that its model lacks from the number of the model's pieces on, whatever their file says.
Where the ids of the model have gaps, such a number may belong to another token; there the model itself gets them.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer

from ...files.errors import short_repr

LARGEST = 1 << 24
"""Ids are below this: a model has an embedding for each, and `tokenizers` itself needs memory for each."""


def with_special(backend: Tokenizer, tokens: Sequence[AddedToken]) -> Tokenizer:
    """`backend` with the special `tokens`; those that it lacks get the ids after its last.

    The unknown token of BPE, which need not be among its pieces, comes to them too, or unknown text would be an error.
    """
    tree, known = json.loads(backend.to_str()), backend.get_vocab()
    if has_gaps(tree["model"]) or tree["model"].get("unk_token") not in (None, *tree["model"]["vocab"]):
        lacking = [token.content for token in tokens if token.content not in known]
        tree = by_file(tree)
        tree["model"]["vocab"] |= {
            name: number for number, name in enumerate(lacking, max(known.values(), default=-1) + 1)
        }
        backend = Tokenizer.from_str(json.dumps(tree))
    backend.add_special_tokens(list(tokens))
    return backend


def has_gaps(model: Mapping[str, Any]) -> bool:
    """Whether a number below the model's last id is that of no piece; in Unigram ids are places in a list."""
    vocab = model["vocab"]
    return isinstance(vocab, dict) and len(vocab) <= max(vocab.values(), default=-1)


def by_file(tree: dict[str, Any]) -> dict[str, Any]:
    """The content of a tokenizer.json, with added tokens in the model too, under the ids that the file gives them.

    Raises ValueError when such an id is that of another token.
    """
    vocab = tree["model"]["vocab"]
    taken = {number: piece for piece, number in vocab.items()}
    for token in tree["added_tokens"]:
        name, number = token["content"], token["id"]
        if name not in vocab and taken.setdefault(number, name) != name:
            raise ValueError(_shared(taken[number], name, number))
    beyond = {token["content"]: token["id"] for token in tree["added_tokens"]}
    return tree | {"model": tree["model"] | {"vocab": beyond | vocab}}


def check_ids(path: Path, tree: Any) -> None:
    """Raises ValueError for an id that no vocabulary has, or that two tokens have. `tree` is any JSON."""
    model, added = (tree.get(name) if isinstance(tree, dict) else None for name in ("model", "added_tokens"))
    vocab = model.get("vocab") if isinstance(model, dict) else None
    pieces = list(vocab.items()) if isinstance(vocab, dict) else []
    tokens = [(token.get("content"), token.get("id")) for token in added or () if isinstance(token, dict)]
    for name, number in pieces + tokens:
        if isinstance(number, int) and not 0 <= number < LARGEST:
            what = f"the token {short_repr(name)} has the id {short_repr(number)}"
            raise ValueError(f"{path} is no usable tokenizer: {what}: ids go from 0 to {LARGEST - 1:,}")
    owners: dict[Any, str] = {}
    for name, number in pieces:
        if owners.setdefault(repr(number), name) != name:
            raise ValueError(f"{path} is no usable tokenizer: {_shared(owners[repr(number)], name, number)}")


def _shared(first: str, second: str, number: Any) -> str:
    return f"the tokens {short_repr(first)} and {short_repr(second)} have the same id, {number}"
