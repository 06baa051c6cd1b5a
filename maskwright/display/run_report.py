"""The report of a run: validation, curves, metrics by domain, and predictions for masked words of held-out text."""

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from statistics import median
from string import Template

import torch

from ..files.json_files import read_object
from ..hardware import cpu_name
from ..objectives.base.capabilities import mask_shift
from ..run import build
from ..run.config import Config
from ..run.description import describe
from ..run.load import LoadedRun, load
from ..run.metrics_log import read_lines
from ..sampling.fill import Gap, gaps
from .curves import curves
from .elements.drawing import embedded
from .elements.style import STYLE
from .elements.table import on_one_line, written
from .metrics import readable
from .validation import lines

NEXT = """maskwright evaluate {run} validation
maskwright score {run} texts.txt --per word --out words.csv
maskwright serve {run}
maskwright export {run} model"""
FILLED = """<p class="note">The word in yellow was masked; below it are the five most probable tokens, in green and bold
where correct.</p>
<div class="gaps">{}</div>"""
BANDS = """<h2>Own objective, by how often a token occurs in the training text</h2>
<div class="scroll">{}</div>"""
GAPS = 12
"""Masked words of held-out text on the page."""


def write(out: Path) -> str:
    """Write `report.html` (and `plots/`) into the folder of a finished run. Returns the lines to print."""
    config, numbers = Config.load(out), read_object(out / "final.json")
    logged = read_lines(out / "metrics.jsonl")
    figures = curves(logged, numbers, out / "plots")
    if reached := [line["mfu"] for line in logged if "mfu" in line]:
        numbers["mfu"] = median(reached)
    run = load(out, "cpu")
    filled = _gaps(run, config)
    page = PAGE.substitute(
        style=STYLE,
        trained="".join(f"<tr><th>{name}<td>{escape(told)}" for name, told in _trained(run, config, numbers)),
        next=escape(NEXT.format(run=out)),
        title=escape(f"{config.tree()['objective']['name']} · {out.resolve().name}"),
        summary="".join(f"<li>{escape(line)}" for line in summary(numbers)),
        figures="".join(map(embedded, figures)),
        domains=_by("domain", numbers),
        bands=BANDS.format(_by("frequency", numbers)) if any("/frequency/" in name for name in numbers) else "",
        gaps=FILLED.format("".join(map(_gap, filled))) if filled else "<p>This objective does not predict masks.</p>",
        metrics=_table({name: written(number) for name, number in numbers.items()}),
        config=escape((out / "config.yaml").read_text(encoding="utf-8")),
    )
    (out / "report.html").write_text(page, encoding="utf-8")
    return "\n".join([*summary(numbers), *(_line(gap) for gap in filled[:6]), f"report  {out / 'report.html'}"])


def summary(numbers: Mapping[str, float]) -> list[str]:
    """The run in a few lines: each exam of its validation, and the training time."""
    valid = {name.removeprefix("valid/"): number for name, number in numbers.items() if name.startswith("valid/")}
    reached = f", {numbers['mfu']:.0%} MFU" if "mfu" in numbers else ""
    seconds = numbers["seconds"]
    took = f"{seconds / 60:.1f} minutes" if seconds >= 60 else f"{seconds:.0f} seconds"
    return [*lines(valid), f"training: {took}{reached}"]


def _trained(run: LoadedRun, config: Config, numbers: Mapping[str, float]) -> Iterator[tuple[str, str]]:
    """Name and value of what tells a run from others: model, text, objective, length, speed, machine."""
    where = build.device(config.training.device)
    for line in describe(config, run.data, run.model, where).splitlines():
        name, _, told = line.partition(" ")
        yield name, told.strip()
    if numbers.get("seconds"):
        yield "speed", f"{numbers['tokens'] / numbers['seconds']:,.0f} tokens/s"
    yield "machine", torch.cuda.get_device_name(where) if where.type == "cuda" else cpu_name()


def _gaps(run: LoadedRun, config: Config) -> list[Gap]:
    if (shift := mask_shift(config.objective)) is None:
        return []
    return gaps(run.model, run.tokenizer, run.data.valid, GAPS, shift=shift)


def _line(gap: Gap) -> str:
    guesses = "   ".join(f"{guess} {share:.0%}" for guess, share in readable(gap.guesses))
    blank = " " * gap.truth.startswith(" ")
    text = on_one_line(f"{gap.before[-60:]}{blank}[{gap.truth.strip()}]{gap.after[:40]}")
    return f"\n  … {text} …\n      {guesses}"


def _gap(gap: Gap) -> str:
    bars = "".join(
        f'<li class="{"right" if guess == gap.truth else ""}"><b style="width:{share * 12:.1f}em"></b>'
        f"{escape(shown)} <small>{share:.1%}</small></li>"
        for (guess, share), (shown, _) in zip(gap.guesses, readable(gap.guesses), strict=True)
    )
    text = f"…{escape(gap.before)}<mark>{escape(gap.truth)}</mark>{escape(gap.after)}…"
    return f"<div class=gap><p>{text}</p><ol>{bars}</ol></div>"


def _by(what: str, numbers: Mapping[str, float]) -> str:
    """The own exam by domain or by frequency, a row each."""
    found: dict[str, dict[str, str]] = {}
    for name, number in numbers.items():
        if name.startswith(f"valid/{what}/"):
            of, _, metric = name.removeprefix(f"valid/{what}/").rpartition("/")
            found.setdefault(of, {})[metric] = f"{number:.3f}" if metric == "loss" else f"{number:.1%}"
    columns = list(next(iter(found.values()), {}))
    head = "".join(f"<th>{column}" for column in columns)
    body = "".join(
        f"<tr><td>{escape(of)}" + "".join(f"<td>{row[column]}" for column in columns) for of, row in found.items()
    )
    return f"<table class=numbers><tr><th>{what}{head}</tr>{body}</table>"


def _table(rows: Mapping[str, str]) -> str:
    body = "".join(f"<tr><td>{escape(name)}<td>{escape(number)}" for name, number in rows.items())
    return f"<table class=numbers>{body}</table>"


PAGE = Template((Path(__file__).parent / "run_report.html").read_text(encoding="utf-8"))
