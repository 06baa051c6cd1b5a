"""From a request to a response: read at most BODY bytes, validate, wait for a slot, answer."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import chain
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from ..files.json_files import parse_json
from ..settings import from_mapping
from . import protocol
from .concurrency import ConcurrencyLimit
from .models import Models
from .schemas import TextRequest, TooLarge

BODY = 1 << 16
"""Maximum bytes of a request."""


class TooSlow(Exception):
    """The body did not come in time."""


class Endpoint:
    """Answers one kind of request with JSON, or with a line of JSON per step if the handler yields steps."""

    def __init__(
        self, kind: type[TextRequest], answer: Callable[[Models, Any], Any], models: Models, places: ConcurrencyLimit
    ) -> None:
        self.kind, self.answer, self.models, self.places = kind, answer, models, places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = from_mapping(self.kind, await fields(Request(scope, receive)), "")
        if (tokens := request.tokens(self.models.tokenizer)) > self.models.max_tokens:
            raise TooLarge("tokens of the text", "max_tokens", tokens, self.models.max_tokens)

        async def in_time(message: Message) -> None:
            async with asyncio.timeout(protocol.PATIENCE):
                await send(message)

        async with self.places:
            response = await run_in_threadpool(self._respond, request)
            with suppress(TimeoutError):  # a client that does not read keeps no place
                await response(scope, receive, in_time)

    def _respond(self, request: TextRequest) -> Response:
        found = self.answer(self.models, request)
        return _lines(found) if isinstance(found, Iterator) else JSONResponse(found)


def _lines(steps: Iterator[Any]) -> Response:
    """A line per step, sent when it is ready. The first is computed here, so that errors give a status."""
    first = next(steps)
    lines = (json.dumps(step, ensure_ascii=False) + "\n" for step in chain([first], steps))
    return StreamingResponse(lines, media_type="application/x-ndjson")


async def fields(request: Request) -> dict[str, Any]:
    """The JSON object in a request.

    Raises ValueError when it is not one, TooLarge when it is too large, TooSlow when it does not come in time.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/json":
        raise ValueError(f"content-type={kind!r}: send a JSON object as application/json")
    try:
        async with asyncio.timeout(protocol.PATIENCE):
            body = await _body(request)
    except TimeoutError:
        raise TooSlow(f"the body did not come within {protocol.PATIENCE:g} seconds: send the whole of it") from None
    try:
        found = parse_json(body.decode(errors="surrogatepass"), "the body", "replace", once=True)
        json.dumps(found, ensure_ascii=False).encode()  # JSON can escape half a character, which is no text
    except UnicodeEncodeError:
        raise ValueError("the body holds half of a surrogate pair, as in \\ud800, which is no character") from None
    except UnicodeDecodeError:
        raise ValueError("the body is not UTF-8") from None
    if not isinstance(found, dict):
        raise ValueError('the body is not a JSON object such as {"text": "…"}')
    return found


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY:
            raise TooLarge("bytes of the request", "max_body", len(body), BODY)
    return bytes(body)
