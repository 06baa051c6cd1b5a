"""The end of a run: a folder with the weights, the model's settings and the tokenizer, and the way back from it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from ..settings import from_mapping, registry
from ..storage import sealed
from ..storage.atomic import atomic_folder
from ..text.tokenizers.tokenizer import Tokenizer
from .checkpoint import steps

WEIGHTS = "model.safetensors"


@dataclass
class _Model:
    name: str
    vocabulary_size: int
    knobs: dict[str, Any]
    files: sealed.Files = dataclasses.field(default_factory=dict)


def save(out: Path, weights: Mapping[str, Tensor], settings: Any, tokenizer: Tokenizer, data: str) -> None:
    """Write `out`: model.safetensors, model.json (with the fingerprint of the `data`) and the tokenizer's files."""
    with atomic_folder(out) as aside:
        tokenizer.save(aside)
        whole = {name: weight.cpu().contiguous() for name, weight in weights.items()}
        safetensors.torch.save_file(whole, aside / WEIGHTS)
        facts = describe(settings, tokenizer.vocabulary.size) | {"data": data, "tokenizer": tokenizer.fingerprint}
        sealed.write(aside / "model.json", facts | {"files": {WEIGHTS: sealed.fingerprint(aside / WEIGHTS)}})


def describe(settings: Any, vocabulary_size: int) -> dict[str, Any]:
    """What it takes to build the model anew."""
    values = dataclasses.asdict(settings)
    knobs = {f.name: values[f.name] for f in dataclasses.fields(settings) if f.init}
    return {"name": registry.name_of(settings), "vocabulary_size": vocabulary_size, "knobs": knobs}


def difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The first knob but dropout that two descriptions give differently, in words; empty where they are alike."""
    here, there = ({"name": facts["name"]} | facts["knobs"] for facts in (one, other))
    for knob in [knob for knob in here | there if knob != "dropout"]:
        if here.get(knob) != there.get(knob):
            return f"model.{knob} is {there.get(knob)!r} there and {here.get(knob)!r} here"
    return ""


def load(source: str | Path, device: str | torch.device = "cpu") -> tuple[nn.Module, Tokenizer]:
    """The model (in evaluation mode) and the tokenizer of a finished run, or of its folder `final`.

    Raises ValueError when `source` holds none.
    """
    final = _final(Path(source))
    facts = read(final)
    for name in sealed.damaged(final, facts.get("files", {})):
        raise ValueError(f"{final} is damaged: {name} is not what was written")
    tokenizer = Tokenizer.load(final)
    if facts.get("tokenizer", tokenizer.fingerprint) != tokenizer.fingerprint:
        raise ValueError(f"{final} is damaged: its tokenizer is not the one that the model was trained with")
    try:
        model: nn.Module = settings_of(facts).build(facts["vocabulary_size"], torch.Generator().manual_seed(0))
        safetensors.torch.load_model(model, str(final / WEIGHTS))
    except (OSError, RuntimeError, safetensors.SafetensorError) as error:
        raise ValueError(f"{final} is damaged or not of this version: {' '.join(str(error).split())}") from None
    return model.to(device).eval(), tokenizer


def settings(source: str | Path) -> Any:
    """The model's settings of a finished run, or of its folder `final`. Raises ValueError when `source` holds none."""
    return settings_of(read(_final(Path(source))))


def settings_of(facts: Mapping[str, Any]) -> Any:
    """The model's settings that `describe` wrote."""
    kind, _ = registry.load("models", facts["name"])
    return from_mapping(kind, facts["knobs"], "model")


def init_from(model: nn.Module, settings: Any, tokenizer: Tokenizer, source: str) -> None:
    """Give `model`, built from `settings`, the weights of the finished run `source`; only dropout may differ.

    Raises ValueError when that has another model or another tokenizer.
    """
    final = _final(Path(source))
    if told := difference(describe(settings, 0), read(final)):
        raise ValueError(f"training.init_from={source!r} is another model: {told}")
    trained, spoken = load(source)
    if spoken.fingerprint != tokenizer.fingerprint:
        raise ValueError(f"training.init_from={source!r} has another tokenizer: take that one, tokenizer.file={final}")
    model.load_state_dict(trained.state_dict())


def read(final: Path) -> dict[str, Any]:
    """What model.json says of a trained model. Raises ValueError when it says nothing, or was changed."""
    return sealed.read(final / "model.json", _Model, "the description of a model")


def run_of(source: Path, depth: int = 1) -> Path | None:
    """The folder that says how a model was trained (config.yaml): `source`, or one of the `depth` that it lies in."""
    places = (source, *source.resolve().parents[:depth])
    return next((path for path in places if (path / "config.yaml").is_file()), None)


def check(out: Path, data: str) -> None:
    """Refuse to judge the model of the run `out` by other text than it was trained on. Raises ValueError."""
    if read(_final(out)).get("data") != data:
        raise ValueError(f"{out} was trained on other text or another tokenizer than its config gives now")


def _final(path: Path) -> Path:
    final = path / "final" if (path / "final").is_dir() else path
    if not (final / "model.json").is_file():
        found = steps(path / "checkpoints")
        unfinished = f"; its run stopped at step {found[-1]}, resume it" if found else ""
        raise ValueError(f"{path} holds no trained model (final/model.json){unfinished}")
    return final
