"""Whatever bytes come, the answer is JSON with a status of 4xx (or 200), in time, and the log has no traceback."""

import json
import logging
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from threading import Thread

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from starlette.testclient import TestClient

from maskwright.serving import app as module
from maskwright.serving import protocol
from maskwright.serving.app import ANSWERS, app
from maskwright.serving.concurrency import ConcurrencyLimit
from maskwright.serving.models import Models
from maskwright.serving.schemas import Masks
from maskwright.serving.server import listening, server

Address = tuple[str, int]
JSON = "content-type: application/json"
BODY = '{"text": "a [MASK]"}'


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """What the server logs; no record of it may have a traceback."""
    with caplog.at_level(logging.WARNING):
        yield caplog
    assert not [record.getMessage() for record in caplog.records if record.exc_info]


@pytest.fixture(scope="module")
def address(models: Models) -> Iterator[Address]:
    with served(models) as address:
        yield address


@pytest.fixture
def here(address: Address, log: pytest.LogCaptureFixture) -> Address:
    """The address of a server in this process."""
    return address


@contextmanager
def served(models: Models) -> Iterator[Address]:
    with listening("127.0.0.1", 0) as listener:
        running = server(app(models, ConcurrencyLimit(1, 0), None))
        logging.getLogger("uvicorn").propagate = True  # the configuration of uvicorn keeps its records to itself
        thread = Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        yield listener.getsockname()
        running.should_exit = True
        thread.join()


def request(*head: str, body: str = BODY, path: str = "/fill") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: localhost", *head]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode("utf-8", "surrogatepass")


def said(here: Address, sent: bytes, ends: bool = False) -> tuple[int, dict]:
    """The status and the JSON of the last answer before the server closes; `ends`: nothing more will be sent."""
    with closing(socket.create_connection(here, timeout=60)) as line:
        line.sendall(sent)
        if ends:
            line.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: line.recv(1 << 16), b""))
    head, _, body = answer.rpartition(b"\r\n\r\n")
    assert b"application/json" in head
    return int(head.rpartition(b"HTTP/1.1 ")[2][:3]), json.loads(body)


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x00\xa5\x01\x00",
        b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n",
        b"POST /fill\r\n\r\n",
        b"\r\n?\r\n\r\n",
    ],
)
def test_what_is_no_http_is_told_so_in_json(here: Address, sent: bytes) -> None:
    assert said(here, sent) == (400, {"error": "this is no HTTP request: the page is at /"})


CHUNKED = "transfer-encoding: chunked"


@pytest.mark.parametrize("head", [(JSON, CHUNKED), (CHUNKED,)])
def test_a_broken_body_is_answered_once(here: Address, head: tuple[str, ...]) -> None:
    status, answer = said(here, request(*head, body="no number of bytes\r\n"))
    assert (status, answer["error"].partition(",")[0]) == (400, "the body ends early")


def test_bytes_that_break_after_the_answer_end_the_connection(here: Address) -> None:
    with closing(socket.create_connection(here, timeout=60)) as line:
        line.sendall(request(CHUNKED, body=""))  # refused for its type, before its body
        answer = line.recv(1 << 16)
        while b"}" not in answer:
            answer += line.recv(1 << 16)
        line.sendall(b"no number of bytes\r\n")
        assert line.recv(1 << 16) == b""
    assert answer.startswith(b"HTTP/1.1 422 ")


def test_what_does_not_come_in_time_is_dropped(here: Address, monkeypatch: pytest.MonkeyPatch) -> None:
    assert protocol.PATIENCE == 10
    monkeypatch.setattr(protocol, "PATIENCE", 0.05)
    sentence = {"error": "the body did not come within 0.05 seconds: send the whole of it"}
    assert said(here, request(JSON, "content-length: 100", body='{"text"')) == (408, sentence)
    assert said(here, request(JSON, "content-length: 100", body="")) == (408, sentence)
    for half in (b"", b"POST /fill HTTP/1.1\r\nhost:"):
        with closing(socket.create_connection(here, timeout=60)) as line:
            line.sendall(half)
            assert line.recv(1) == b""
    assert said(here, request(JSON, f"content-length: {len(BODY)}", "connection: close"))[0] == 200


def test_a_connection_that_ends_within_a_body_is_no_fault_of_the_server(here: Address) -> None:
    half = request(JSON, "content-length: 100", body='{"text"')
    status, answer = said(here, half, ends=True)
    assert (status, answer["error"].partition(",")[0]) == (400, "the body ends early")
    assert said(here, request(JSON, f"content-length: {len(BODY)}"), ends=True)[0] == 200
    with closing(socket.create_connection(here, timeout=60)) as line:
        line.sendall(half)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # closing it resets it
    assert said(here, request(JSON, f"content-length: {len(BODY)}", "connection: close"))[0] == 200


def test_a_client_that_does_not_read_keeps_no_place(
    models: Models, monkeypatch: pytest.MonkeyPatch, log: pytest.LogCaptureFixture
) -> None:
    def endless(models: Models, asked: Masks) -> Iterator[str]:
        while True:
            yield "a" * (1 << 20)

    monkeypatch.setitem(module.ANSWERS, "masks", (Masks, endless))
    monkeypatch.setattr(protocol, "PATIENCE", 0.05)
    with served(models) as here, closing(socket.create_connection(here, timeout=60)) as line:
        line.sendall(request(JSON, f"content-length: {len(BODY)}", path="/masks"))
        line.recv(1)  # it is being answered
        fill = request(JSON, f"content-length: {len(BODY)}", "connection: close")
        assert next(status for status in iter(lambda: said(here, fill)[0], None) if status != 503) == 200


def test_a_web_socket_is_not_served(here: Address) -> None:
    upgrade = ["GET / HTTP/1.1", "host: [::1", "connection: upgrade", "upgrade: websocket", "sec-websocket-version: 13"]
    with closing(socket.create_connection(here, timeout=60)) as line:
        line.sendall("\r\n".join([*upgrade, "sec-websocket-key: eA==", "", ""]).encode())
        assert line.recv(12) == b"HTTP/1.1 200"


def test_a_host_that_is_no_address_does_not_stop_an_error(here: Address) -> None:
    assert said(here, b"GET /{path} HTTP/1.1\r\nhost: [::1\r\nconnection: close\r\n\r\n")[0] == 404


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)), st.lists, max_leaves=4
)
fields = st.sampled_from([*{name for kind, _ in ANSWERS.values() for name in kind.__dataclass_fields__}])  # type: ignore[attr-defined]
bodies = st.dictionaries(fields | st.text(st.characters(codec=None), max_size=5), values, max_size=4)


@examples(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from([*ANSWERS]), bodies.map(json.dumps).map(str.encode) | st.binary(max_size=40))
def test_every_body_has_an_answer_in_json(client: TestClient, tab: str, body: bytes) -> None:
    answer = client.post(f"/{tab}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (200, 413, 422)
    assert answer.status_code == 200 or set(answer.json()) >= {"error"}


@pytest.mark.parametrize(
    "body",
    [rb'{"text": "a \ud800 [MASK]"}', rb'{"\udfff": 1}', rb'{"sampler": "\ud83d"}', b'{"text": "\xed\xa0\x80"}',
     rb'{"text": ["\ud800"]}'],
)  # fmt: skip
@pytest.mark.parametrize("tab", ANSWERS)
def test_half_a_character_is_refused(client: TestClient, tab: str, body: bytes) -> None:
    answer = client.post(f"/{tab}", content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("the body holds half of a surrogate pair")
