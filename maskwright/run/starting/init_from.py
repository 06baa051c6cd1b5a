"""The weights that a run begins with: those of another run, or of a folder of `transformers`."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...models.transformers import TransformersModel, in_folder, pretrained
from ...progress import warn
from ...text.tokenizers.tokenizer import Tokenizer
from .. import saved
from ..config import Config
from .vocabulary_transfer import NewTokens, transfer


def init_from(model: nn.Module, config: Config, tokenizer: Tokenizer, new_tokens: NewTokens | None = None) -> None:
    """Give `model`, built for `config`, the weights of the finished run `training.init_from`; only dropout may differ.

    So it does with a folder of `transformers`, when the model is of that class; for None, with the folder that the
    settings of the model name, if any.

    new_tokens: how tokens begin that are not in the tokenizer of that run, by default as `training.new_tokens` says.
    Raises ValueError when it has another model, and without new_tokens another tokenizer.
    """
    settings, source = config.model, config.training.init_from
    if source is None and (source := getattr(settings, "path", None)) is None:
        return
    if not source:
        raise ValueError("training.init_from must name the folder of a run or of a model of transformers")
    folder = Path(source).expanduser()
    foreign = pretrained.is_pretrained(folder)
    if not foreign:
        folder = saved.final(Path(source))
    same_model(settings, folder, foreign)
    known = saved.tokenizer_of(folder) if foreign else saved.tokenizer(folder, saved.read(folder))
    if known.fingerprint == tokenizer.fingerprint:
        fill(model, folder, foreign)
        return
    how = new_tokens or config.training.new_tokens
    if how is None:
        raise ValueError(
            f"training.init_from={source!r} has another tokenizer: take that one, tokenizer.file={folder}, or say by "
            "training.new_tokens=pieces how tokens begin that it lacks"
        )
    old: nn.Module = settings.build(known.vocabulary.size, torch.Generator().manual_seed(0))
    fill(old, folder, foreign)
    transfer(model, old, (known, tokenizer), how)


def same_model(settings: Any, folder: Path, foreign: bool) -> None:
    """Raises ValueError when the model in `folder` is not what `settings` build."""
    if not foreign:
        there = saved.settings_of(saved.read(folder))  # an older run lacks options that came since
        if differs := saved.difference(saved.describe(settings, 0), saved.describe(there, 0)):
            raise ValueError(f"training.init_from={str(folder)!r} is another model: {differs}")
    elif getattr(settings, "architecture", None) is None or settings.options != in_folder(folder).options:
        raise ValueError(
            f"training.init_from={str(folder)!r} is another model: take that one, model.name=transformers "
            f"model.path={folder}, or convert it with maskwright import-model"
        )


def fill(model: nn.Module, folder: Path, foreign: bool) -> None:
    """Give `model` the weights in `folder`, which is of the same model and the same tokenizer."""
    if not foreign:
        model.load_state_dict(saved.model(folder, saved.read(folder), torch.device("cpu")).state_dict())
        return
    assert isinstance(model, TransformersModel)
    if fresh := pretrained.load(model, folder):
        warn(f"{folder} has no head for this: {len(fresh)} of its weights begin at random, as {fresh[0]}")
