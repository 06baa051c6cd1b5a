"""What a run is about to do, in a few lines."""

import torch
from torch import nn

from ..data.batch_size_schedule import batch_size_schedule
from ..objectives.base.objective import Objective
from .build import Data
from .config import Config


def describe(config: Config, data: Data, model: nn.Module, device: torch.device) -> str:
    """The model, text, rows, order, objective and length of a run: sizes that follow from its config and its text."""
    objective, loader, stage = config.objective, data.loader, data.loader.stages[-1]
    masks = {None: "dynamic", 1: "static"}.get(objective.num_static_masks, f"{objective.num_static_masks} patterns")
    train, parameters = data.shards.train, sum(p.numel() for p in model.parameters())
    words, tokens, documents = int(train.words.sum()), len(train.tokens), len(train.bytes)
    order = f"order      {told}\n" if (told := config.order.describe(stage.pack.groups)) else ""
    sizes = [tokens for _, tokens in batch_size_schedule(config.training.batch_tokens)]
    epochs = loader.epoch(data.steps)
    batches = " to ".join(f"{size:,}" for size in sorted({min(sizes), max(sizes)}))
    return (
        f"model      {type(config.model).__name__} with {parameters:,} parameters on {device}\n"
        f"text       {words:,} words, {tokens:,} tokens in {documents:,} documents{loader.scope}\n"
        f"rows       {len(stage.pack):,} of {stage.pack.length} tokens{loader.scope}: "
        f"{stage.pack.padding:.1%} padding, {stage.pack.cut:.1%} of documents split over rows\n"
        f"{order}objective  {type(objective).__name__}, {masks} corruption\n{_teachers(objective)}"
        f"training   {data.steps:,} steps of {batches} tokens"
        + f" = {epochs:{'.1f' if epochs > 0.1 else '.1g'}} epochs"
        * (not loader.scope)
    )


def _teachers(objective: Objective) -> str:
    """A line that says who teaches; none where nobody does."""
    if (teaching := objective.teaching) is None:
        return ""
    names = ", ".join(teaching.teachers)
    mean = ", the mean of their probabilities" * (len(teaching.teachers) > 1)
    return f"teachers   {names}{mean}: share {teaching.share:g}, temperature {teaching.temperature:g}\n"
