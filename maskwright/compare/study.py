"""Run a comparison: train every arm with every seed on the same text in the same order, and take the same exams."""

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..run import build, resume, saved
from ..run.config import Config
from . import primary as deciding
from .differences import Difference, Summary, differences, summary
from .experiments import BY, Arm, arms, check_text, same_questions, same_rows, seed_list
from .primary import Primary
from .results import Run, by_arm, main_metrics
from .runner import pool
from .runner.local import Process
from .runner.one_run import finished
from .targets import Reached, reached, worst


@dataclass(frozen=True)
class Comparison:
    """A finished comparison."""

    command: str
    arms: list[Arm]
    seeds: list[int]
    baseline: str
    by: str | None
    primary: Primary
    runs: list[Run]
    failures: dict[str, str]
    """Error messages by run."""
    metrics: dict[str, list[str]]
    """The comparable metrics, with the arms that have them."""
    summaries: list[Summary]
    differences: list[Difference]
    reached: list[Reached]
    out: Path

    @property
    def by_arm(self) -> dict[str, dict[int, Run]]:
        """The runs by arm and seed."""
        return by_arm(self.runs)

    @property
    def same_questions(self) -> bool:
        """Whether the arms' own exams are the same."""
        return same_questions(self.arms)

    @property
    def same_rows(self) -> bool:
        """Whether arms of one seed saw the same rows in the same order."""
        return same_rows(self.arms)


def compare(
    recipes: Sequence[str],
    seeds: str | int = 3,
    common: Sequence[str] = (),
    budget: str | None = None,
    out: str | Path = "comparison",
    workers: int | None = None,
    baseline: str | None = None,
    by: str | None = None,
    primary: str | None = None,
    target: float | None = None,
    cluster: str | None = None,
    show: bool = True,
) -> Comparison:
    """Train every recipe with every seed and compare them; `compare.report.write` writes the report.

    recipes: each `NAME:RECIPE+key=value+…`, see `arms`.
    seeds: how many, or which, as in `"5,7"`.  common: changes to every arm.  budget: see `budgeted`.
    workers: runs in parallel; by default one per core, or one on a GPU.
    baseline: the arm that others are compared with; the first by default.  by: `bits_per_byte` for arms with different
    tokenizers.  primary: the metric that decides, as `masked/loss`.  target: the loss whose cost is reported; the worst
    arm's by default.  cluster: a Ray address.

    Finished runs in `out` are kept, others resume. Raises ValueError for whatever cannot be compared, and Stopped when
    the process is stopped.
    """
    found, numbers, out = arms(recipes, common, budget), seed_list(seeds), Path(out)
    check_text(found, by)
    deciding.check(primary, same_questions(found), by)
    first = found[0].name if baseline is None else baseline
    if first not in (names := [arm.name for arm in found]):
        raise ValueError(f"baseline={first!r} is not an arm: choose from {', '.join(names)}")
    asked: dict[str, Any] = {"--seeds": seeds, "--budget": budget, "--baseline": baseline, "--by": by}
    asked |= {"--primary": primary, "--target": target, "--out": out}
    command = _command(recipes, common, asked)
    runs = [Run(arm.name, number, out / "runs" / arm.folder / f"seed-{number}") for number in numbers for arm in found]
    _check_folders(found, runs)
    data = _text(found, show)
    declared = deciding.declare(out, primary, begun=any((run.folder / "config.yaml").is_file() for run in runs))
    failures = _carry_out(found, runs, data, workers, cluster, show)
    left = [run for run in runs if finished(run.folder)]
    if len(by_arm(left)) < 2:
        raise ValueError(
            f"fewer than two arms finished: {'; '.join(f'{run}: {error}' for run, error in failures.items())}"
        )
    return _compare(command, found, numbers, first, by, declared, target, left, failures, out)


def _command(recipes: Sequence[str], common: Sequence[str], asked: dict[str, Any]) -> str:
    words = ["maskwright", "compare", *recipes]
    for change in common:
        words += ["--set", change]
    for option, value in asked.items():
        words += [option, str(value)] if value is not None else []
    return shlex.join(words)


