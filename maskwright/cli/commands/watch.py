"""maskwright watch"""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

ORDER = 45
EXAMPLES = """Examples

  # every run in a folder, in the terminal, until Ctrl-C
  maskwright watch runs
  # as they are now
  maskwright watch first second --once
  # a page with their curves
  maskwright watch runs --page
"""


def command(
    runs: Annotated[list[Path], typer.Argument(help="Runs, or folders with runs in them, finished or not.")],
    page: Annotated[bool, typer.Option("--page", help="Serve a local page in place of the table.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Print the table once.")] = False,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port of the page; 0 for any free one.")] = 8766,
) -> None:
    """Follow runs while they train: curves, speed, time left, and the difference from the first of them."""
    import time
    from contextlib import suppress

    from rich.console import Console
    from rich.live import Live

    from ...progress import during

    with during("loading"):
        from ...display.watch.runs import Watched, find, look
        from ...display.watch.table import table

        def now() -> list[Watched]:
            return [look(name, path) for name, path in find(runs).items()]

    if page:
        _serve(now, port)
    elif once or not Console().is_terminal:
        Console().print(table(now()))
    else:
        with suppress(KeyboardInterrupt), Live(table(now()), auto_refresh=False) as live:
            while True:
                time.sleep(1)
                live.update(table(now()), refresh=True)


def _serve(now: Callable[[], Any], port: int) -> None:
    from ...progress import during
    from ...serving.installed import check_installed

    check_installed()
    with during("loading"):
        from ...serving.host_check import LOCAL
        from ...serving.server import address, listening
        from ...serving.server import run as serve_until_stopped
        from ...serving.watch.app import app

    with listening("127.0.0.1", port) as listener:
        typer.echo(f"{address(listener)}   Ctrl-C to stop")
        serve_until_stopped(app(now, LOCAL), listener)
