"""Listen on an address and serve until Ctrl-C."""

import errno
import socket
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp

from .protocol import Protocol


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 picks a free one. Raises ValueError for a taken port or foreign host."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ValueError(f"port={port} of {host} is in use: give another, or --port 0 for a free one") from None
        raise ValueError(f"host={host!r}, port={port}: {error.strerror or error}") from None


def address(listener: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until Ctrl-C; open requests then get two seconds to finish."""
    with suppress(KeyboardInterrupt):
        server(app).run(sockets=[listener])


def server(app: ASGIApp) -> uvicorn.Server:
    """What serves `app` over HTTP alone."""
    return uvicorn.Server(
        uvicorn.Config(
            app, http=Protocol, ws="none", log_level="warning", access_log=False, server_header=False,
            timeout_graceful_shutdown=2, lifespan="off",
        )
    )  # fmt: skip
