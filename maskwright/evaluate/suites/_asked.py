"""A suite by its name: a file with `evaluate(run, data)`, or with `Knobs` and `evaluate(run, data, knobs)`."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from ...run.discover import models
from ...settings import from_mapping, override
from ...settings.registry import module

BOUNDS = ("low", "high")
SILENT = frozenset({"predictions", "device", "batch_tokens"})
"""Knobs that say where and how fast, not what is asked."""
LONGEST = 120
"""Signs of a name; a longer one ends in a digest of the whole."""


def ask(suite: str, run: Path, data: Path | None, assignments: Sequence[str] = ()) -> dict[str, float]:
    """The numbers of a suite, its knobs set by `knob=value`; RUN/evaluations keeps them, named as `kept_as` says.

    Where `run` is a folder of models, all are asked: `words/1000000/accuracy` is that of chck_1M in it, `step/500/…` of
    step-500. Raises ValueError when there is no such suite or knob.
    """
    several = {} if hasattr(module("evaluate.suites", suite), "SEVERAL") else models(run)
    numbers = _curve(suite, several, data, assignments) if several else _one(suite, run, data, assignments)
    (kept := run / "evaluations").mkdir(exist_ok=True)
    (kept / f"{kept_as(suite, data, assignments)}.json").write_text(json.dumps(numbers, indent=1))
    return numbers


def kept_as(suite: str, data: Path | None, assignments: Iterable[str]) -> str:
    """How the numbers of a suite are called, so that none take the place of others: `layers`, or with all that was
    asked otherwise, `blimp,data=full_eval,backend=causal`."""
    knobs = {"data": data.resolve().name} if data else {}
    asked = {knob: value for knob, value in override(knobs, assignments).items() if knob not in SILENT}
    whole = ",".join([suite, *(f"{knob}={_plain(value)}" for knob, value in asked.items())])
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return whole if len(whole) <= LONGEST else f"{whole[:LONGEST]}-{digest}"


def _plain(value: object) -> str:
    """A value as a part of a file's name."""
    return re.sub(r"[^\w.+,-]+", "_", str(value)).strip("_")


def _one(suite: str, run: Path, data: Path | None, assignments: Iterable[str]) -> dict[str, float]:
    found, knobs = module("evaluate.suites", suite), override({}, assignments)
    if not hasattr(found, "Knobs"):
        if knobs:
            raise ValueError(f"the suite {suite} has no knobs such as {next(iter(knobs))!r}")
        return dict(found.evaluate(run, data))
    return dict(found.evaluate(run, data, from_mapping(found.Knobs, knobs, suite)))


def _curve(suite: str, several: dict[str, Path], data: Path | None, assignments: Sequence[str]) -> dict[str, float]:
    """The headlines of several models, as rows; the rest stays with each of them."""
    rows = {row: ask(suite, path, data, assignments) for row, path in several.items()}
    return {f"{row}/{name}": number for row, numbers in rows.items() for name, number in _headlines(numbers).items()}


def _headlines(numbers: dict[str, float]) -> dict[str, float]:
    plain = {name: number for name, number in numbers.items() if "/" not in name and name not in BOUNDS}
    return plain or {name: number for name, number in numbers.items() if name.endswith("/accuracy")}
