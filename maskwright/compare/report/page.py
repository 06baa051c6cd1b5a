"""A comparison as one self-contained HTML page."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from ..results import higher
from ..statistics import Difference, Interval, Summary
from ..study import Comparison
from ..targets import Reached
from .figures import NAMES, look, title
from .summary import fairness, headlines, number


def write(comparison: Comparison, curves: Sequence[Path], forests: Sequence[Path]) -> Path:
    """Write page.html into the folder of the comparison, with the figures inside."""
    page = PAGE.substitute(
        title=escape(" · ".join(arm.name for arm in comparison.arms)),
        headlines="".join(f"<li>{escape(line)}" for line in headlines(comparison)) or "<li>The arms share no exam.",
        fairness="".join(f"<li>{escape(line)}" for line in fairness(comparison)),
        finals=_finals(comparison),
        differences=_differences(comparison),
        forests=_figures(forests),
        curves=_figures(curves),
        targets=_targets(comparison),
        differing=_differing(comparison),
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
    drawing = path.read_text(encoding="utf-8")
    drawing = drawing[drawing.index("<svg") :]
    own = partial(re.sub, r'(\bid="|href="#|url\(#)', rf"\g<1>{path.stem}-")
    return re.sub(r"<[^>]+>", lambda tag: own(tag[0]), drawing)  # in tags alone: what stands between them is text


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    top = "".join(f"<th>{cell}" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{cell}" for cell in row) for row in rows)
    return f"<div class=wide><table><thead><tr>{top}<tbody>{body}</table></div>"


def _arm(comparison: Comparison, name: str) -> str:
    colour = look([arm.name for arm in comparison.arms].index(name))["color"]
    return f'<span class=arm><i style="background:{colour}"></i>{escape(name)}</span>'


def _finals(comparison: Comparison) -> str:
    """A table for each exam: the arms and their metrics."""
    exams = dict.fromkeys(metric.rpartition("/")[0] for metric in comparison.metrics)
    cells = {(each.metric, each.arm): each for each in comparison.summaries}
    shown = ""
    for exam in exams:
        metrics = [metric for metric in comparison.metrics if metric.rpartition("/")[0] == exam]
        best = {metric: _best(comparison, metric) for metric in metrics if comparison.metrics[metric][1:]}
        rows = [
            [_arm(comparison, arm), *(_cell(cells[metric, arm], arm == best.get(metric)) for metric in metrics)]
            for arm in comparison.metrics[metrics[0]]
        ]
        heading = title(metrics[0]).partition(":")[0]
        shown += f"<h3>{escape(heading)}</h3>" + _table(["", *(NAMES[m.rpartition("/")[2]] for m in metrics)], rows)
    return shown


def _best(comparison: Comparison, metric: str) -> str:
    found = [each for each in comparison.summaries if each.metric == metric]
    return (max if higher(metric) else min)(found, key=lambda each: each.mean).arm


def _cell(found: Summary, best: bool) -> str:
    spread = "" if found.deviation is None else f" ± {number(found.metric, found.deviation).removesuffix(' %')}"
    mean = f"<b>{number(found.metric, found.mean)}</b>" if best else number(found.metric, found.mean)
    return f"{mean}{spread}<small>{_seeds(found.metric, found.seeds)}</small>"


def _seeds(metric: str, seeds: Mapping[int, float], signed: bool = False) -> str:
    values = (number(metric, value, signed) for value in seeds.values())
    return "  ".join(value.removesuffix(" %").removesuffix(" points") for value in values)


def _interval(metric: str, found: Interval | None) -> str:
    if found is None:
        return "–"
    low, high = (number(metric, end, True).removesuffix(" points") for end in found)
    return f"{low} to {high}"


def _differences(comparison: Comparison) -> str:
    head = ["metric", "difference", "mean", "each seed", "seeds", "seeds, documents", "Student", "more than seeds?"]
    return _table(head, (_difference(comparison, each) for each in comparison.differences))


def _difference(comparison: Comparison, each: Difference) -> list[str]:
    better = (each.mean > 0) == higher(each.metric)
    sign = f"<b class={'better' if better else 'worse'}>" if each.beyond_seeds else "<b class=unsure>"
    intervals = [each.bootstrap, each.bootstrap_documents, each.student]
    return [
        escape(title(each.metric)), f"{_arm(comparison, each.arm)} − {escape(each.reference)}",
        f"{sign}{number(each.metric, each.mean, True)}</b>", _seeds(each.metric, each.seeds, True),
        *(_interval(each.metric, interval) for interval in intervals),
        "yes" if each.beyond_seeds else "not shown" if each.student else "one seed",
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
    base = first.spent["tokens"]
    return [
        f"{escape(title(each.metric))} {each.target:.4f}", _arm(comparison, each.arm),
        "never" if tokens is None else f"{tokens:,.0f}", "" if seconds is None else f"{seconds / 60:.2f}",
        "" if flops is None else f"{flops:.2e}", "" if tokens is None or not base else f"{tokens / base:.2f} ×",
        f"{did} of {len(each.seeds)}",
    ]  # fmt: skip


def _differing(comparison: Comparison) -> str:
    rows = [
        [_arm(comparison, arm), f"<code>{escape(name)}</code>", *(f"<code>{escape(_value(v))}</code>" for v in values)]
        for arm, found in comparison.differing().items()
        for name, values in found.items()
    ]
    return _table(["arm", "setting", f"in {escape(comparison.baseline)}", "in this arm"], rows)


def _value(value: Any) -> str:
    return "–" if value is None else json.dumps(value, ensure_ascii=False)


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
