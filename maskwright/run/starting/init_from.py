"""The weights that a run begins with: those of another run, or of a folder of `transformers`."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...models.transformers import Transformers, TransformersModel, in_folder, pretrained
from ...progress import warn
from ...text.tokenizers.tokenizer import Tokenizer
from .. import saved
from ..config import Config
from .begin import begins_with
from .stretch import stretch, without_places
from .vocabulary_transfer import NewTokens, transfer


def init_from(model: nn.Module, config: Config, tokenizer: Tokenizer, new_tokens: NewTokens | None = None) -> None:
    """Give `model`, built for `config`, the weights of the finished run `training.init_from`; only dropout may differ.

    So it does with a folder of `transformers`, when the model is of that class; for None, with the folder that the
    settings of the model name, if any.

    new_tokens: how tokens begin that are not in the tokenizer of that run, by default as `training.new_tokens` says.
    Raises ValueError when it has another model, and without new_tokens another tokenizer.
    """
    if (source := source_of(config)) is None:
        return
    folder, foreign, own = source
    known = saved.tokenizer_of(folder) if foreign else saved.tokenizer(folder, saved.read(folder))
    same, how = known.fingerprint == tokenizer.fingerprint, new_tokens or config.training.new_tokens
    if same and not config.training.stretch:
        fill(model, folder, foreign)
        return
    if not same and how is None:
        raise ValueError(
            f"training.init_from={str(folder)!r} has another tokenizer: take that one, tokenizer.file={folder}, or say "
            "by training.new_tokens=pieces how tokens begin that it lacks"
        )
    if not same and (lora := config.training.lora) and not lora.embeddings:
        raise ValueError("training.lora: the embeddings of new tokens would never learn; give lora.embeddings=true too")
    old: nn.Module = own.build(known.vocabulary.size, torch.Generator().manual_seed(0))
    fill(old, folder, foreign)
    if config.training.stretch:
        stretch(old, config.training.stretch, config.model.max_length)
    model.load_state_dict(old.state_dict()) if same else transfer(model, old, (known, tokenizer), how or "pieces")


def source_of(config: Config) -> tuple[Path, bool, Any] | None:
    """The folder that a run begins with, whether it is one of `transformers`, and the settings of its model; or None.

    Raises ValueError when there is no model, or another one.
    """
    if (source := begins_with(config)) is None:
        return None
    if not source:
        raise ValueError("training.init_from must name the folder of a run or of a model of transformers")
    folder = Path(source).expanduser()
    if foreign := pretrained.is_pretrained(folder):
        pretrained.files(folder)
        own = in_folder(folder)
    else:
        folder = saved.final(folder)
        own = saved.settings_of(saved.read(folder))
    same_model(config.model, own, folder, config.training.stretch is not None)
    return folder, foreign, own


def same_model(settings: Any, own: Any, folder: Path, longer: bool) -> None:
    """Raises ValueError when the model in `folder`, whose settings are its `own`, is not what `settings` build.

    longer: its positions may be others.
    """
    here, there = saved.describe(settings, 0), saved.describe(own, 0)
    for facts in (here, there) if longer else ():
        facts["settings"] = without_places(facts["settings"])
        if isinstance(options := facts["settings"].get("options"), dict):
            facts["settings"]["options"] = without_places(options)
    if not isinstance(own, Transformers):
        if differs := saved.difference(here, there):
            raise ValueError(f"training.init_from={str(folder)!r} is another model: {differs}")
    elif here["settings"].get("options") != there["settings"]["options"]:
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
