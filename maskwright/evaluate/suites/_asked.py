"""A suite by its name: a file with `evaluate(run, data)`, or with `Options` and `evaluate(run, data, options)`."""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ...run.discover import models
from ...run.load import LoadedRun, load
from ...settings import from_mapping, override
from ...settings.registry import module

BOUNDS = ("low", "high")
SILENT = frozenset({"predictions", "device", "batch_tokens"})
"""Options that say where and how fast, not what is asked."""
LONGEST = 120
"""Signs of a name; a longer one ends in a digest of the whole."""


def ask(suite: str, folder: Path, data: Path | None, assignments: Sequence[str] = ()) -> dict[str, float]:
    """The numbers of a suite, its options set by `name=value`; FOLDER/evaluations keeps them, named by `kept_as`.

    Where `folder` holds several models, all are evaluated: `words/1000000/accuracy` is that of chck_1M in it,
    `step/500/…` of step-500. Raises ValueError when there is no such suite or option.
    """
    found = module("evaluate.suites", suite)
    if hasattr(found, "SEVERAL"):
        return _keep(suite, folder, data, assignments, found.evaluate(folder, data, *_options(suite, assignments)))
    if several := models(folder):
        return _keep(suite, folder, data, assignments, _curve(suite, several, data, assignments))
    device = next((getattr(options, "device", "auto") for options in _options(suite, assignments)), "auto")
    return ask_run(suite, load(folder, device), data, assignments)


def ask_run(suite: str, run: LoadedRun, data: Path | None, assignments: Sequence[str] = ()) -> dict[str, float]:
    """The same of an opened run, on the device that it was opened on."""
    found = module("evaluate.suites", suite)
    whole = run.path if hasattr(found, "SEVERAL") else run
    return _keep(suite, run.path, data, assignments, found.evaluate(whole, data, *_options(suite, assignments)))


def _keep(
    suite: str, folder: Path, data: Path | None, assignments: Sequence[str], numbers: dict[str, float]
) -> dict[str, float]:
    (kept := folder / "evaluations").mkdir(exist_ok=True)
    (kept / f"{kept_as(suite, data, assignments)}.json").write_text(json.dumps(numbers, indent=1))
    return numbers


def _options(suite: str, assignments: Sequence[str]) -> list[Any]:
    """The options that a suite takes, if it takes any. Raises ValueError for one that it does not have."""
    kind, given = getattr(module("evaluate.suites", suite), "Options", None), override({}, assignments)
    if kind is None and given:
        raise ValueError(f"the suite {suite} has no options such as {next(iter(given))!r}")
    return [from_mapping(kind, given, suite)] if kind else []


def kept_as(suite: str, data: Path | None, assignments: Iterable[str]) -> str:
    """How the numbers of a suite are called, so that none take the place of others: `layers`, or with all that was
    asked otherwise, `blimp,data=full_eval,backend=causal`."""
    options = {"data": data.resolve().name} if data else {}
    asked = {option: value for option, value in override(options, assignments).items() if option not in SILENT}
    whole = ",".join([_plain(suite), *(f"{option}={_plain(value)}" for option, value in asked.items())])
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return whole if len(whole) <= LONGEST else f"{whole[:LONGEST]}-{digest}"


def _plain(value: object) -> str:
    """A value as a part of a file's name."""
    return re.sub(r"[^\w.+,-]+", "_", str(value)).strip("_")


def _curve(suite: str, several: dict[str, Path], data: Path | None, assignments: Sequence[str]) -> dict[str, float]:
    """The headlines of several models, as rows; the rest stays with each of them."""
    rows = {row: ask(suite, path, data, assignments) for row, path in several.items()}
    return {f"{row}/{name}": number for row, numbers in rows.items() for name, number in _headlines(numbers).items()}


def _headlines(numbers: dict[str, float]) -> dict[str, float]:
    plain = {name: number for name, number in numbers.items() if "/" not in name and name not in BOUNDS}
    return plain or {name: number for name, number in numbers.items() if name.endswith("/accuracy")}
