"""The report of a tuning: the best values, all trials as a table, figures, and the page."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from matplotlib.axes import Axes

from ...display.elements.drawing import embedded
from ...display.elements.figure import figure
from ...display.elements.style import STYLE
from ...display.elements.table import Table
from ..results import higher
from .space import Parameter, Range, Value
from .study import Tuning

BEST, OTHER, PRUNED = "#1f4e9c", "#5b6472", "#d9621e"


@dataclass(frozen=True)
class Row:
    """A finished trial."""

    number: int
    state: str
    """complete, stopped (behind others) or failed."""
    value: float | None
    """The metric at the end; None where it did not come to that."""
    curve: tuple[float, ...]
    """The metric at each validation of the first seed."""
    values: dict[str, Value]
    """What was tried."""
    error: str


@dataclass(frozen=True)
class Report:
    """What a tuning has found."""

    tuning: Tuning

    @cached_property
    def rows(self) -> list[Row]:
        """All finished trials, in order."""
        return [self._row(trial) for trial in self.tuning.done]

    def _row(self, trial: Any) -> Row:
        error = trial.user_attrs.get("error", "")
        state = "failed" if error else "stopped" if trial.state.name == "PRUNED" else "complete"
        tried = {e.name: e.value(trial.params[e.name]) for e in self.tuning.space if e.name in trial.params}
        curve = tuple(trial.intermediate_values[at] for at in sorted(trial.intermediate_values))
        return Row(trial.number, state, trial.value if state == "complete" else None, curve, tried, error)

    @cached_property
    def ranked(self) -> list[Row]:
        """Those that came to the end, the best first. Raises ValueError when there are none."""
        sign = -1 if higher(self.tuning.metric) else 1
        found = [row for row in self.rows if row.value is not None]
        if not found:
            failed = next((row.error for row in self.rows if row.error), "all were stopped early")
            raise ValueError(f"no trial of {self.tuning.out} came to its end: {failed}")
        return sorted(found, key=lambda row: (sign * (row.value or 0.0), row.number))

    @property
    def best(self) -> Row:
        """The best trial."""
        return self.ranked[0]

    @cached_property
    def importances(self) -> dict[str, float]:
        """How much of the variance of the value each setting explains (fANOVA, Hutter et al. 2014), the greatest first;
        empty where fewer than two settings or values are there to tell apart."""
        import optuna

        if len(self.tuning.space) < 2 or len({row.value for row in self.ranked}) < 3:
            return {}
        evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
        found: dict[str, float] = optuna.importance.get_param_importances(self.tuning.study, evaluator=evaluator)
        return found

    def remarks(self) -> Iterator[str]:
        """What one should know of the result, a sentence each."""
        for each in self.tuning.space:
            if end := each.border(self.best.values[each.name]):
                way = "below" if end == "low" else "above"
                yield (
                    f"{each.name}={self.best.values[each.name]} lies at the {end} end of its range: what is {way} was "
                    "not tried and may be better"
                )
        for state, why in (("failed", "they count as worse than any other"), ("stopped", "others were ahead")):
            if some := [row for row in self.rows if row.state == state]:
                told = f", as trial {some[0].number}: {some[0].error}" if some[0].error else ""
                yield f"{len(some)} of {len(self.rows)} trials {state}{' early' * (not some[0].error)}; {why}{told}"

    def lines(self) -> list[str]:
        """The result in words."""
        best, metric = self.best, self.tuning.metric
        what = "  ".join(f"{name}={value}" for name, value in best.values.items())
        found = [f"best {metric} {best.value:.4f}: trial {best.number}, {what}"]
        if self.rows[0].number != best.number and self.rows[0].value is not None:
            found.append(f"trial {self.rows[0].number}, the first: {self.rows[0].value:.4f}")
        if self.importances:
            shares = ", ".join(f"{name} {share:.0%}" for name, share in self.importances.items())
            found.append(f"importance: {shares}")
        return [*found, *(f"note: {remark}" for remark in self.remarks()), f"train it: {self.command}"]

    @property
    def command(self) -> str:
        """What trains the best again."""
        return self.tuning.command(self.best.values)

    def facts(self) -> dict[str, Any]:
        """All of it as JSON."""
        trials = [{**vars(row), "curve": list(row.curve)} for row in self.rows]
        best = {"trial": self.best.number, "value": self.best.value, "values": self.best.values}
        return {
            "metric": self.tuning.metric, "best": best, "command": self.command, "importance": self.importances,
            "remarks": list(self.remarks()), "trials": trials,
        }  # fmt: skip


def table(report: Report) -> Table:
    """The trials for the terminal, the best first."""
    names = [each.name for each in report.tuning.space]
    shown = Table("trial", *names, report.tuning.metric, "")
    for row in _by_rank(report):
        shown.add_row(*_cells(row, names))
    return shown


def _by_rank(report: Report) -> list[Row]:
    return [*report.ranked, *(row for row in report.rows if row.value is None)]


def _cells(row: Row, names: Sequence[str]) -> list[str]:
    last = row.value if row.value is not None else row.curve[-1] if row.curve else None
    told = row.error or ("" if row.value is not None else f"stopped at validation {len(row.curve)}")
    return [f"{row.number}", *(f"{row.values.get(n, '')}" for n in names), "" if last is None else f"{last:.4f}", told]


def write(report: Report) -> dict[str, Any]:
    """Write results.json, trials.csv, best.yaml, `plots/` and page.html. Returns the content of results.json."""
    out, facts = report.tuning.out, report.facts()
    (out / "results.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
    names = [each.name for each in report.tuning.space]
    with (out / "trials.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["trial", "state", *names, report.tuning.metric, "error"])
        rows.writerows([r.number, r.state, *map(r.values.get, names), r.value, r.error] for r in report.rows)
    report.tuning.config(report.best.values, report.tuning.seeds[0]).write(out / "best.yaml")
    _page(report, _plots(report, out / "plots"))
    return facts


def _plots(report: Report, out: Path) -> list[Path]:
    made = []
    for each in [*report.tuning.space, None]:
        path = out / f"{each.name if each else 'curves'}.svg"
        with figure(path, path.with_suffix(".png")) as ((axes,),):
            _values(axes, report, each) if each else _curves(axes, report)
        made.append(path)
    return made


def _values(axes: Axes, report: Report, parameter: Parameter) -> None:
    """The metric over one setting: a dot for each trial that came to its end."""
    names = list(parameter.ends)
    for row in report.ranked:
        at: Any = row.values[parameter.name]
        value: Any = row.value
        colour = BEST if row is report.best else OTHER
        axes.plot(at if isinstance(parameter, Range) else names.index(at), value, "o", color=colour, markersize=5)
    if isinstance(parameter, Range):
        axes.set_xscale("log" if parameter.log else "linear")
    else:
        axes.set_xticks(range(len(names)), [str(name) for name in names])
    axes.set(xlabel=parameter.name, ylabel=report.tuning.metric, title=f"{report.tuning.metric} by {parameter.name}")


def _curves(axes: Axes, report: Report) -> None:
    """The metric of all trials at each validation; those that were stopped end early."""
    for row in report.rows:
        colour = BEST if row is report.best else PRUNED if row.state == "stopped" else OTHER
        width = 2.2 if row is report.best else 0.9
        axes.plot(range(1, len(row.curve) + 1), row.curve, color=colour, linewidth=width, marker="o", markersize=2.5)
    axes.set(xlabel="validation", ylabel=report.tuning.metric, title="all trials; orange ones were stopped early")


def _page(report: Report, plots: Sequence[Path]) -> None:
    names = [each.name for each in report.tuning.space]
    head = "".join(f"<th>{escape(cell)}" for cell in ["trial", *names, report.tuning.metric, ""])
    rows = (_cells(row, names) for row in _by_rank(report))
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}" for cell in row) for row in rows)
    page = PAGE.substitute(
        style=STYLE,
        title=escape(f"{report.tuning.source} · {', '.join(names)}"),
        lines="".join(f"<li>{escape(line)}" for line in report.lines()),
        figures="".join(f"<figure>{embedded(path)}</figure>" for path in plots),
        trials=f"<table class=numbers><tr>{head}</tr>{body}</table>",
    )
    (report.tuning.out / "page.html").write_text(page, encoding="utf-8")


PAGE = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))
