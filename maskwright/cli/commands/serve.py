"""maskwright serve"""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

import typer

ORDER = 66
WAITING = 8
"""How many may wait for their turn."""
EXAMPLES = """Examples

  maskwright serve first
  # on any free port; with the samplers that need a remasker
  maskwright serve d --remasker r --port 0
  maskwright serve first --max-tokens 64 --max-concurrent 1
"""


def command(
    run: Annotated[Path, typer.Argument(help="A run or a checkpoint.")],
    remasker: Annotated[
        Path | None, typer.Option(help="A run that detects wrong tokens, for the samplers that need one.")
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(help="The address to listen on; by default 127.0.0.1, which only this machine can reach."),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port; 0 for any free one.")] = 8765,
    max_tokens: Annotated[
        int, typer.Option(min=1, max=2**20, help="Tokens of the longest text; never more than the model takes.")
    ] = 256,
    max_concurrent: Annotated[
        int, typer.Option(min=1, max=1024, help="Requests answered at a time; eight more may wait.")
    ] = 2,
) -> None:
    """Serve a local page: masks, predictions for [MASK], the likelihood of each token, and sampling."""
    from ...progress import during
    from ...serving.installed import check_installed

    check_installed()

    with during("loading"):
        from ...serving.app import app
        from ...serving.concurrency import ConcurrencyLimit
        from ...serving.host_check import LOCAL
        from ...serving.models import opened
        from ...serving.server import address, listening
        from ...serving.server import run as serve

    place = host or "127.0.0.1"
    with listening(place, port) as listener:
        alone = ip_address(listener.getsockname()[0]).is_loopback
        names = LOCAL | {place.lower()} if alone else None
        with during(f"opening {run}"):
            made = app(opened(run, remasker, max_tokens), ConcurrencyLimit(max_concurrent, WAITING), names)
        typer.echo(f"{address(listener)}   Ctrl-C to stop")
        serve(made, listener)
