"""The summary of a comparison: a sentence for each metric, and what makes the comparison fair."""

from collections.abc import Iterator

from ..results import higher, is_share
from ..statistics import Difference
from ..study import Comparison
from .figures import title


def number(metric: str, value: float, signed: bool = False) -> str:
    """A metric's value as text: shares in percent."""
    sign = "+" if signed else ""
    return f"{100 * value:{sign}.2f} {'points' if signed else '%'}" if is_share(metric) else f"{value:{sign}.4f}"


def headlines(comparison: Comparison) -> Iterator[str]:
    """Which arm is best on each metric, and whether the difference is significant over seeds; a sentence for each."""
    for metric, having in comparison.metrics.items():
        if len(having) > 1 and (comparison.by or metric.endswith(("loss", "accuracy"))):
            means = {each.arm: each.mean for each in comparison.summaries if each.metric == metric}
            yield _headline(comparison, metric, sorted(having, key=means.__getitem__, reverse=higher(metric)), means)


def _headline(comparison: Comparison, metric: str, ranked: list[str], means: dict[str, float]) -> str:
    leader, *others = ranked
    what = title(metric).replace(":", ",").capitalize()
    if len(set(means.values())) == 1:
        return f"{what}: no difference at all, {number(metric, means[leader])} for every arm."
    here = [each for each in comparison.differences if each.metric == metric]
    about = [each for each in here if each.arm == leader] or [each for each in here if each.arm == others[0]]
    if not about:
        return f"{what}: {leader} is best with {number(metric, means[leader])}, on seeds that no other arm has."
    other = about[0].reference if about[0].arm == leader else others[0]
    lead = f"{leader} is best with {number(metric, means[leader])}, against {number(metric, means[other])} for {other}"
    return f"{what}: {lead}. {verdict(about[0])}"


def verdict(found: Difference) -> str:
    """Whether a difference is significant over seeds, with its confidence interval."""
    if found.student is None:
        return "One seed gives no confidence interval."
    agree = sum(value * found.mean > 0 for value in found.seeds.values())
    pairs = f"{agree} of {len(found.seeds)} pairs of runs agree in sign"
    interval = " to ".join(number(found.metric, end, signed=True) for end in found.student)
    significant = "Significant" if found.beyond_seeds else "Not significant"
    return f"{significant} over seeds: {pairs}, 95 % confidence interval {interval} (Student's t)."


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
    for run, error in comparison.failures.items():
        yield f"{run} failed: {error}"
