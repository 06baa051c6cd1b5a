"""The summary of a comparison: a sentence for each metric, and what makes the comparison fair."""

from collections.abc import Iterator

from ..differences import Difference
from ..evaluations import copies
from ..floors import FLOORS, below
from ..intervals import Interval
from ..results import is_share
from ..study import Comparison
from .figures import title


def number(metric: str, value: float, signed: bool = False) -> str:
    """A metric's value as text: shares in percent."""
    sign = "+" if signed else ""
    return f"{100 * value:{sign}.2f} {'points' if signed else '%'}" if is_share(metric) else f"{value:{sign}.4f}"


def ends(metric: str, interval: Interval | tuple[float, float]) -> str:
    """An interval as text."""
    low, high = (interval.low, interval.high) if isinstance(interval, Interval) else interval
    return f"{number(metric, low, True).removesuffix(' points')} to {number(metric, high, True)}"


def headlines(comparison: Comparison) -> Iterator[str]:
    """Which arms differ from the baseline on each metric, the primary one first; what decides, where none was named.

    No arm is called the best: which has the best mean is known only afterwards.
    """
    primary, main = comparison.primary.metric, ("loss", "accuracy")
    named = [metric for metric in comparison.metrics if comparison.by or metric == primary or metric.endswith(main)]
    for metric in sorted(named, key=lambda name: name != primary):
        found = [each for each in comparison.differences if each.metric == metric]
        if found:
            yield " ".join([f"{_what(comparison, metric)}: {_against(comparison, found)}", *_below(comparison, metric)])
    if comparison.differences:
        yield from _deciding(comparison)


def _what(comparison: Comparison, metric: str) -> str:
    what = title(metric).replace(":", ",")
    what = what[0].upper() + what[1:]
    primary = comparison.primary
    if metric != primary.metric:
        return what
    return f"{what} (primary{'' if primary.declared else ', but named after the runs had begun'})"


def _against(comparison: Comparison, found: list[Difference]) -> str:
    metric, reference = found[0].metric, found[0].reference
    means = {each.arm: each.mean for each in comparison.summaries if each.metric == metric}
    shown = [each for each in found if each.finding or len(found) == 1]
    others = [each.arm for each in found if each not in shown]
    told = [
        f"{each.arm} {number(metric, means[each.arm])}, {number(metric, each.mean, True)} ({verdict(each)})"
        for each in shown
    ]
    told += [f"no difference shown for {', '.join(others)}"] if others else []
    return f"against {number(metric, means[reference])} for {reference}: {'; '.join(told)}."


def _below(comparison: Comparison, metric: str) -> Iterator[str]:
    """A sentence for each arm that is not better than what has not learned."""
    arms = {arm: comparison.by_arm[arm] for arm in comparison.metrics[metric]}
    for arm, floor, value in below(metric, arms):
        yield f"{arm} is not better than {FLOORS[floor]}, {number(metric, value)}."


def verdict(found: Difference) -> str:
    """The interval of a difference over seeds, and whether it excludes 0."""
    if found.interval is None:
        return "no interval: one seed, or no spread over seeds"
    end = "" if found.finding else ", no difference shown"
    return f"{level(found.interval.level)} interval {ends(found.metric, found.interval)}{end}"


def level(confidence: float) -> str:
    """A confidence in percent."""
    return f"{100 * confidence:.4g} %"


def _deciding(comparison: Comparison) -> Iterator[str]:
    primary, compared = comparison.primary, {each.metric for each in comparison.differences}
    if primary.metric is None:
        yield f"No primary metric was named (--primary): {len(compared)} metrics share one family at 95 %."
    elif primary.metric not in compared:
        yield f"The primary metric, {primary.metric}, is not measured for two arms yet: evaluate the runs."


def fairness(comparison: Comparison) -> Iterator[str]:
    """What was the same for all arms, and what was not."""
    many = f"{len(comparison.arms)} arms with the seeds {', '.join(map(str, comparison.seeds))}"
    if comparison.same_rows:
        yield f"{many}; runs of one seed saw the same rows in the same order."
    else:
        yield f"{many}. The arms cut or tokenize the text differently, so they did not see the same rows."
    if not comparison.same_questions:
        yield "Their objectives predict different things, so they are compared on the common exams only."
    if comparison.by:
        yield "Their tokens differ, so they are compared by bits per byte alone."
    for metric, having in comparison.metrics.items():
        missing = [arm for arm in comparison.by_arm if arm not in having]
        if missing and metric.endswith(comparison.by or "loss"):
            yield f"Not trained for “{title(metric).partition(':')[0]}”, so not compared there: {', '.join(missing)}."
    for copy in copies([(f"{run.arm}, seed {run.seed},", run.answers) for run in comparison.runs]):
        yield f"{copy}."
    for run, error in comparison.failures.items():
        yield f"{run} failed: {error}"
