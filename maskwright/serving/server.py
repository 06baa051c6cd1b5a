"""From an address to a server that runs until Ctrl-C."""

import errno
import socket
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 for a free one. Raises ValueError when the port is in use or the host not ours."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ValueError(f"port={port} of {host} is in use: give another, or --port 0 for a free one") from None
        raise ValueError(f"host={host!r}, port={port}: {error.strerror or error}") from None


def address(listener: socket.socket) -> str:
    """Where a browser finds it."""
    host, port, *_ = listener.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run(app: ASGIApp, listener: socket.socket) -> None:
    """Serve until Ctrl-C; what is being answered then has two seconds to end."""
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=2, lifespan="off"
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])
