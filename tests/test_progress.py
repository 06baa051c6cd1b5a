"""Progress where there is no terminal."""

import io
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console
from rich.progress import BarColumn, TextColumn

from maskwright import progress
from maskwright.training.log import Log


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is written to a file that is no terminal."""
    file = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=file, width=100))
    return file


def lines_until(written: io.StringIO, wanted: str) -> None:
    """Wait for the lines of another thread."""
    while wanted not in written.getvalue():
        pass


def test_lines_come_while_work_goes_on(written: io.StringIO) -> None:
    with progress.Bar(TextColumn("{task.description}"), BarColumn(), *progress.clock(), every=0.01) as bar:
        task = bar.add_task("loss 3.000", total=10)
        lines_until(written, "loss 3.000 ")
        bar.update(task, completed=5, description="loss 2.000")
        lines_until(written, "loss 2.000 ")
    assert all(" left " in line for line in written.getvalue().splitlines())


def test_an_invisible_bar_says_nothing(written: io.StringIO) -> None:
    with progress.Bar(TextColumn("{task.description}"), visible=False, every=0.001) as bar:
        bar.add_task("loss 3.000", total=10)
        bar.refresh()
    assert written.getvalue() == ""


def test_a_line_is_text_with_step_speed_and_time_left(written: io.StringIO, tmp_path: Path) -> None:
    with Log(tmp_path, {}, (), 0, 40, show=True) as log:
        log.show(10, {"loss": 3.0, "tokens_per_second": 1234.5, "mfu": 0.25})
        with log.during("validating"):
            during = log.progress.tasks[0].description
        log.show(20, {"loss": 2.0, "tokens_per_second": 1234.5, "mfu": 0.25})
    (line,) = written.getvalue().splitlines()
    assert during == "step 10 of 40  loss 3.000  validating"
    assert re.fullmatch(r"step 20 of 40  loss 2.000  1,23[45] tokens/s  25% MFU  \d:\d\d:\d\d left [-\d:]+", line)


def test_what_is_done_is_said_once_it_takes_long(written: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    with progress.during("learning a tokenizer"):
        pass
    assert written.getvalue() == ""
    monkeypatch.setattr(progress, "FIRST", 0.001)
    with progress.during("learning a tokenizer"), progress.during("what belongs to it"):
        lines_until(written, "learning a tokenizer  0:0")
    assert "belongs" not in written.getvalue()


def test_parts_of_parts_are_told_as_shares_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []
    monkeypatch.setattr(progress.Bar, "update", lambda bar, task, total, completed: told.append(completed))
    assert list(progress.through("ab")) == ["a", "b"]
    with progress.during("reading"):
        for _ in progress.through("ab"):
            for number in progress.through(range(5)):
                if number == 2:  # as training that stops early
                    break
            assert list(progress.through([])) == []
        with progress.during("what belongs to it"):
            assert list(progress.through("cd")) == ["c", "d"]
    assert told == pytest.approx([0, 0, 0.1, 0.2, 0.5, 0.5, 0.6, 0.7, 0, 0.5])


def test_a_line_has_the_share_that_is_done_and_the_time_left(
    written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "FIRST", 0.001)
    with progress.during("reading"):
        for part in progress.through(range(4)):
            if part == 2:
                lines_until(written, "reading  0:0")
    assert re.search(r"reading  0:00:\d\d  50%  left [-\d:]+", written.getvalue())


def test_in_a_notebook_one_output_is_updated_in_place(written: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    states: list[list[str]] = []

    def display(html: str, display_id: bool) -> SimpleNamespace:
        states.append([html])
        return SimpleNamespace(update=states[-1].append)

    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(HTML=str, display=display))
    monkeypatch.setattr(progress, "console", Console(file=written, force_jupyter=True))
    monkeypatch.setattr(progress, "REDRAWN", 0.001)
    with progress.Bar(TextColumn("{task.description}"), BarColumn()) as bar:
        task = bar.add_task("a < b", total=10)
        while not any(map("".join, states)):
            pass
        bar.update(task, completed=5)
    (shown,) = states
    assert "<progress value=0 max=10></progress> a &lt; b" in "".join(shown)
    assert "value=5 max=10" in shown[-1]
    assert written.getvalue() == ""


WAITING = {
    "fill": (["[MASK]"], "opening"), "sample": ([], "loading"), "score": (["texts.txt"], "opening"),
    "evaluate": ([], "evaluating"), "export": (["out"], "exporting"), "serve": (["--port", "0"], "opening"),
    "merge": (["--out", "out"], "merging"), "preflight": ([], "checking"),
}  # fmt: skip


@pytest.mark.parametrize("name", WAITING)
def test_a_command_says_what_it_waits_for(command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    said: list[str] = []

    @contextmanager
    def during(what: str, visible: bool = True) -> Iterator[None]:
        said.append(what)
        yield

    monkeypatch.setattr(progress, "during", during)
    rest, what = WAITING[name]
    assert command(name, tmp_path / "nowhere", *rest)[0] == 2
    assert any(what in each for each in said)
