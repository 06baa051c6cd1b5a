"""Edge probing: what is known of spans at which layer; every task of a folder, from several seeds."""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BeforeValidator, Field

from ..config import nearest, settings
from ..evaluate.edges import edges
from ..evaluate.tasks import tasks
from ..training.prober import Prober, Probing
from ..training.scorer import parts

__all__ = ["Knobs", "evaluate"]


def _words(value: object) -> object:
    return tuple(value.split(",")) if isinstance(value, str) else value


@settings
class Knobs(Probing):
    """How probes learn, and which tasks."""

    seeds: Annotated[int, Field(ge=1)] = 3
    """How many probes of each task: 0, 1, …"""
    tasks: Annotated[tuple[str, ...], BeforeValidator(_words)] = ()
    """Names of tasks, with commas; all of the folder where none is named."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """The first so many sentences of each file; none for all."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU where there is one."""


def evaluate(run: Path, data: Path | None, knobs: Knobs) -> dict[str, float]:
    """`TASK/f1`, `…/precision`, `…/recall`, `…/layer` (the mean under the mixture) and `…/3/weight`: means over the
    seeds, F1 with its standard deviation.

    data: a folder with train.jsonl and valid.jsonl, or a folder of such folders.
    """
    found = tasks(data)
    if missing := [name for name in knobs.tasks if name not in found]:
        raise ValueError(f"no task {missing[0]!r} in {data}: {nearest(missing[0], found)}")
    model, tokenizer, objective = parts(run, knobs.device)
    numbers: dict[str, float] = {}
    for name in knobs.tasks or found:
        prober = Prober(model, tokenizer, objective, edges(*found[name], knobs.limit), knobs)
        results = [prober(seed) for seed in range(knobs.seeds)]
        numbers |= {f"{name}/{key}": float(np.mean([one[key] for one in results])) for key in results[0]}
        if len(results) > 1:
            numbers[f"{name}/f1_sd"] = float(np.std([one["f1"] for one in results], ddof=1))
    return numbers
