"""The results of a comparison's runs, as tidy tables.

Metric names are those of validation, without `valid/`: `loss` … for the objective's own exam, `masked/…`, `forward/…`
and `backward/…` for the common ones, and `SUITE/…` for suites that `maskwright evaluate` ran on a finished run.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from ..files.json_files import read_object
from ..run.metrics_log import read_lines
from .evaluations import Answers, Items, answers, items

LOWER_IS_BETTER = ("loss", "perplexity", "bits_per_byte")
HIGHER = dict.fromkeys(LOWER_IS_BETTER, False) | dict.fromkeys(("accuracy", "top5", "ndcg10", "mrr10"), True)
"""Whether higher is better, by the last part of a metric's name."""
MAIN = re.compile(rf"(?:(?!unigram/|margin/)([\w.,=+-]+)/)?({'|'.join(HIGHER.keys() - {'perplexity'})})")
"""The metrics of a whole exam, without its unigram baseline and margins, and perplexity (a function of the loss)."""


@dataclass(frozen=True)
class Run:
    """One finished run."""

    arm: str
    seed: int
    folder: Path

    @cached_property
    def numbers(self) -> dict[str, float]:
        """All final metrics, and those of suites run since, such as `blimp,data=full_eval/accuracy`."""
        found = read_object(self.folder / "final.json")
        suites = {f"{suite}/{name}": one for suite, numbers in self.answers.items() for name, one in numbers.items()}
        return {name.removeprefix("valid/"): number for name, number in found.items()} | suites

    @cached_property
    def answers(self) -> Answers:
        """What suites said of its weights. Raises ValueError when one is of other weights."""
        return answers(self.folder)

    def items(self, suite: str) -> Items | None:
        """What each item of a suite counted; None where that was not kept."""
        return items(self.folder, suite) if suite in self.answers else None

    @cached_property
    def cost(self) -> dict[str, float]:
        """`parameters`, and `flops_per_token` of text."""
        return read_object(self.folder / "cost.json")

    @cached_property
    def documents(self) -> dict[str, np.ndarray]:
        """Sums over the targets of each validation document, [D] float64, as `one_run.documents` names them."""
        with np.load(self.folder / "documents.npz") as arrays:
            return dict(arrays)

    @cached_property
    def curve(self) -> dict[str, np.ndarray]:
        """Columns over the V validations: step, tokens, seconds and all main metrics, [V] float64."""
        lines = read_lines(self.folder / "metrics.jsonl")
        seen = [line for line in lines if "tokens" in line]
        saved = [line for line in lines if "valid/loss" in line]
        step = np.array([line["step"] for line in saved], float)
        columns = {"step": step}
        for clock in ("tokens", "seconds"):
            at, value = ([0.0, *(line[name] for line in seen)] for name in ("step", clock))
            columns[clock] = np.interp(step, at, value)
        names = [name.removeprefix("valid/") for name in saved[-1]]
        return columns | {
            name: np.array([line[f"valid/{name}"] for line in saved], float) for name in names if MAIN.fullmatch(name)
        }


def records(runs: Sequence[Run]) -> Iterator[dict[str, str | int | float]]:
    """One row per metric: arm, seed, metric, value."""
    for run in runs:
        for metric, value in (run.numbers | run.cost).items():
            yield {"arm": run.arm, "seed": run.seed, "metric": metric, "value": value}


def curve_records(runs: Sequence[Run]) -> Iterator[dict[str, str | int | float]]:
    """One row per point: arm, seed, metric, step, tokens, seconds, value."""
    for run in runs:
        clocks = {name: run.curve[name] for name in ("step", "tokens", "seconds")}
        for metric in run.curve.keys() - clocks.keys():
            for index, value in enumerate(run.curve[metric]):
                at = {name: clock[index].item() for name, clock in clocks.items()}
                yield {"arm": run.arm, "seed": run.seed, "metric": metric, **at, "value": value.item()}


def by_arm(runs: Sequence[Run]) -> dict[str, dict[int, Run]]:
    """The runs of each arm by seed, arms in the order of the runs."""
    found: dict[str, dict[int, Run]] = {}
    for run in runs:
        found.setdefault(run.arm, {})[run.seed] = run
    return found


def main_metrics(runs: Sequence[Run], own: bool, by: str | None) -> dict[str, list[str]]:
    """The comparable metrics, each with the arms that have it. own: whether the arms' own exams are the same.

    by: only the metric of that name, of every exam.
    """
    arms: Mapping[str, dict[int, Run]] = by_arm(runs)
    names = sorted({name for run in runs for name in run.numbers if comparable(name, own, by)}, key=_rank)
    return {name: [arm for arm in arms if all(name in run.numbers for run in arms[arm].values())] for name in names}


def comparable(name: str, own: bool, by: str | None) -> bool:
    """Whether arms are compared by the metric `name`; arguments as of `main_metrics`."""
    found = MAIN.fullmatch(name)
    return found is not None and (own or found[1] is not None) and (by is None or found[2] == by)


def _rank(name: str) -> tuple[str, int]:
    exam, metric = MAIN.fullmatch(name).groups("")  # type: ignore[union-attr]
    return exam, list(HIGHER).index(metric)


def is_share(metric: str) -> bool:
    """Whether a metric is a share, shown in percent."""
    return metric.rpartition("/")[2] in ("accuracy", "top5")


def higher(metric: str) -> bool:
    """Whether higher is better."""
    return HIGHER[metric.rpartition("/")[2]]
