"""Whether a model reads all of a long row: its loss by position, on held-out texts that fill rows as long as the run's.

Every band has the same texts, so that what differs is how far into one a model reads. Where a run began with another
model (`training.init_from`, `training.stretch`), the same is asked of that at step 0.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import nn

from ...data.pack import Pack
from ...objectives.base.objective import Objective
from ...run.build import device
from ...run.load import LoadedRun
from ...run.starting import start
from ...settings import settings
from ..validation.common import exams
from ..validation.validate import take_exam

__all__ = ["Options", "evaluate"]


@settings
class Options:
    """Which bands are told apart."""

    bands: Annotated[int, Field(ge=2, le=16)] = 4
    """How many there are, each twice as long as the one before, down to the first two, which are equally long."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU if there is one."""


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """`after/BAND/loss` (nats) and `after/BAND/accuracy` of a common exam for each band of positions, as 0-31, with
    half the width of the 95 % interval over texts; `after/rises`, the bands whose loss is above that of the band before
    by more than both intervals; the same `before` and the `change` of a run that began with another model; and `rows`.

    Raises ValueError when no held-out text fills a row.
    """
    config = run.known_config
    found = exams(run.known_objective)
    if not found:
        raise ValueError(
            f"{run.path} was trained by an objective without a common exam: it cannot be asked by position"
        )
    rows, exam = filled(run.data.valid), next(iter(found.values()))
    if not len(rows):
        raise ValueError(
            f"no held-out text fills a row of {rows.length} tokens: give longer texts (corpus.valid), or raise "
            "evaluation.held_out"
        )
    numbers = {f"after/{name}": value for name, value in by_position(run.model, rows, exam, options.bands)}
    if config.training.init_from or getattr(config.model, "path", None):
        model = start.model(config, run.data.shards, device(options.device)).eval()
        before = dict(by_position(model, rows, exam, options.bands))
        numbers |= {f"before/{name}": value for name, value in before.items()}
        numbers |= {f"change/{name}": numbers[f"after/{name}"] - value for name, value in before.items()
                    if "margin" not in name}  # fmt: skip
    return numbers | {"rows": len(rows)}


def filled(pack: Pack) -> Pack:
    """The rows of a pack that a single piece of a text fills."""
    sizes = 1 + pack.pieces[:, 2] + pack.pieces[:, 3]
    chosen = pack.pieces[sizes == pack.length]
    every = np.arange(len(chosen) + 1)
    return replace(pack, pieces=chosen, begins=every, groups=every[[0, -1]])


def by_position(model: nn.Module, rows: Pack, exam: Objective, bands: int) -> Iterator[tuple[str, float]]:
    """The numbers of each band, and how many rise."""
    with torch.no_grad():
        result = take_exam(model, rows, exam)
    edges = [0, *(rows.length >> step for step in range(bands - 1, -1, -1))]
    band, rises, before = np.searchsorted(edges, result.position, side="right") - 1, 0, (np.inf, 0.0)
    for place in np.unique(band):
        name, here = f"{edges[place]}-{edges[place + 1] - 1}", band == place
        means = result.mean(here)
        margin = result.where(here).margins().get("loss", 0.0)
        yield from ((f"{name}/{metric}", means[metric]) for metric in ("loss", "accuracy"))
        yield f"{name}/margin/loss", margin
        rises += means["loss"] - margin > sum(before)
        before = means["loss"], margin
    yield "rises", float(rises)
