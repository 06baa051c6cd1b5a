"""Progress on stderr: bars in a terminal, lines in a log file, HTML that is updated in place in a notebook."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from threading import Event, Thread
from typing import Any, ClassVar, NamedTuple, TypeVar

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

console = Console(stderr=True, markup=False, emoji=False, highlight=False)
"""What is printed on it is text: a name with brackets is no markup."""
FIRST = 2.0
"""Seconds after which work that goes on is said for the first time where nothing moves on the screen."""
REDRAWN = 0.5
"""Seconds between two states of a notebook's progress."""
T = TypeVar("T")


def warn(sentence: str) -> None:
    """Print a warning."""
    console.print(Text.assemble(("warning:", "yellow"), f" {sentence}"), soft_wrap=True)


class Warnings(logging.Handler):
    """Shows warnings of the package, above a bar where one is shown."""

    def emit(self, record: logging.LogRecord) -> None:
        warn(self.format(record))


def clock() -> tuple[ProgressColumn, ...]:
    """The columns of the time so far and the time left."""
    return TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()


class Bar(Progress):
    """A bar with these columns, nothing when not `visible`. `every`: seconds between two lines in a log file."""

    shown: ClassVar[int] = 0
    """How many are shown now."""

    def __init__(
        self, *columns: ProgressColumn, visible: bool = True, every: float = 10.0, transient: bool = False
    ) -> None:
        super().__init__(*columns, console=console, disable=not visible, transient=transient)
        for column in columns:
            if type(column) is TextColumn:
                column.markup = False
        self.every, self._stopped = every, Event()
        self._handle: Any = None
        self._follower: Thread | None = None

    def start(self) -> None:
        Bar.shown += not self.disable
        if self.disable or (console.is_terminal and not console.is_jupyter):
            super().start()
        else:
            follow = self._redraw if console.is_jupyter else self._print_lines
            self._follower = Thread(target=follow, daemon=True)
            self._follower.start()

    def stop(self) -> None:
        Bar.shown -= not self.disable
        self._stopped.set()
        if self.disable:
            return  # older versions of rich print an empty line
        if self._follower is None:
            super().stop()
            return
        self._follower.join()
        if console.is_jupyter:
            self._draw()
        elif not self.live.transient:
            self._print()

    def _print_lines(self) -> None:
        wait = min(FIRST, self.every)
        while not self._stopped.wait(wait):
            self._print()
            wait = self.every

    def _print(self) -> None:
        for task in self.tasks:
            console.print(self._said(task), soft_wrap=True)

    def _said(self, task: Task) -> str:
        """The columns of a task that are text."""
        shown = (column for column in self.columns if isinstance(column, ProgressColumn))
        told = (column(task) for column in shown if not isinstance(column, BarColumn | SpinnerColumn))
        parts = (part.plain if isinstance(part, Text) else str(part) for part in told)
        return "  ".join(filter(None, parts)).replace("  left  ", " left ")

    def _redraw(self) -> None:
        while not self._stopped.wait(REDRAWN):
            self._draw()

    def _draw(self) -> None:
        """Show the state in a notebook, in place of the one before."""
        from IPython.display import HTML, display  # type: ignore[import-not-found]

        state = HTML("" if self._stopped.is_set() and self.live.transient else "".join(map(self._html, self.tasks)))
        if self._handle is None:
            self._handle = display(state, display_id=True)
        else:
            self._handle.update(state)

    def _html(self, task: Task) -> str:
        done = f"value={task.completed:g} max={task.total:g}" if task.total else ""
        style = "font-variant-numeric: tabular-nums"
        return f'<div style="{style}"><progress {done}></progress> {escape(self._said(task))}</div>'


class Left(TimeRemainingColumn):
    """How much is done and the time left, once `through` has told."""

    def render(self, task: Task) -> Text:
        return Text() if task.total is None else Text(f"{task.percentage:.0f}%  left ") + super().render(task)


class Part(NamedTuple):
    """The part of a bar that belongs to what is done now; a whole one is 1 long."""

    bar: Bar
    task: TaskID
    begin: float
    end: float


_part: Part | None = None


@contextmanager
def during(what: str, visible: bool = True) -> Iterator[None]:
    """Say what is being done while it is, with the time that it has taken, and where it goes `through` something the
    time left; nothing where a bar already shows."""
    global _part
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), Left()
    with Bar(*columns, visible=visible and not Bar.shown, transient=True) as bar:
        around, task = _part, bar.add_task(what, total=None)
        _part = around if bar.disable else Part(bar, task, 0.0, 1.0)
        try:
            yield
        finally:
            _part = around


def through(items: Sequence[T]) -> Iterator[T]:
    """`items` one by one, as equal parts of what is being done (`during`); what one goes through divides its part."""
    global _part
    whole = _part
    try:
        for done, item in enumerate(items):
            if whole is not None:
                begin, end = (whole.begin + (whole.end - whole.begin) * i / len(items) for i in (done, done + 1))
                _part = whole._replace(begin=begin, end=end)
                whole.bar.update(whole.task, total=1.0, completed=begin)
            yield item
    finally:
        _part = whole
