"""Progress bars on stderr; where there is no terminal to redraw them in, lines at intervals."""

from threading import Event, Thread

from rich.console import Console
from rich.progress import Progress, ProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.text import Text

console = Console(stderr=True, markup=False, emoji=False, highlight=False)
"""What is printed on it is text: a name with brackets is no markup."""


def warn(sentence: str) -> None:
    """Print a warning."""
    console.print(Text.assemble(("warning:", "yellow"), f" {sentence}"), soft_wrap=True)


def clock() -> tuple[ProgressColumn, ...]:
    """The columns of the time so far and the time left."""
    return TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn()


class Bar(Progress):
    """A bar with these columns, nothing when not `visible`. `every`: seconds between two lines in a log file."""

    def __init__(self, *columns: ProgressColumn, visible: bool = True, every: float = 10.0):
        super().__init__(*columns, console=console, disable=not visible)
        for column in columns:
            if type(column) is TextColumn:
                column.markup = False
        self.every, self._stopped = every, Event()

    def start(self) -> None:
        super().start()
        if not (self.disable or console.is_terminal):
            Thread(target=self._print_lines, daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        super().stop()

    def _print_lines(self) -> None:
        while not self._stopped.wait(self.every):
            console.print(self.get_renderable())
