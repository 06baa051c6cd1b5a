"""A model of `transformers` that came in goes out as it was: its own class, keys and tokenizer files."""

import shutil
from pathlib import Path
from typing import Any

from ...models.transformers import TransformersModel, pretrained
from ...text.tokenizers.tokenizer import Tokenizer
from ...text.tokenizers.vocabulary import Vocabulary

TOKENIZER = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt",
    "vocab.json", "merges.txt", "*.model", "chat_template.jinja",
)  # fmt: skip
"""Files of a tokenizer, as `transformers` and its models name them."""


def to_transformers(model: TransformersModel, settings: Any, **special: int | None) -> Any:
    """The network itself. A new one's configuration gets the `special` ids of the tokenizer, and so does one that got
    another tokenizer; one that came in keeps its own, unless it has none of a kind.

    Raises ValueError for n-hot embeddings, which no class of `transformers` has.
    """
    if model.nhot is not None:
        raise ValueError(
            f"model.nhot={settings.nhot} has no counterpart in {type(model.network).__name__}; train without it"
        )
    config, of_the_folder = model.network.config, _are_of(settings.path, special)
    for name, number in special.items():
        known = getattr(config, name, None)
        if hasattr(config, name) and (known is None or not of_the_folder):
            setattr(config, name, number)
    return model.network


def _are_of(path: str | None, special: dict[str, int | None]) -> bool:
    """Whether the tokenizer of the folder `path` has these ids too, as far as the folder is there to say so."""
    place = Path(path or "").expanduser()
    return path is not None and (
        not pretrained.is_pretrained(place) or ids(Tokenizer.load(place).vocabulary) == special
    )


def ids(vocabulary: Vocabulary) -> dict[str, int]:
    """The special ids as the configurations of `transformers` name them."""
    cls, sep = vocabulary.cls, vocabulary.sep
    known = {"bos": cls, "eos": sep, "cls": cls, "sep": sep, "pad": vocabulary.pad}
    return {f"{role}_token_id": found for role, found in known.items()}


def why(model: TransformersModel, forward: bool) -> str:
    """Why it goes out under its class, and what that does not know of the training."""
    kind = type(model.network).__name__
    if model.causal == forward:
        return f"it came as {kind}, and is that still"
    ways = ("forward only", "both ways") if model.causal else ("both ways", "forward only")
    return f"it came as {kind}, which by itself reads {ways[0]}, and was trained {ways[1]}: maskwright.load reads it so"


def names(model: TransformersModel) -> dict[str, list[str]]:
    """Our name of each tensor to the one in model.safetensors, which has each tied tensor once."""
    return {name: [name.removeprefix("network.")] for name in model.state_dict()}


def copy_tokenizer(source: str | None, tokenizer: Tokenizer, folder: Path) -> bool:
    """Put the tokenizer's own files into `folder`, where they still lie in `source` and are of the same tokenizer."""
    place = Path(source or "").expanduser()
    if (
        source is None
        or not pretrained.is_pretrained(place)
        or Tokenizer.load(place).fingerprint != tokenizer.fingerprint
    ):
        return False
    for file in {file for pattern in TOKENIZER for file in place.glob(pattern)}:
        shutil.copyfile(file, folder / file.name)
    return True
