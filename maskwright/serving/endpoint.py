"""From a request to a response: read no more than is allowed, check it, wait for a place, answer."""

import json
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from ..settings import from_mapping
from .concurrency import ConcurrencyLimit
from .models import Models
from .schemas import TextRequest, TooLarge

BODY = 1 << 16
"""Bytes of a request."""


class Endpoint:
    """Answers one kind of asked: with JSON, or with a line of JSON for each step where the answer comes in steps."""

    def __init__(
        self, kind: type[TextRequest], answer: Callable[[Models, Any], Any], models: Models, places: ConcurrencyLimit
    ) -> None:
        self.kind, self.answer, self.models, self.places = kind, answer, models, places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = from_mapping(self.kind, await fields(Request(scope, receive)), "")
        if (tokens := asked.tokens(self.models.tokenizer)) > self.models.most:
            raise TooLarge("tokens of the text", "max_tokens", tokens, self.models.most)
        async with self.places:
            response = await run_in_threadpool(self._respond, asked)
            await response(scope, receive, send)

    def _respond(self, asked: TextRequest) -> Response:
        found = self.answer(self.models, asked)
        return _lines(found) if isinstance(found, Iterator) else JSONResponse(found)


def _lines(steps: Iterator[Any]) -> Response:
    """A line for each step, sent when it is done. The first is made here, so that a mistake in the asked shows."""
    first = next(steps)
    lines = (json.dumps(step, ensure_ascii=False) + "\n" for step in chain([first], steps))
    return StreamingResponse(lines, media_type="application/x-ndjson")


async def fields(request: Request) -> dict[str, Any]:
    """The JSON object that a request brings. Raises ValueError when it is none, TooLarge when it is too large."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/json":
        raise ValueError(f"content-type={kind!r}: send a JSON object as application/json")
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY:
            raise TooLarge("bytes of the request", "max_body", len(body), BODY)
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError('the body is no JSON object such as {"text": "…"}')
    return found
