"""A trained model under the class of `transformers` that carries it, as a folder that `from_pretrained` opens.

Where `transformers` has the architecture, it is its own class, and nobody needs code of ours. Where it has not, our
modelling file goes along (`bundle`) and is opened with `trust_remote_code=True`.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ...files.json_files import read_object
from ...models.deberta import Deberta
from ...models.modern import Modern
from ...models.transformers import TransformersModel
from ...models.transformers.quiet import silence
from ...text.tokenizers.tokenizer import Tokenizer
from ...text.tokenizers.vocabulary import Vocabulary
from . import bundle, deberta_v2, foreign, modern_bert, modern_bert_decoder

NATIVE: dict[tuple[type, bool], Any] = {
    (Modern, False): modern_bert,
    (Modern, True): modern_bert_decoder,
    (Deberta, False): deberta_v2,
}
"""The file that knows the native class of a model, by its settings and whether it reads forward."""

WAYS = {False: "masked", True: "causal"}


@dataclass(frozen=True)
class Peer:
    """A model of `transformers` with the weights of ours."""

    model: Any
    """A `PreTrainedModel`."""
    source: str | None
    """The modelling file that it needs, or none for a native class."""
    why: str
    """Why this class was chosen, in a sentence."""
    names: dict[str, list[str]]
    """Our name of each tensor, and its names there; several are parts of it, in order."""
    path: str | None = None
    """The folder of `transformers` that it came from."""


def peer(model: nn.Module, settings: Any, vocabulary: Vocabulary, causal: bool, own_code: bool = False) -> Peer:
    """`model`, which `settings` built, as a masked or a causal one of `transformers`.

    Native where there is a class, unless `own_code` is asked for.
    """
    native, special = NATIVE.get((type(settings), causal)), foreign.ids(vocabulary)
    if isinstance(model, TransformersModel):
        network = foreign.to_transformers(model, settings, **special)
        return Peer(network.eval(), None, foreign.why(model, causal), foreign.names(model), settings.path)
    if own_code:
        return _with_our_code(model, settings, causal, special, "as asked for; transformers opens it from 4.51 on")
    if native is None:
        why = f"transformers has no {WAYS[causal]} class of the architecture {type(settings).__name__}"
        return _with_our_code(model, settings, causal, special, why)
    try:
        found = native.to_transformers(model, settings, **special)
    except ValueError as reason:
        return _with_our_code(model, settings, causal, special, str(reason))
    why = "its mathematics are those of the model: no code of ours is needed"
    return Peer(found.eval(), None, why, _names(model, native.to_names))


def _with_our_code(model: nn.Module, settings: Any, causal: bool, special: dict[str, int], why: str) -> Peer:
    names = {name: [f"model.network.{name}"] for name in model.state_dict()}
    return Peer(*bundle.peer(model, settings, causal, special), why, names)


def _names(model: nn.Module, to_names: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> dict[str, list[str]]:
    """What `to_names` does to the names of `model`: it is shown tensors that hold their own number."""
    ours = list(model.state_dict())
    found: dict[str, list[str]] = {}
    for theirs, number in to_names({name: torch.full((3,), i) for i, name in enumerate(ours)}).items():
        found.setdefault(ours[int(number[0])], []).append(theirs)
    return found


def write(folder: Path, found: Peer, tokenizer: Tokenizer, max_length: int, causal: bool) -> None:
    """Write config, weights, tokenizer and, where it is needed, the modelling file into `folder`, which is there.

    The tokenizer of a model that came from `transformers` keeps its own files. Otherwise it puts no [SEP] behind a text
    of a `causal` model, which would be asked what follows the end.
    """
    with silence():
        found.model.save_pretrained(folder)
    if found.source is not None:
        (folder / f"{bundle.FILE}.py").write_text(found.source, encoding="utf-8")
    write_tokenizer(folder, found.path, tokenizer, max_length, causal)


def write_tokenizer(folder: Path, source: str | None, tokenizer: Tokenizer, max_length: int, causal: bool) -> None:
    """Write the files of a tokenizer: its own ones from `source`, where it came from there, or ours."""
    if foreign.copy_tokenizer(source, tokenizer, folder):
        return
    tokenizer.save(folder, closed=not causal)
    path = folder / "tokenizer_config.json"
    facts = read_object(path) | {
        "model_max_length": max_length,
        "padding_side": "right",
    }
    path.write_text(json.dumps(facts, indent=2), encoding="utf-8")
