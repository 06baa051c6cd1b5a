"""A suite by its name: a file with `evaluate(run, data)`, or with `Knobs` and `evaluate(run, data, knobs)`."""

from collections.abc import Iterable
from pathlib import Path

from ..config import make, override
from ..folder import module


def ask(suite: str, run: Path, data: Path | None, assignments: Iterable[str] = ()) -> dict[str, float]:
    """The numbers of a suite, its knobs set by `knob=value`.

    Raises ValueError when there is no such suite or knob.
    """
    found, knobs = module("suites", suite), override({}, assignments)
    if not hasattr(found, "Knobs"):
        if knobs:
            raise ValueError(f"the suite {suite} has no knobs such as {next(iter(knobs))!r}")
        return dict(found.evaluate(run, data))
    return dict(found.evaluate(run, data, make(found.Knobs, knobs, suite)))
