"""Reject requests for other host names (DNS rebinding), and add security headers to every response."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
"""Loopback names. A foreign page whose DNS name resolves to this machine arrives under that name and is rejected."""


class Guard:
    """Rejects requests for other names than `hosts` (None allows any) and adds `headers` to responses."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None, headers: Mapping[str, str]) -> None:
        self.app, self.hosts, self.headers = app, hosts, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        if scope["type"] == "http" and (refusal := self._refused(Headers(scope=scope).get("host", ""))):
            await refusal(scope, receive, with_headers)
        else:
            await self.app(scope, receive, with_headers)

    def _refused(self, host: str) -> JSONResponse | None:
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            name = None
        if self.hosts is None or name in self.hosts:
            return None
        names = ", ".join(sorted(self.hosts))
        message = f"host={host!r}: this server answers to {names} only, unless --host is a reachable address"
        return JSONResponse({"error": message}, 400)
