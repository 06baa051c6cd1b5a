"""Routes: the page, `/about` with the available choices, and one POST endpoint per tab. Errors are JSON."""

from collections.abc import Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from . import handlers as answers
from . import schemas
from .concurrency import Busy, ConcurrencyLimit
from .endpoint import Endpoint, TooSlow
from .host_check import Guard
from .models import Models
from .page import PAGE, headers
from .schemas import TooLarge

ANSWERS: dict[str, tuple[type[schemas.TextRequest], Callable[[Models, Any], Any]]] = {
    "masks": (schemas.Masks, answers.masks),
    "fill": (schemas.Fill, answers.fill),
    "score": (schemas.Score, answers.score),
    "sample": (schemas.Sample, answers.sample),
}
"""Tab to its request schema and handler."""

SENTENCES = {
    404: "there is nothing at {path}: the page is at /",
    405: "{path} does not take {method}: the page is at /, requests are sent with POST",
}


def app(models: Models, places: ConcurrencyLimit, hosts: frozenset[str] | None) -> Guard:
    """The ASGI application. hosts: accepted host names; None for any."""
    page = PAGE.read_text(encoding="utf-8")

    def shown(request: Request) -> Response:
        return HTMLResponse(page)

    def about(request: Request) -> Response:
        return JSONResponse(answers.about(models))

    endpoints = [Route(f"/{tab}", Endpoint(*parts, models, places), methods=["POST"]) for tab, parts in ANSWERS.items()]
    handlers: Any = {
        HTTPException: _http, TooLarge: _too_much, ValueError: _mistake, Busy: _busy, TooSlow: _too_slow,
        ClientDisconnect: _gone, 500: _broken,
    }  # fmt: skip
    routed = Starlette(routes=[Route("/", shown), Route("/about", about), *endpoints], exception_handlers=handlers)
    return Guard(routed, hosts, headers(page))


def _http(request: Request, error: Any) -> Response:
    message = SENTENCES.get(error.status_code, str(error.detail))
    message = message.format(path=request.scope["path"], method=request.method)  # request.url would parse the host
    return JSONResponse({"error": message}, error.status_code, headers=error.headers)


def _too_much(request: Request, error: Any) -> Response:
    return JSONResponse({"error": str(error), "limit": error.limit, "most": error.most, "given": error.given}, 413)


def _mistake(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 422)


def _busy(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 503, headers={"retry-after": "1"})


def _too_slow(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 408, headers={"connection": "close"})


def _gone(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "the connection ended before the body did"}, 400)


def _broken(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "internal error: see the terminal that runs maskwright serve"}, 500)
