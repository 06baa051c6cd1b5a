"""Pages in a browser: no sideways scroll, enough contrast and no errors, from telephone to desk, light and dark."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from maskwright.display import run_report
from maskwright.files.json_files import read_object
from maskwright.run.config import Config
from maskwright.run.metrics_log import read_lines
from maskwright.training.trainer import Trainer

from ..browser import Page, browsing

WIDTHS = (400, 800, 1600)
FAINT = """(() => {
  const parts = colour => { const c = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    c.fillStyle = colour; c.fillRect(0, 0, 1, 1); return [...c.getImageData(0, 0, 1, 1).data].map(x => x / 255) }
  const light = ([r, g, b]) => [r, g, b].map(x => x <= .04045 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4)
    .reduce((sum, x, i) => sum + x * [.2126, .7152, .0722][i], 0)
  const behind = one => { for (; one; one = one.parentElement) {
    const found = parts(getComputedStyle(one).backgroundColor); if (found[3] === 1) return found } return [1, 1, 1, 1] }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), faint = []
  while (texts.nextNode()) {
    const one = texts.currentNode.parentElement
    if (!texts.currentNode.data.trim() || !one.checkVisibility() || one.closest('script, style, svg')) continue
    const [a, b] = [light(parts(getComputedStyle(one).color)), light(behind(one))].sort((x, y) => y - x)
    if ((a + .05) / (b + .05) < 4.5) faint.push([texts.currentNode.data.trim().slice(0, 40), (a + .05) / (b + .05)])
  }
  return faint
})()"""
"""The texts whose contrast to what is behind them is under 4.5 : 1 (WCAG 2.2, criterion 1.4.3)."""


def check(page: Page, address: str, ready: str = "true") -> None:
    """What a reader must be able to expect of a page."""
    behind = set()
    for theme in ("light", "dark"):
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        for width in WIDTHS:
            page.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
            page.open(address, ready)
            page.ask("document.querySelectorAll('details').forEach(one => { one.open = true })")
            assert page.ask("document.documentElement.scrollWidth") <= width, (theme, width)
            assert page.ask(FAINT) == [], (theme, width)
            behind.add(page.ask("getComputedStyle(document.body).backgroundColor"))
    assert len(behind) == 2, "light and dark"
    assert page.said == []


@pytest.fixture(scope="module")
def report(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = {"name": "modern", "hidden": 16, "layers": 1, "heads": 2, "intermediate": 24, "max_length": 64}
    tree = {
        "corpus": {"files": [str(text)]}, "tokenizer": {"size": 404}, "rows": {"length": 32}, "model": model,
        "training": {"steps": 2, "batch_tokens": 1024, "log_every": 1}, "evaluation": {"held_out": 0.2},
    }  # fmt: skip
    out = tmp_path_factory.mktemp("pages") / "run"
    Trainer(Config.of(tree), out, show=False).train()
    run_report.write(out)
    return out / "report.html"


def test_a_report_begins_with_what_was_trained_and_ends_with_what_next(report: Path) -> None:
    page = report.read_text()
    order = [page.index(f"<th>{name}") for name in ("model", "text", "objective", "training", "speed", "machine")]
    assert order == sorted(order)
    assert order[-1] < page.index("Training curves") < page.index("maskwright serve ") < page.index("All metrics")
    assert "share of the tokens predicted" in page


def test_each_validation_says_its_value_to_pointer_and_keyboard(report: Path) -> None:
    for name, lines in {"loss": ["validation"], "accuracy": ["top-5", "accuracy"]}.items():
        drawing = ElementTree.parse(report.parent / "plots" / f"{name}.svg")
        marks = [one for one in drawing.iter("{http://www.w3.org/2000/svg}use") if one.get("tabindex") == "0"]
        said = [one.get("aria-label") for one in marks]
        assert said == [one[0].text for one in marks]
        logged = [line for line in read_lines(report.parent / "metrics.jsonl") if "valid/loss" in line]
        assert [text.split(",")[0] for text in said] == [line for line in lines for _ in logged]
        assert f"{lines[0]}, step {logged[-1]['step']}: " in said[len(logged) - 1]
    assert f": {logged[-1]['valid/masked/accuracy']:.4g}" in said[-1]


def test_a_long_curve_says_its_values_to_the_pointer_alone(report: Path) -> None:
    lines = read_lines(report.parent / "metrics.jsonl")
    for name, metric, label in (("loss", "loss", "training"), ("learning_rate", "lr", "learning rate")):
        drawing = ElementTree.parse(report.parent / "plots" / f"{name}.svg")
        marks = [one for one in drawing.iter("{http://www.w3.org/2000/svg}use") if not one.get("tabindex")]
        said = [one[0].text for one in marks if len(one) and one[0].text.startswith(f"{label}, ")]
        logged = [line for line in lines if metric in line]
        assert said[0] == f"{label}, step {logged[0]['step']}: {logged[0][metric]:.4g}"
        assert len(logged) / 2 < len(said) <= len(logged) < 100


def test_a_report_splits_the_own_exam_by_frequency(report: Path) -> None:
    page = report.read_text()
    assert "<th>frequency<th>loss<th>accuracy<th>top5<th>share" in page
    share = read_object(report.parent / "final.json")["valid/frequency/10-99/share"]
    assert f"<td>{share:.1%}" in page.partition("<td>10-99")[2].partition("<tr>")[0]


def test_a_report_can_be_read(report: Path, tmp_path: Path) -> None:
    with browsing(tmp_path / "profile") as page:
        check(page, report.as_uri())