def _carry_out(
    found: Sequence[Arm], runs: Sequence[Run], data: Mapping[str, build.Data],
    workers: int | None, cluster: str | None, show: bool,
) -> dict[str, str]:  # fmt: skip
    """Train the unfinished runs. Returns error messages by run."""
    arm, start = {each.name: each for each in found}, _start(cluster)
    for run in runs:
        if finished(run.folder):
            saved.check(run.folder, data[run.arm].shards.fingerprint)
        else:
            run.folder.mkdir(parents=True, exist_ok=True)
            arm[run.arm].at(run.seed).write(run.folder / "config.yaml.tmp")
            (run.folder / "config.yaml.tmp").replace(run.folder / "config.yaml")
    folders = {f"{run.arm} · seed {run.seed}": run.folder for run in runs if not finished(run.folder)}
    steps = {f"{run.arm} · seed {run.seed}": data[run.arm].steps for run in runs}
    return pool.run_all(folders, start, workers or _cores(), pool.ProgressTable(folders, steps, show))


def _cores() -> int:
    return 1 if torch.cuda.is_available() else len(os.sched_getaffinity(0))


def _start(cluster: str | None) -> Callable[[Path], pool.Job]:
    if cluster is None:
        return Process
    from .runner.ray import joined

    return joined(cluster)


def _check_folders(found: Sequence[Arm], runs: Sequence[Run]) -> None:
    arm = {each.name: each for each in found}
    for run in runs:
        _check(arm[run.arm].at(run.seed), run.folder)


def _check(config: Config, folder: Path) -> None:
    """Raises ValueError, naming a setting that differs, when the folder holds another run."""
    path = folder / "config.yaml"
    if not path.is_file():
        return
    then = Config.load(path)
    resume.check(then.tree(), config.tree(), folder, follows_validation=config.objective.follows_validation)
    if finished(folder) and then.training.minutes != config.training.minutes:
        raise ValueError(f"{folder} was finished with training.minutes={then.training.minutes}: choose another --out")


def _text(found: Sequence[Arm], show: bool) -> dict[str, build.Data]:
    """The text of each arm, tokenized before any run starts. Raises ValueError when the held-out texts differ."""
    data = {arm.name: build.data(arm.config, show) for arm in found}
    first = data[found[0].name].shards.valid
    for name, parts in data.items():
        other = parts.shards.valid
        if not (np.array_equal(first.hashes, other.hashes) and np.array_equal(first.bytes, other.bytes)):
            raise ValueError(
                f"{found[0].name} and {name} hold out different text, so that no metric is comparable: give both the "
                "same corpus.valid, or the same corpus and evaluation.held_out"
            )
    return data


def informative(metrics: Mapping[str, list[str]], by: str | None) -> dict[str, list[str]]:
    """The metrics without redundant ones: with the same tokens, bits per byte is the loss in another unit."""
    return {metric: arms for metric, arms in metrics.items() if by or not metric.endswith(BY)}


def _compare(
    command: str, found: list[Arm], numbers: list[int], baseline: str, by: str | None, primary: Primary,
    target: float | None, runs: list[Run], failures: dict[str, str], out: Path,
) -> Comparison:  # fmt: skip
    sides = by_arm(runs)
    metrics = main_metrics(runs, same_questions(found), by)
    summaries = [summary(metric, arm, sides[arm]) for metric, having in metrics.items() for arm in having]
    compared, costs = [], list[Reached]()
    kept = {metric: having for metric, having in informative(metrics, by).items() if having}
    for metric, having in kept.items():
        reference = baseline if baseline in having else having[0]
        mine = {arm: sides[arm] for arm in having}
        compared += differences(metric, mine, reference, primary.level(metric, kept))
        if len(having) > 1 and metric.endswith(by or "loss"):
            goal = worst(mine, metric) if target is None else target
            costs += [reached(metric, arm, sides[arm], goal) for arm in having]
    return Comparison(
        command, found, numbers, baseline, by, primary, runs, failures, metrics, summaries, compared, costs, out
    )
