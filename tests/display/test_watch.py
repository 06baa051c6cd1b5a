"""Runs are followed by their files: how far, how fast, how different, finished or not."""

import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from maskwright.display.watch.runs import POINTS, find, look
from maskwright.display.watch.table import table
from maskwright.serving.watch.app import app

from ..browser import browsing
from .elements.test_table import printed
from .test_pages import check


def written(path: Path, steps: int, shift: float = 0.0, budget: str = "steps: 200", final: bool = False) -> Path:
    """A run that has come to `steps`."""
    path.mkdir(parents=True)
    (path / "config.yaml").write_text(f"training: {{{budget}}}\n")
    lines = [
        {"step": n, "loss": 9.0 - n / 100 + shift, "epoch": n / 100, "tokens_per_second": 1000.0, "seconds": n * 2.0}
        | ({"valid/loss": 8.0 - n / 100 + shift} if n % 50 == 0 else {})
        for n in range(1, steps + 1)
    ]
    (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"step": ')
    if final:
        (path / "final.json").write_text("{}")
    return path


def test_how_far_a_run_is_follows_from_its_budget(tmp_path: Path) -> None:
    by_steps = look("a", written(tmp_path / "a", 100))
    assert (by_steps.done, by_steps.left, by_steps.says.startswith("0:00:")) == (0.5, 200.0, True)
    assert look("b", written(tmp_path / "b", 100, budget="epochs: 4")).done == 0.25
    finished = look("c", written(tmp_path / "c", 100, final=True))
    assert (finished.done, finished.left, finished.says) == (1.0, None, "finished")


def test_curves_are_thinned_and_keep_their_end(tmp_path: Path) -> None:
    curves = look("a", written(tmp_path / "a", 3 * POINTS + 7)).curves()
    assert len(curves["loss"]) <= POINTS
    assert curves["loss"][-1][0] == 3 * POINTS + 7
    assert curves["valid/loss"][0] == [50, 7.5]


def test_the_table_tells_runs_from_the_first(command, tmp_path: Path) -> None:
    written(tmp_path / "all" / "a", 100)
    written(tmp_path / "all" / "deep" / "b", 100, shift=0.25)
    assert list(find([tmp_path / "all"])) == ["a", "deep/b"]
    code, said, _ = command("watch", tmp_path / "all", "--once")
    assert code == 0
    assert [part in said for part in ("+0.250", "1,000", "50%", "0:03:20")] == [True] * 4
    code, _, complaint = command("watch", tmp_path / "nowhere", "--once")
    assert (code, "holds no run (metrics.jsonl)" in complaint) == (2, True)


def test_a_run_that_cannot_be_read_hides_no_other(command, tmp_path: Path) -> None:
    written(tmp_path / "a", 100)
    whole = written(tmp_path / "b", 100) / "metrics.jsonl"
    whole.write_text("garbled\n" + whole.read_text().rpartition("\n")[0])
    (written(tmp_path / "c", 100) / "config.yaml").write_text("training: [")
    code, said, _ = command("watch", tmp_path, "--once")
    assert (code, said.count("unreadable"), "50%" in said) == (0, 2, True)
    assert "b/metrics.jsonl:1 is not an object of a step" in said.replace("\n", "")
    client = TestClient(app(lambda: [look(name, path) for name, path in find([tmp_path]).items()], None))
    a, b, c = client.get("/runs").json()
    assert (a["step"], b["step"], b["done"], "is not YAML" in c["fault"]) == (100, None, None, True)


def test_a_loss_that_is_no_number_is_left_out_of_a_curve(tmp_path: Path) -> None:
    log = written(tmp_path / "a", 2) / "metrics.jsonl"
    log.write_text(log.read_text().replace("8.99", "NaN"))
    client = TestClient(app(lambda: [look("a", tmp_path / "a")], None))
    assert client.get("/runs").json()[0]["curves"]["loss"] == [[2, 8.98]]


def test_losses_of_two_objectives_are_not_subtracted(tmp_path: Path) -> None:
    runs = [written(tmp_path / name, 100, shift) for name, shift in (("mlm", 0.0), ("electra", -5.0))]
    assert "-5.000" in printed(table([look(path.name, path) for path in runs]))
    for path in runs:
        (path / "config.yaml").write_text(f"objective: {{name: {path.name}}}")
    said = printed(table([look(path.name, path) for path in runs]))
    assert ("-5.000" in said, "the loss of each run's own objective" in said) == (False, True)


@pytest.fixture
def pair(tmp_path: Path) -> list[Path]:
    return [written(tmp_path / "a", 100), written(tmp_path / "b", 150, shift=0.5)]


def test_the_page_is_told_what_the_files_say(pair: list[Path]) -> None:
    client = TestClient(app(lambda: [look(path.name, path) for path in pair], None))
    a, b = client.get("/runs").json()
    assert (a["name"], a["step"], b["done"]) == ("a", 100, 0.75)
    assert b["curves"]["valid/loss"] == [[50, 8.0], [100, 7.5], [150, 7.0]]
    assert "<title>runs" in client.get("/").text


def test_a_page_of_runs_in_a_browser(pair: list[Path], tmp_path: Path) -> None:
    from ..serving.test_server import running

    with (
        browsing(tmp_path / "profile") as page,
        running(app(lambda: [look(path.name, path) for path in pair], None)) as here,
    ):
        page.open(here, "document.querySelectorAll('.curve').length === 2")
        page.ask("svg.dispatchEvent(new PointerEvent('pointermove', {clientX: innerWidth / 2, clientY: 300}))")
        assert "step " in page.text("#read")
        assert page.ask("form.metric.value") == "valid/loss"
        assert "+0.5000" not in page.text("tbody tr:first-child")
        assert page.text("tbody tr:first-child td:nth-child(2)") == "100"
        assert page.ask("new Set(Array.from({length: 16}, (_, i) => look(i))).size") == 16
        assert page.ask("ticks(38, 150)") == [50, 100, 150]
        assert page.ask("ticks(-0.013, 0.071)") == [0, 0.05]
        check(page, here, "document.querySelectorAll('.curve').length === 2")
