"""A trained model beside the text that its run held out: what an evaluation starts from."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..objectives.base.objective import Objective
from ..text.tokenizers.tokenizer import Tokenizer
from . import build, checkpoint, saved
from .config import Config


@dataclass(frozen=True)
class Trained:
    """A model as it came out of training, in evaluation mode, on the device of its run."""

    model: nn.Module
    config: Config
    data: build.Data


def trained(source: str | Path) -> Trained:
    """The model of a finished run (its folder), or of a checkpoint (`RUN/checkpoints/step-100`) as evaluated there.

    Raises ValueError when `source` holds neither, or when its config now gives other text than it was trained on.
    """
    path = Path(source)
    return _checkpoint(path) if (path / "state.json").is_file() else _finished(path)


def _finished(run: Path) -> Trained:
    config = Config.load(run)
    model, _ = saved.load(run, build.device(config.training.device))
    data = build.data(config, show=False)
    saved.check(run, data.shards.fingerprint)
    return Trained(model, config, data)


@torch.no_grad()
def _checkpoint(path: Path) -> Trained:
    tensors, state = checkpoint.load(path)
    config = Config.of(state["config"])
    data = build.data(config, show=False)
    if state["data"] != data.shards.fingerprint:
        raise ValueError(f"{path} was trained on other text or another tokenizer than its config gives now")
    model = build.model(config, data.shards, build.device(config.training.device))
    weights = tensors.get("ema", tensors["model"])
    for name, parameter in model.named_parameters():
        parameter.copy_(weights[name])
    return Trained(model.eval(), config, data)


CPU = torch.device("cpu")


@dataclass(frozen=True)
class Source:
    """A model, and all that is known of it."""

    model: nn.Module
    settings: Any
    tokenizer: Tokenizer
    config: Config | None
    """Of the run; none where only its folder `final` is left."""
    numbers: dict[str, Any] = field(default_factory=dict)
    """Its final metrics; of a checkpoint, what it had seen."""
    data: str = ""
    """The fingerprint of the text that it was trained on."""


def opened(path: Path) -> Source:
    """The model of a finished run, of a checkpoint or of a folder `final`. Raises ValueError when there is none."""
    if (path / "state.json").is_file():
        found, state = trained(path), json.loads((path / "state.json").read_text())
        seen = {"step": state["step"]} | state["metrics"]
        shards = found.data.shards
        return Source(found.model.to(CPU), found.config.model, shards.tokenizer, found.config, seen, shards.fingerprint)
    model, tokenizer = saved.load(path)
    known = saved.run_of(path)
    numbers = known / "final.json" if known else path / "final.json"
    told = json.loads(numbers.read_text()) if numbers.is_file() else {}
    data = saved.read(path / "final" if (path / "final").is_dir() else path).get("data", "")
    return Source(model, saved.settings(path), tokenizer, Config.load(known) if known else None, told, data)


def untrained(config: Config) -> Source:
    """The model that a run of `config` begins with."""
    data = build.data(config, show=False)
    return Source(build.model(config, data.shards, CPU).eval(), config.model, data.shards.tokenizer, config)


Parts = tuple[nn.Module, Tokenizer, Objective | None]


def parts(source: Path, device: str = "auto") -> Parts:
    """The model, its tokenizer and its objective, where a config.yaml lies in or beside the folder."""
    where = build.device(device)
    if (source / "state.json").is_file():
        found = trained(source)
        return found.model.to(where), found.data.shards.tokenizer, found.config.objective
    model, tokenizer = saved.load(source, where)
    known = saved.run_of(source)
    return model, tokenizer, Config.load(known).objective if known else None
