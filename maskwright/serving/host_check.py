"""What every request must say, and every response says: the page is for those who came by its own address."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})
"""Names of this machine for itself. A page elsewhere whose name is made to lead here comes under its own name."""


class Guard:
    """Refuses requests under other names than `hosts` (none: any name will do) and adds `headers` to responses."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None, headers: Mapping[str, str]) -> None:
        self.app, self.hosts, self.headers = app, hosts, headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        if scope["type"] == "http" and (refusal := self._refused(Headers(scope=scope).get("host", ""))):
            await refusal(scope, receive, dressed)
        else:
            await self.app(scope, receive, dressed)

    def _refused(self, host: str) -> JSONResponse | None:
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            name = None
        if self.hosts is None or name in self.hosts:
            return None
        names = ", ".join(sorted(self.hosts))
        said = f"host={host!r}: this page answers under {names} alone, unless --host is an address that others reach"
        return JSONResponse({"error": said}, 400)
