"""A name in a figure is text: no mathematics, no hidden label, whole in every script."""

import re
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from maskwright.compare.report import figures
from maskwright.compare.report.page import _inline
from maskwright.display import accuracies, masks, series, side_by_side
from maskwright.display.adaptive import weight_plots
from maskwright.display.elements.figure import figure
from maskwright.evaluate.validation.mask_coverage import LONGEST

NAMES = [r"a$\frac{$", "_arm", "<b>&", "a|b", "[x]", 'x id="y', "שלום नमस्ते ไทย 🙂 e\u0301", "a_b$_c$"]


def written(path: Path) -> list[str]:
    """The texts of a drawing."""
    return [unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", path.read_text(encoding="utf-8"))]


def test_labels_titles_and_ticks_are_text(tmp_path: Path) -> None:
    with figure(tmp_path / "a" / "a.svg", tmp_path / "a.png", columns=2) as ((axes, other),):
        axes.legend(axes.plot(np.arange(len(NAMES)), np.eye(len(NAMES))), NAMES)
        other.set_yticks(range(len(NAMES)), NAMES)
        other.set(title=NAMES[0], xlabel=NAMES[-1])
    found = written(tmp_path / "a" / "a.svg")
    assert [found.count(name) for name in NAMES] == [3, *[2] * (len(NAMES) - 2), 3]
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", [NAMES[0], NAMES[1], NAMES[-2]])
def test_every_figure_has_the_names_of_what_it_draws(tmp_path: Path, name: str) -> None:
    path = tmp_path / "one.svg"
    accuracies.plot({name: {"accuracy": 0.5, "low": 0.4, "high": 0.6}}, path)
    assert name in written(path)
    side_by_side.plot({name: {"": (1.0, 0.5, 2.0), f"{name} there": (1.0, 0.5, 2.0)}}, path)
    assert {name, f"{name} there"} <= set(written(path))
    series.plot({name: {0: {f"{name} loss": 1.0}, 1: {f"{name} loss": 2.0}}}, path)
    assert {name, f"{name} loss"} <= set(written(path))
    weight_plots._figure(path, lambda axes: weight_plots._lines(axes, np.arange(2), np.eye(2), [name, "b"], "w"))
    assert name in written(path)
    shares = {"covered": [0.1, 0.2], "covered_by_chance": [0.1, 0.2]}
    shares |= {"runs": [0.1] * LONGEST, "runs_by_chance": [0.1] * LONGEST}
    masks.plot([{"objective": name, "num_static_masks": static, **shares} for static in (None, 1)], path)
    assert {name, "by chance", "0.01"} <= set(written(path))


def test_arms_are_in_the_legend_and_in_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "mean_curve", lambda runs, metric: (np.arange(2), np.eye(2)))
    (path,) = figures.curves({name: {} for name in NAMES}, {"masked/loss": NAMES}, tmp_path)
    assert set(NAMES) <= set(written(path))
    assert {unescape(text) for text in re.findall(r"<text[^>]*>([^<]*)</text>", _inline(path))} >= set(NAMES)
    assert path.with_suffix(".png").is_file()
