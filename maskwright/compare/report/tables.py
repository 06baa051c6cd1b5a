"""A comparison as files for other programs: results.json, summary.csv and curves.csv."""

import csv
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ... import __version__
from ..knobs import ABSENT, knobs
from ..results import curve_records, records
from ..study import Comparison


def plain(comparison: Comparison) -> dict[str, Any]:
    """The comparison as plain data: `records` is tidy: one object per value, with arm, seed, metric and value."""
    common, own = knobs(comparison.arms)
    differing = common | own
    return {
        "command": comparison.command,
        "version": __version__,
        "seeds": comparison.seeds,
        "baseline": comparison.baseline,
        "primary": asdict(comparison.primary),
        "same_rows": comparison.same_rows,
        "arms": {
            arm.name: {
                "recipe": arm.source,
                "changes": arm.changes,
                "differing": {name: row[place] for name, row in differing.items() if row[place] is not ABSENT},
            }
            for place, arm in enumerate(comparison.arms)
        },
        "failed": comparison.failures,
        "compared": comparison.metrics,
        "summary": [asdict(each) for each in comparison.summaries],
        "differences": [asdict(each) | {"finding": each.finding} for each in comparison.differences],
        "to_loss": [asdict(each) for each in comparison.reached],
        "records": list(records(comparison.runs)),
    }


def write(comparison: Comparison) -> dict[str, Any]:
    """Write the three files into the folder of the comparison. Returns the content of results.json."""
    found, out = plain(comparison), comparison.out
    (out / "results.json").write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _csv(out / "summary.csv", _summary(comparison))
    _csv(out / "curves.csv", curve_records(comparison.runs))
    return found


def _summary(comparison: Comparison) -> Iterable[Mapping[str, Any]]:
    """A row for each metric and arm: its value, and the difference from the reference."""
    differences = {(each.metric, each.arm): each for each in comparison.differences}
    for each in comparison.summaries:
        row = {"metric": each.metric, "arm": each.arm, "mean": each.mean, "deviation": each.deviation}
        row |= {f"seed {seed}": each.seeds.get(seed) for seed in comparison.seeds}
        other = differences.get((each.metric, each.arm))
        row |= {"reference": other and other.reference, "difference": other and other.mean}
        interval = other and other.interval
        row |= {name: interval and getattr(interval, name) for name in ("low", "high", "level", "method")}
        low, high = (other and other.over_text) or (None, None)
        yield row | {"other text low": low, "other text high": high, "finding": other and other.finding}


def _csv(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    found = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(found[0]) if found else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)
