"""Routes: the page, and `/runs` with what the folders say now."""

from collections.abc import Callable, Sequence
from pathlib import Path
from string import Template
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from ...display.elements.style import STYLE
from ...display.watch.runs import Watched
from ..host_check import Guard
from ..page import headers

PAGE = Path(__file__).with_name("page.html")


def app(look: Callable[[], Sequence[Watched]], hosts: frozenset[str] | None) -> Guard:
    """The ASGI application.  look: gives the runs as they are now.  hosts: accepted host names; None for any."""
    page = Template(PAGE.read_text(encoding="utf-8")).substitute(style=STYLE)

    def shown(request: Request) -> Response:
        return HTMLResponse(page)

    def runs(request: Request) -> Response:
        return JSONResponse([facts(run) for run in look()])

    return Guard(Starlette(routes=[Route("/", shown), Route("/runs", runs)]), hosts, headers(page))


def facts(run: Watched) -> dict[str, Any]:
    """What the page shows of a run."""
    return {
        "name": run.name, "says": run.says, "fault": run.fault, "done": None if run.done != run.done else run.done,
        "left": run.left, "step": run.last("step"), "speed": run.last("tokens_per_second"), "curves": run.curves(),
    }  # fmt: skip
