"""How a fine-tuning goes beyond its options: ours, and that of the official BabyLM evaluation of 2026."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from math import cos, pi
from typing import Any

from ...settings import did_you_mean
from ...settings.schedule import learning_rate

Rate = Callable[[int, int, float], float]
"""From the step (from 0), the number of steps and the share of warm-up to the share of the peak rate."""


@dataclass(frozen=True)
class Protocol:
    """What no option of fine-tuning says."""

    rate: Rate
    clip: float | None
    """The largest norm of a gradient; none for any."""
    whole_batches: bool
    """Whether the last batch of an epoch is dropped where it is not full."""
    left: bool
    """Whether texts are padded on the left, so that each ends at the last position."""
    uniform: bool
    """Whether the head begins as PyTorch begins linear layers; see `head`."""
    first_seed: int = 0


def from_zero(step: int, steps: int, warmup: float) -> float:
    """Linear from 0, which the first step has, then a cosine to a tenth: as the official program does."""
    rising = int(warmup * steps)
    if step < rising:
        return step / rising
    return 0.1 + 0.45 * (1 + cos(pi * (step - rising) / max(1, steps - rising)))


PROTOCOLS = {
    None: Protocol(partial(learning_rate, floor=0.1), clip=1.0, whole_batches=False, left=False, uniform=False),
    "babylm": Protocol(from_zero, clip=None, whole_batches=True, left=True, uniform=True, first_seed=42),
}

BABYLM: dict[str, Any] = {
    "lr": 3e-5, "epochs": 10, "batch": 32, "length": 512, "held_out": 0.0, "pool": "last", "patience": 10**9,
}  # fmt: skip
"""The options of every task; what is not here is as ours."""
TASKS: dict[str, dict[str, Any]] = {
    "boolq": {"batch": 16},
    "mnli": {},
    "mrpc": {"metric": "f1"},
    "multirc": {"batch": 16},
    "qqp": {"metric": "f1"},
    "rte": {},
    "wsc": {"epochs": 30},
}
"""The tasks, and what differs."""


def of_task(settings: Any, task: str) -> Any:
    """The options of a Finetuning for a task by their protocol, where they are not set to something else than their
    default.

    Raises ValueError for a task that the protocol does not have.
    """
    if settings.protocol is None:
        return settings
    if task not in TASKS:
        raise ValueError(f"protocol=babylm has no task {task!r}: {did_you_mean(task, TASKS)}")
    default = {field.name: field.default for field in fields(settings)}
    official = BABYLM | TASKS[task]
    return replace(
        settings, **{name: value for name, value in official.items() if getattr(settings, name) == default[name]}
    )
