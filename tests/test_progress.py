"""Progress where there is no terminal."""

import io

import pytest
from rich.console import Console
from rich.progress import BarColumn, TextColumn

from maskwright import progress


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
