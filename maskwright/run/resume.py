"""The latest intact checkpoint of a run, and whether a run may resume from it."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import checkpoint
from .checkpoint import Loaded

RESUMABLE_FIELDS = "minutes checkpoint_every keep keep_at log_every device parallel compile trackers"
FREE = {"evaluation.every", "evaluation.batch_tokens", *(f"training.{name}" for name in RESUMABLE_FIELDS.split())}
"""Settings that may change from one attempt to the next."""


def latest(folder: Path) -> tuple[Loaded | None, list[str]]:
    """The newest intact checkpoint in `folder`, and a message for each damaged one that was skipped."""
    complaints: list[str] = []
    for step in reversed(checkpoint.steps(folder)):
        try:
            return checkpoint.load(folder / f"step-{step}"), complaints
        except ValueError as error:
            complaints.append(str(error))
    return None, complaints


def check(state: Mapping[str, Any], now: Mapping[str, Any], source: Path) -> None:
    """Refuse a checkpoint of another run. Raises ValueError that names the first setting that differs."""
    then, today = dict(leaves(state["config"])), dict(leaves(now))
    for name in sorted(then.keys() | today.keys()):
        if then.get(name) != today.get(name) and name not in FREE:
            raise ValueError(
                f"{source} is from another run: {name} is {then.get(name)!r} there and {today.get(name)!r} now; "
                "resume with the same settings or choose another --out"
            )


def leaves(tree: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    """The `section.key` and value of every leaf."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", list(value) if isinstance(value, tuple) else value
