"""A comparison as one self-contained HTML page."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from ...display.elements.drawing import embedded
from ...display.elements.style import STYLE
from ..differences import Difference, Summary
from ..floors import FLOORS, floors
from ..knobs import ABSENT, Matrix, knobs
from ..results import higher
from ..study import Comparison
from ..targets import Reached, times
from .figures import NAMES, look, title
from .summary import ends, fairness, headlines, level, number


def write(comparison: Comparison, curves: Sequence[Path], forests: Sequence[Path]) -> Path:
    """Write page.html into the folder of the comparison, with the figures inside."""
    common, own = _differing(comparison)
    page = PAGE.substitute(
        style=STYLE,
        title=escape(" · ".join(arm.name for arm in comparison.arms)),
        headlines="".join(f"<li>{escape(line)}" for line in headlines(comparison)) or "<li>The arms share no exam.",
        fairness="".join(f"<li>{escape(line)}" for line in fairness(comparison)),
        finals=_finals(comparison),
        differences=_differences(comparison),
        forests=_figures(forests),
        curves=_figures(curves),
        targets=_targets(comparison),
        baseline=escape(comparison.baseline),
        differing=common,
        only_some=own,
        command=escape(comparison.command),
        runs=_runs(comparison),
        numbers=_numbers(comparison),
    )
    (comparison.out / "page.html").write_text(page, encoding="utf-8")
    return comparison.out / "page.html"


def _figures(paths: Sequence[Path]) -> str:
    """SVG drawings to embed in a page, with ids made unique."""
    return "".join(f"<figure>{_inline(path)}</figure>" for path in paths)


def _inline(path: Path) -> str:
    own = partial(re.sub, r'(\bid="|href="#|url\(#)', rf"\g<1>{path.stem}-")
    return re.sub(
        r"<[^>]+>", lambda tag: own(tag[0]), embedded(path)
    )  # in tags alone: what stands between them is text


def _table(head: Iterable[str], rows: Iterable[Iterable[str]], kind: str = "numbers") -> str:
    top = "".join(f"<th>{cell}" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}" for cell in row) for row in rows)
    return f"<div class=wide><table class={kind}><thead><tr>{top}<tbody>{body}</table></div>"


def _arm(comparison: Comparison, name: str) -> str:
    colour = look([arm.name for arm in comparison.arms].index(name))["color"]
    return f'<span class=arm><i style="background:{colour}"></i>{escape(name)}</span>'


def _finals(comparison: Comparison) -> str:
    """A table for each exam: the arms and their metrics."""
    exams = dict.fromkeys(metric.rpartition("/")[0] for metric in comparison.metrics)
    cells = {(each.metric, each.arm): each for each in comparison.summaries}
    findings = {(each.metric, each.arm) for each in comparison.differences if each.finding}
    shown = ""
    for exam in exams:
        metrics = [metric for metric in comparison.metrics if metric.rpartition("/")[0] == exam]
        rows = [
            [_arm(comparison, arm), *(_cell(cells[metric, arm], (metric, arm) in findings) for metric in metrics)]
            for arm in comparison.metrics[metrics[0]]
        ]
        rows += _floors(comparison, metrics)
        heading = title(metrics[0]).partition(":")[0]
        shown += f"<h3>{escape(heading)}</h3>" + _table(["", *(NAMES[m.rpartition("/")[2]] for m in metrics)], rows)
    return shown


def _floors(comparison: Comparison, metrics: Sequence[str]) -> Iterator[list[str]]:
    """A row for each floor that an exam has."""
    found = {metric: floors(metric, comparison.runs) for metric in metrics}
    for floor, name in FLOORS.items():
        if any(floor in each for each in found.values()):
            cells = [number(metric, each[floor]) if floor in each else "–" for metric, each in found.items()]
            yield [f"<i>{escape(name)}</i>", *cells]


def _cell(found: Summary, finding: bool) -> str:
    spread = "" if found.deviation is None else f" ± {number(found.metric, found.deviation).removesuffix(' %')}"
    mean = f"<b>{number(found.metric, found.mean)}</b>" if finding else number(found.metric, found.mean)
    return f"{mean}{spread}<small>{_seeds(found.metric, found.seeds)}</small>"


def _seeds(metric: str, seeds: Mapping[int, float], signed: bool = False) -> str:
    values = (number(metric, value, signed) for value in seeds.values())
    return "  ".join(value.removesuffix(" %").removesuffix(" points") for value in values)


def _differences(comparison: Comparison) -> str:
    head = ["metric", "difference", "mean", "each seed", "interval over seeds", "at", "by", "on other text", "finding?"]
    return _table(head, (_difference(comparison, each) for each in comparison.differences))


def _difference(comparison: Comparison, each: Difference) -> list[str]:
    mean, interval = number(each.metric, each.mean, True), each.interval
    if each.finding:
        mean = f"<b class={'better' if (each.mean > 0) == higher(each.metric) else 'worse'}>{mean}</b>"
    return [
        escape(title(each.metric)), f"{_arm(comparison, each.arm)} − {escape(each.reference)}", mean,
        _seeds(each.metric, each.seeds, True), ends(each.metric, interval) if interval else "–",
        level(interval.level) if interval else "", interval.method if interval else "",
        ends(each.metric, each.over_text) if each.over_text else "–",
        "yes" if each.finding else "not shown" if interval else "no interval",
    ]  # fmt: skip


def _targets(comparison: Comparison) -> str:
    head = ["loss to reach", "arm", "tokens", "minutes", "FLOPs", "times the tokens of the first", "seeds that did"]
    first: dict[str, Reached] = {}
    for each in comparison.reached:
        first.setdefault(each.metric, each)
    return _table(head, (_target(comparison, each, first[each.metric]) for each in comparison.reached))


def _target(comparison: Comparison, each: Reached, first: Reached) -> list[str]:
    tokens, seconds, flops = (each.spent[clock] for clock in ("tokens", "seconds", "flops"))
    did = sum(value is not None for value in each.seeds.values())
    most = "≤ " if each.bound else ""
    return [
        f"{escape(title(each.metric))} {each.target:.4f}", _arm(comparison, each.arm),
        "never" if tokens is None else f"{most}{tokens:,.0f}", "" if seconds is None else f"{most}{seconds / 60:.2f}",
        "" if flops is None else f"{most}{flops:.2e}", times(each, first), f"{did} of {len(each.seeds)}",
    ]  # fmt: skip


def _differing(comparison: Comparison) -> tuple[str, str]:
    """The settings that all arms have, and those of some arms alone; arms down the side where they are more."""
    return tuple(_matrix(comparison, found) for found in knobs(comparison.arms))  # type: ignore[return-value]


def _matrix(comparison: Comparison, found: Matrix) -> str:
    if not found:
        return "<p class=note>None."
    names = [_arm(comparison, arm.name) for arm in comparison.arms]
    base = [arm.name for arm in comparison.arms].index(comparison.baseline)
    rows = [
        [f"<code>{escape(name)}</code>", *(_value(value, value != row[base]) for value in row)]
        for name, row in found.items()
    ]
    table = [["", *names], *rows]
    head, *body = zip(*table, strict=True) if len(names) > len(rows) else table
    return _table(head, body, "knobs")


def _value(value: Any, other: bool) -> str:
    """A setting's value, stronger where it is another than the baseline's."""
    shown = "–" if value is ABSENT else escape(json.dumps(value, ensure_ascii=False))
    return f"<code{' class=other' if other else ''}>{shown}</code>"


def _runs(comparison: Comparison) -> str:
    rows = [
        [
            _arm(comparison, run.arm), str(run.seed), f"{run.numbers['step']:,}", f"{run.numbers['tokens']:,}",
            f"{run.numbers['seconds'] / 60:.2f}", f"{run.cost['parameters']:,}", f"{run.cost['flops_per_token']:.3g}",
            f"{run.numbers['tokens'] * run.cost['flops_per_token']:.2e}",
        ]
        for run in comparison.runs
    ]  # fmt: skip
    return _table(["arm", "seed", "steps", "tokens", "minutes", "parameters", "FLOPs per token", "FLOPs"], rows)


def _numbers(comparison: Comparison) -> str:
    names = sorted({name for run in comparison.runs for name in run.numbers})
    head = ["metric", *(f"{escape(run.arm)}, {run.seed}" for run in comparison.runs)]
    rows = [[escape(name), *(_plain(run.numbers.get(name)) for run in comparison.runs)] for name in names]
    return _table(head, rows)


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:,.4f}" if isinstance(value, float) else f"{value:,}"


PAGE = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
