"""The special tokens that a loaded tokenizer has, by what its own files say of them; and what it cannot do without."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...files.json_files import read_object
from .vocabulary import NAMES

FILES = ("special_tokens_map.json", "tokenizer_config.json")
"""The files beside a tokenizer.json that name special tokens; the later is the one that `transformers` follows."""
ROLES = {"bos_token": "cls", "eos_token": "sep"} | {f"{role}_token": role for role in NAMES}
"""What `transformers` calls a token, to its role; [CLS] and [SEP] before begin and end of a text."""


def names_of(path: Path, tree: Mapping[str, Any]) -> dict[str, str]:
    """Role to token, as the files beside `path` say, and then itself; but what is unknown its model alone decides."""
    told = names_within(tree)
    return told | names_beside(path) | {role: told[role] for role in ("unk",) if role in told}


def names_beside(path: Path) -> dict[str, str]:
    """Role to token, as the files beside `path` say."""
    found: dict[str, str] = {}
    for name in FILES:
        told = read_object(path.with_name(name)) if path.with_name(name).is_file() else {}
        for key, role in ROLES.items():
            token = told[key].get("content") if isinstance(told.get(key), Mapping) else told.get(key)
            found |= {role: token} if isinstance(token, str) else {}
    return found


def names_within(tree: Mapping[str, Any]) -> dict[str, str]:
    """Role to token, as a tokenizer.json itself says: its model's unknown token, and what it puts around a text."""
    unknown = unknown_token(tree["model"])
    return ({"unk": unknown} if unknown else {}) | _frame(tree["post_processor"] or {})


def unknown_token(model: Mapping[str, Any]) -> str | None:
    """What the model gives for text that it cannot spell."""
    if model["type"] != "Unigram":
        return model.get("unk_token")
    return None if model["unk_id"] is None else model["vocab"][model["unk_id"]][0]


def check_model(path: Path, model: Mapping[str, Any]) -> None:
    """Raises ValueError for a model that draws its tokens, and where text that it cannot spell would be an error in the
    middle of a corpus."""
    if model.get("dropout"):
        raise ValueError(
            f"tokenizer {path} has a dropout of {model['dropout']:g}, so that a text has other tokens every time: "
            "set it to null"
        )
    unknown = unknown_token(model)
    if model["type"] == "Unigram" and unknown is None:
        lack = "unk_id is null"
    elif model["type"] in ("WordPiece", "WordLevel") and unknown not in model["vocab"]:
        lack = f"{unknown!r} is not in its vocabulary"
    else:
        return
    raise ValueError(
        f"tokenizer {path} has no unknown token ({lack}), so text that it cannot spell would be an error: "
        f"add one to its {model['type']} model"
    )


def _frame(processor: Mapping[str, Any]) -> dict[str, str]:
    """The first and the last special token of a post-processor."""
    if processor.get("type") == "Sequence":
        parts = [_frame(part) for part in processor["processors"]]
        return {role: token for part in parts for role, token in part.items()}
    if processor.get("type") in ("BertProcessing", "RobertaProcessing"):
        return {"cls": processor["cls"][0], "sep": processor["sep"][0]}
    if processor.get("type") != "TemplateProcessing":
        return {}
    pieces = processor["single"]
    text = next((i for i, piece in enumerate(pieces) if "Sequence" in piece), 0)
    around = {"cls": pieces[:text][:1], "sep": pieces[text + 1 :][-1:]}
    return {role: part[0]["SpecialToken"]["id"] for role, part in around.items() if part}
