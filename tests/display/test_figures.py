"""Tables for the terminal say the figures that `--json` gives, each under its own name."""

from types import SimpleNamespace

import numpy as np
from rich.console import Console

from maskwright.compare.differences import Difference, Summary
from maskwright.compare.intervals import Interval
from maskwright.compare.primary import Primary
from maskwright.compare.report.summary import headlines
from maskwright.display import masks
from maskwright.display.adaptive import hiding_rates, weight_plots
from maskwright.display.metrics import metrics
from maskwright.evaluate.validation.hiding_rates import Rates


def printed(table) -> list[list[str]]:
    """The words of each line that a table takes."""
    console = Console(width=200, color_system=None)
    with console.capture() as captured:
        console.print(table)
    return [line.split() for line in captured.get().splitlines() if line.strip()]


def row(table, name: str) -> list[str]:
    """What stands beside `name`."""
    (found,) = [line[1:] for line in printed(table) if line[0] == name]
    return found


def test_a_metric_stands_beside_its_own_name() -> None:
    numbers = {"items": 1234, "spearman": 0.51239, "dev": -12.34567}
    assert row(metrics(numbers), "items") == ["1,234"]
    assert row(metrics(numbers), "spearman") == ["0.5124"]
    assert row(metrics(numbers), "dev") == ["-12.3457"]


def test_an_accuracy_stands_before_its_interval() -> None:
    numbers = {"accuracy": 0.7011, "low": 0.6822, "high": 0.7233, "items": 5000}
    numbers |= {f"field/syntax/{name}": value / 2 for name, value in numbers.items() if name != "items"}
    assert row(metrics(numbers), "all") == ["70.1%", "5,000", "68.2%", "–", "72.3%"]
    assert row(metrics(numbers), "field/syntax") == ["35.1%", "34.1%", "–", "36.2%"]


def test_the_report_of_masks_prints_its_figures_beside_chance() -> None:
    fates = dict(zip(masks.FATES, (0.8, 0.11, 0.09), strict=True))
    figures = {"objective": "span", "num_static_masks": 7, "ratio": 0.1512, "fates": fates}
    figures |= {"covered": [0.1, 0.52], "covered_by_chance": [0.1, 0.48]}
    figures |= {"diversity": 0.913, "diversity_by_chance": 0.921}
    figures |= {"runs": [0.5, 0.5], "runs_by_chance": [0.9, 0.1]}
    counted = [f"{100 * fates[fate]:.0f}" for fate in masks.FATES]
    wanted = ["7", "15.1%", "52.0%", "(48.0%)", "91.3%", "(92.1%)", "/".join(counted), "1.50", "(1.10)"]
    assert row(masks.table([figures]), "span") == wanted


def test_weights_of_tokens_are_printed_as_they_are() -> None:
    lines = [{"token": "the", "weight": 1.237, "difficulty": 0.456, "count": 12345}]
    assert row(weight_plots.table("hardest", lines), "'the'") == ["1.24", "0.46", "12,345"]
    hidden = np.array([[0.1, 0.3], [0.05, 0.35]])
    rates = Rates(["noun", "verb"], np.array([0, 10]), hidden, np.array([0.5, 0.5]))
    assert row(hiding_rates.table(rates), "verb") == ["30.0%", "35.0%", "1.75"]


def test_a_headline_of_a_comparison_has_the_means_and_the_interval() -> None:
    name = "masked/accuracy"
    held = Interval(-0.005, 0.045, 0.95, "Dunnett")
    found = [Difference(name, "b", "a", 0.02, {0: 0.01, 1: 0.03}, held, None)]
    means = [Summary(name, arm, mean, 0.1, {}) for arm, mean in (("a", 0.4012), ("b", 0.4212), ("c", 0.5012))]
    comparison = SimpleNamespace(metrics={name: []}, by=None, summaries=means, differences=found)
    comparison.primary = Primary(name, True)
    (sentence,) = headlines(comparison)
    said = "Hidden tokens, accuracy (primary): against 40.12 % for a: b 42.12 %, +2.00 points"
    assert sentence == f"{said} (95 % interval -0.50 to +4.50 points, no difference shown)."
    found.append(Difference(name, "c", "a", 0.1, {}, Interval(0.05, 0.15, 0.95, "Dunnett"), None))
    comparison.primary = Primary(name, False)
    (sentence,) = headlines(comparison)
    assert "(primary, but named after the runs had begun)" in sentence
    assert sentence.endswith(
        "c 50.12 %, +10.00 points (95 % interval +5.00 to +15.00 points); no difference shown for b."
    )
    other = "suite,data=texts/ndcg10"
    comparison.metrics[other] = []
    found.append(Difference(other, "b", "a", 0.1, {}, held, None))
    means.extend(Summary(other, arm, 0.2, 0.1, {}) for arm in "ab")
    assert not any("nDCG@10" in sentence for sentence in headlines(comparison))
    comparison.primary = Primary(other, True)
    assert next(headlines(comparison)).startswith("Suite,data=texts, nDCG@10 (primary): against 0.2000 for a")
    del comparison.metrics[other], found[-1]
    comparison.primary = Primary(None, True)
    assert list(headlines(comparison))[-1].startswith("No primary metric was named (--primary): 1 metrics share")
