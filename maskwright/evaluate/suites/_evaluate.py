"""Run a suite by name: a file with `evaluate(run, data)`, or with `Options` and `evaluate(run, data, options)`.

NEEDS_CHECKPOINTS in the file says that it is given the folder of several models, NEEDS_ONE_MODEL that it needs more of
a model than its probabilities, so that an ensemble will not do.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from ...run.discover import is_model, models
from ...run.ensemble import ensemble
from ...run.load import LoadedRun, described, load
from ...settings import from_mapping, override
from ...settings.registry import module
from ...storage.arrays import write_arrays
from ...storage.atomic import atomic_write, check_writable
from ..scoring.minimal_pairs import Accuracies

BOUNDS = ("low", "high")
WEIGHTS = "weights"
"""The entry of a kept result that says of which weights it is: their SHA-256. Results of several models have none."""
RULES = "rules"
"""The entry that says by the official evaluation of which year it was counted, where a suite has the option."""
NOT_IN_NAME = frozenset({"predictions", "device", "batch_tokens"})
"""Options that do not change the results, so that they are left out of the file name."""
MAX_NAME = 120
"""Characters of a file name; a longer one is cut and ends in a hash, because file systems limit names."""


def evaluate_folder(suite: str, folder: Path, data: Path | None, assignments: Sequence[str] = ()) -> dict[str, float]:
    """The metrics of a suite, options given as `name=value`; saved in FOLDER/evaluations under `results_name`.

    If `folder` holds several checkpoints, all are evaluated: `words/1000000/accuracy` is the accuracy of chck_1M,
    `step/500/…` of step-500. Raises ValueError when there is no such suite or option, or nothing can be saved.
    """
    suite_module = module("evaluate.suites", suite)
    check_writable(folder / "evaluations")
    if hasattr(suite_module, "NEEDS_CHECKPOINTS"):
        numbers = suite_module.evaluate(folder, data, *_options(suite, assignments))
        return _save(suite, folder, data, assignments, numbers, _weights(folder))
    if several := models(folder):
        return _save(suite, folder, data, assignments, _each_checkpoint(suite, several, data, assignments), "")
    device = _option(suite, assignments, "device", "auto")
    return evaluate_run(suite, load(folder, device), data, assignments)


def evaluate_ensemble(
    suite: str, folders: Sequence[Path], data: Path | None, assignments: Sequence[str] = ()
) -> tuple[dict[str, float], Path]:
    """The same for several models as one, whose probabilities are averaged, and the folder that the results are in.

    Raises ValueError for a suite that looks into the layers of a model, or trains it further.
    """
    suite_module = module("evaluate.suites", suite)
    if hasattr(suite_module, "NEEDS_ONE_MODEL") or hasattr(suite_module, "NEEDS_CHECKPOINTS"):
        raise ValueError(f"the suite {suite} is of one model: an ensemble has probabilities alone, and no layers")
    run = ensemble(folders, _option(suite, assignments, "device", "auto"))
    run.path.mkdir(parents=True, exist_ok=True)
    return evaluate_run(suite, run, data, assignments), run.path


def evaluate_run(suite: str, run: LoadedRun, data: Path | None, assignments: Sequence[str] = ()) -> dict[str, float]:
    """The same for an open run, on the device that it was opened on."""
    suite_module = module("evaluate.suites", suite)
    several = hasattr(suite_module, "NEEDS_CHECKPOINTS")
    numbers = suite_module.evaluate(run.path if several else run, data, *_options(suite, assignments))
    return _save(suite, run.path, data, assignments, numbers, run.weights)


def _weights(folder: Path) -> str:
    """Of which weights the results of a folder are; empty for those of several models."""
    return described(folder, "cpu").weights if is_model(folder) else ""


def _save(
    suite: str, folder: Path, data: Path | None, assignments: Sequence[str], numbers: dict[str, float], weights: str
) -> dict[str, float]:
    known: dict[str, Any] = {WEIGHTS: weights, RULES: _option(suite, assignments, RULES, "")}
    key = {name: value for name, value in known.items() if value}
    path = folder / "evaluations" / f"{results_name(suite, data, assignments)}.json"
    atomic_write(path, json.dumps(key | numbers, indent=1))
    if isinstance(numbers, Accuracies):
        write_arrays(path.with_suffix(".npz"), paradigm=numbers.paradigm, credit=numbers.credit)
    return numbers


def _options(suite: str, assignments: Sequence[str]) -> list[Any]:
    """The suite's options object, or nothing if it takes none. Raises ValueError for an unknown option."""
    kind, given = getattr(module("evaluate.suites", suite), "Options", None), override({}, assignments)
    if kind is None and given:
        raise ValueError(f"the suite {suite} has no options: remove {next(iter(given))!r}")
    return [from_mapping(kind, given, suite)] if kind else []


def _option(suite: str, assignments: Sequence[str], name: str, otherwise: Any) -> Any:
    """The value of an option of the suite, or `otherwise` where it has none of that name."""
    return next((getattr(options, name, otherwise) for options in _options(suite, assignments)), otherwise)


def results_name(suite: str, data: Path | None, assignments: Iterable[str]) -> str:
    """The file name of a suite's results, different for different options: `layers`,
    `blimp,data=full_eval,backend=causal`."""
    options = {"data": data.resolve().name} if data else {}
    asked = {option: value for option, value in override(options, assignments).items() if option not in NOT_IN_NAME}
    whole = ",".join([_plain(suite), *(f"{option}={_plain(value)}" for option, value in asked.items())])
    digest = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return whole if len(whole) <= MAX_NAME else f"{whole[:MAX_NAME]}-{digest}"


def _plain(value: object) -> str:
    """A value as part of a file name."""
    return re.sub(r"[^\w.+,-]+", "_", str(value)).strip("_")


def _each_checkpoint(
    suite: str, several: dict[str, Path], data: Path | None, assignments: Sequence[str]
) -> dict[str, float]:
    """The main metrics of each checkpoint; the complete ones are saved in each checkpoint's own folder."""
    rows = {row: evaluate_folder(suite, path, data, assignments) for row, path in several.items()}
    return {f"{row}/{name}": number for row, numbers in rows.items() for name, number in _headlines(numbers).items()}


def _headlines(numbers: dict[str, float]) -> dict[str, float]:
    plain = {name: number for name, number in numbers.items() if "/" not in name and name not in BOUNDS}
    return plain or {name: number for name, number in numbers.items() if name.endswith("/accuracy")}
