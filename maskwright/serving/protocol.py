"""HTTP as uvicorn speaks it, except that bytes that are no request are answered with JSON, and must come in time."""

import asyncio
import json
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

PATIENCE = 10.0
"""Seconds in which the head of a request, and then its body, must have come, and in which a client must read on."""


class Protocol(H11Protocol):
    """A connection of the server."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._expect_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._expect_head()

    def _expect_head(self) -> None:
        """Close the connection unless the request that begins here has its whole head in time."""
        if self.conn.their_state is not h11.IDLE and self._deadline:
            self._deadline.cancel()
            self._deadline = None
        elif self.conn.their_state is h11.IDLE and not self._deadline:
            self._deadline = self.loop.call_later(PATIENCE, self.timeout_keep_alive_handler)

    def eof_received(self) -> bool:  # type: ignore[override]
        """Who sends no more may still read: half a body is told so, and an answer under way is given."""
        if self.conn.their_state is h11.SEND_BODY:
            super().data_received(b"")
        under_way = self.cycle is not None and not self.cycle.response_complete
        if under_way:
            self.cycle.keep_alive = False
        return under_way and not self.transport.is_closing()

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are no HTTP and close; an answer that had begun ends here, and one to come is not sent."""
        sentence = "this is no HTTP request: the page is at /"
        if self.cycle and not self.cycle.response_complete:
            self.cycle.disconnected = True
            sentence = "the body ends early, or is not what the head of the request says: send the whole of it"
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"error": sentence}).encode()
            head = [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close")]
            response = h11.Response(status_code=400, headers=head, reason="Bad Request")
            for event in (response, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
