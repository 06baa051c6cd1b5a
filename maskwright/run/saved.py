"""Saves and loads a finished model: a folder with the weights, the model's settings and the tokenizer."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from ..models.transformers import in_folder
from ..models.transformers.family import FEWEST_TOKENS
from ..settings import from_mapping, outside, registry
from ..storage import sealed
from ..storage.atomic import atomic_folder
from ..text.tokenizers.tokenizer import Tokenizer
from . import checkpoint

WEIGHTS = "model.safetensors"


@dataclass
class _Model:
    name: str
    vocabulary_size: int
    settings: dict[str, Any]
    names: dict[str, list[str]] = dataclasses.field(default_factory=dict)
    files: sealed.Files = dataclasses.field(default_factory=dict)


def save(out: Path, weights: Mapping[str, Tensor], settings: Any, tokenizer: Tokenizer, data: str) -> None:
    """Write `out`: model.safetensors, model.json (with the fingerprint of the `data`) and the tokenizer's files."""
    with atomic_folder(out) as aside:
        tokenizer.save(aside)
        whole = {name: weight.cpu().contiguous() for name, weight in weights.items()}
        safetensors.torch.save_file(whole, aside / WEIGHTS)
        write_description(aside, settings, tokenizer, data)


def write_description(
    folder: Path, settings: Any, tokenizer: Tokenizer, data: str, names: Mapping[str, list[str]] | None = None
) -> None:
    """Write model.json, by which `load` opens the weights that lie in `folder`.

    names: under which names model.safetensors has each of our tensors, where they are not ours; several are parts of
        one, to be joined.
    """
    facts = describe(settings, tokenizer.vocabulary.size) | {"data": data, "tokenizer": tokenizer.fingerprint}
    files = {WEIGHTS: sealed.fingerprint(folder / WEIGHTS)}
    outside.keep(facts, folder)
    sealed.write(folder / "model.json", facts | {"names": names or {}, "files": files})


def describe(settings: Any, vocabulary_size: int) -> dict[str, Any]:
    """The settings needed to rebuild the model."""
    values = dataclasses.asdict(settings)
    fields = {f.name: values[f.name] for f in dataclasses.fields(settings) if f.init}
    return {"name": registry.name_of(settings), "vocabulary_size": vocabulary_size, "settings": fields}


def difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The first setting that two descriptions give differently, but for dropout and path, in words; empty for none."""
    here, there = ({"name": facts["name"]} | facts["settings"] for facts in (one, other))
    for name in [name for name in here | there if name not in ("dropout", "path")]:
        if here.get(name) != there.get(name):
            return f"model.{name} is {there.get(name)!r} there and {here.get(name)!r} here"
    return ""


def load(source: str | Path) -> tuple[nn.Module, Tokenizer]:
    """The model (in evaluation mode, on the CPU) and the tokenizer of a finished run, or of its folder `final`.

    For modules below `run.load`; everything else opens runs with that. Raises ValueError when `source` holds none.
    """
    folder = final(Path(source))
    facts = read(folder)
    return model(folder, facts, torch.device("cpu")).eval(), tokenizer(folder, facts)


def tokenizer(folder: Path, facts: Mapping[str, Any]) -> Tokenizer:
    """The tokenizer in a folder `final`. Raises ValueError when it is not the one that model.json knows."""
    found = Tokenizer.load(folder)
    if facts.get("tokenizer", found.fingerprint) != found.fingerprint:
        raise ValueError(f"{folder} is damaged: its tokenizer is not the one that the model was trained with")
    return found


def model(folder: Path, facts: Mapping[str, Any], device: torch.device) -> nn.Module:
    """The model in a folder `final` that its model.json describes. Raises ValueError when it is damaged."""
    for name in sealed.damaged(folder, facts.get("files", {})):
        raise ValueError(f"{folder} is damaged: {name} is not what was written")
    built: nn.Module = settings_of(facts).build(facts["vocabulary_size"], torch.Generator().manual_seed(0))
    try:
        if names := facts.get("names"):
            built.load_state_dict(_renamed(checkpoint.tensors(folder / WEIGHTS), names))
        else:
            safetensors.torch.load_model(built, str(folder / WEIGHTS))
    except (OSError, RuntimeError, KeyError, safetensors.SafetensorError) as error:
        raise ValueError(f"{folder} is damaged or not of this version: {' '.join(str(error).split())}") from None
    return built.to(device)


def _renamed(tensors: Mapping[str, Tensor], names: Mapping[str, list[str]]) -> dict[str, Tensor]:
    """The tensors of an exported folder under our names; one of ours may be several there, one after another."""
    return {
        ours: torch.cat([tensors[name] for name in theirs]) if len(theirs) > 1 else tensors[theirs[0]]
        for ours, theirs in names.items()
    }


def settings_of(facts: Mapping[str, Any]) -> Any:
    """The model's settings that `describe` wrote."""
    kind, _ = registry.load("models", facts["name"])
    return from_mapping(kind, facts["settings"], "model")


def tokenizer_of(folder: Path) -> Tokenizer:
    """The tokenizer of a model of `transformers` in `folder`, with the special tokens that it lacks after its own.

    Raises ValueError when its size is not the model's.
    """
    found, rows = Tokenizer.load(folder), int(in_folder(folder).options["vocab_size"])
    known = found.vocabulary
    if set(range(rows, known.size)) - known.special or known.size < FEWEST_TOKENS * rows:
        raise ValueError(
            f"{folder} has {rows:,} rows of embeddings and a tokenizer of {known.size:,} ids: they do not fit"
        )
    return found


def read(final: Path) -> dict[str, Any]:
    """The contents of model.json. Raises ValueError when it is missing or was changed."""
    facts = sealed.read(final / "model.json", _Model, "the description of a model")
    outside.locate(facts, final)
    return facts


def weights(facts: Mapping[str, Any]) -> str:
    """SHA-256 of the weights that model.json (its `facts`) describes; empty where it has none."""
    return str(facts.get("files", {}).get(WEIGHTS, {}).get("sha256", ""))


def run_of(source: Path, depth: int = 1) -> Path | None:
    """The folder that says how a model was trained (config.yaml): `source`, or one of the `depth` that it lies in."""
    places = (source, *source.resolve().parents[:depth])
    return next((path for path in places if (path / "config.yaml").is_file()), None)


def check(out: Path, data: str) -> None:
    """Raises ValueError when the run `out` was trained on other text than `data`, a fingerprint."""
    if read(final(out)).get("data") != data:
        raise ValueError(f"{out} was trained on other text or another tokenizer than its config gives now")


def final(path: Path) -> Path:
    """The folder with the model of a finished run: `path/final`, or `path` itself. Raises ValueError without one."""
    found = path / "final" if (path / "final").is_dir() else path
    if (found / "model.json").is_file():
        return found
    hint = "" if path.exists() else "; if it is a name of the Hub, download that model first"
    if steps := checkpoint.steps(path / "checkpoints"):
        hint = f"; its run stopped at step {steps[-1]}: resume it, or open {path / 'checkpoints'}/step-{steps[-1]}"
    elif steps := checkpoint.steps(path):
        hint = f"; open one of its checkpoints, such as step-{steps[-1]}"
    elif (path / "config.json").is_file():
        hint = "; it is a model of transformers beside something else"
    raise ValueError(f"{path} holds no trained model (final/model.json){hint}")
