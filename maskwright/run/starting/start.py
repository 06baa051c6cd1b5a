"""The text and the model that a run begins with, or goes on with once its weights are put in."""

from pathlib import Path

import torch
from torch import nn

from ...models.transformers import TransformersModel
from ...models.transformers.pretrained import is_pretrained
from ...text.shards.shards import Shards
from .. import build
from ..config import Config
from . import lora
from .begin import begins_with
from .init_from import init_from, source_of


def data(config: Config, show: bool, fresh: bool) -> build.Data:
    """The text of a run; of a `fresh` one after a look at what it begins with, which is sooner than tokenizing.

    Raises ValueError as `source_of` and `build.data` do.
    """
    if fresh:
        source_of(config)
    return build.data(config, show)


def model(config: Config, shards: Shards, device: torch.device, fresh: bool = True) -> nn.Module:
    """The model of `config` on `device`, with the weights that it begins from if it is `fresh`, and its adapters.

    Raises ValueError as `build.model`, `init_from` and `lora.add` do.
    """
    built = build.model(config, shards, device)
    if fresh:
        init_from(built, config, shards.tokenizer)
    if config.training.lora:
        lora.add(built, config.training.lora, config.seed, config.training.freeze_layers or 0)
    return built


def adapters(config: Config, trained: nn.Module, out: Path) -> None:
    """Write what adapters have learned to `out`, where they belong to a folder of `transformers` as it is."""
    asked, base = config.training.lora, begins_with(config)
    if not (asked and base and isinstance(trained, TransformersModel)) or asked.embeddings:
        return
    if is_pretrained(folder := Path(base).expanduser()):
        lora.write(trained, str(folder), out)
