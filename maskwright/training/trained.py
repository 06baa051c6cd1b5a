"""A trained model beside the text that its run held out: what an evaluation starts from."""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from . import build, checkpoint, final
from .config import Config


@dataclass(frozen=True)
class Trained:
    """A model as it came out of training, in evaluation mode, on the device of its run."""

    model: nn.Module
    config: Config
    data: build.Data


def opened(source: str | Path) -> Trained:
    """The model of a finished run (its folder), or of a checkpoint (`RUN/checkpoints/step-100`) as evaluated there.

    Raises ValueError when `source` holds neither, or when its config now gives other text than it was trained on.
    """
    path = Path(source)
    return _checkpoint(path) if (path / "state.json").is_file() else _finished(path)


def _finished(run: Path) -> Trained:
    config = Config.load(run)
    model, _ = final.load(run, build.device(config.training.device))
    data = build.data(config, show=False)
    final.check(run, data.shards.fingerprint)
    return Trained(model, config, data)


@torch.no_grad()
def _checkpoint(path: Path) -> Trained:
    tensors, state = checkpoint.load(path)
    config = Config.of(state["config"])
    data = build.data(config, show=False)
    if state["data"] != data.shards.fingerprint:
        raise ValueError(f"{path} was trained on other text or another tokenizer than its config gives now")
    model = build.model(config, data.shards, build.device(config.training.device))
    weights = tensors.get("average", tensors["model"])
    for name, parameter in model.named_parameters():
        parameter.copy_(weights[name])
    return Trained(model.eval(), config, data)
