"""What is over a limit, wrong or elsewhere: JSON with one sentence, and nothing is served but the page."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser

import pytest
from starlette.testclient import TestClient

from maskwright.serving import app as module
from maskwright.serving.app import ANSWERS, app
from maskwright.serving.concurrency import Busy, ConcurrencyLimit
from maskwright.serving.endpoint import BODY
from maskwright.serving.models import Models
from maskwright.serving.page import PAGE
from maskwright.serving.schemas import Masks

LONG = "word " * 60


@pytest.mark.parametrize("tab", ANSWERS)
def test_a_text_over_the_limit_is_told_limit_and_value(client: TestClient, tab: str) -> None:
    said = client.post(f"/{tab}", json={"text": LONG})
    assert said.status_code == 413
    told = said.json()
    assert (told["limit"], told["most"]) == ("max_tokens", 40)
    assert told["given"] > 40
    assert f"tokens of the text: {told['given']}, and max_tokens is 40" == told["error"]


@pytest.mark.parametrize("tab", ["masks", "score"])
def test_the_signs_of_a_special_token_are_text_where_the_answer_takes_them_so(
    client: TestClient, models: Models, tab: str
) -> None:
    text = "[MASK]" * 30
    said = client.post(f"/{tab}", json={"text": text})
    assert (said.status_code, said.json().get("given")) == (413, len(models.tokenizer.encode(text)[0]))
    assert len(client.post("/fill", json={"text": text}).json()["blanks"]) == 30


def test_a_length_over_the_limit_is_too(client: TestClient) -> None:
    assert client.post("/sample", json={"length": 40, "steps": 1}).status_code == 200
    said = client.post("/sample", json={"length": 41, "steps": 1})
    assert (said.status_code, said.json()["given"]) == (413, 41)


@pytest.mark.parametrize("tab", ANSWERS)
def test_a_body_over_the_limit_is_not_read(client: TestClient, tab: str) -> None:
    said = client.post(f"/{tab}", json={"text": "a" * BODY})
    assert (said.status_code, said.json()["limit"], said.json()["most"]) == (413, "max_body", BODY)


def test_a_body_that_never_ends_is_not_read_to_the_end(client: TestClient) -> None:
    read = []

    def endless():
        for part in range(1000):
            read.append(part)
            yield b" " * 1024

    said = client.post("/fill", content=endless(), headers={"content-type": "application/json"})
    assert said.status_code == 413


REFUSED = [
    ("masks", {"text": ""}, "there is no text to mask"),
    ("masks", {"text": 5}, "text=5: a text belongs here"),
    ("masks", {"text": "a", "ratio": "much"}, "ratio='much': input should be a valid number"),
    ("masks", {"text": "a", "ratio": 1}, "ratio=1.0: input should be less than 1"),
    ("masks", {"text": "a", "ratio": 1.5}, "ratio=1.5: input should be less than or equal to 1"),
    ("masks", {"text": "a", "epochs": 1000}, "epochs=1000: input should be less than or equal to 20"),
    ("masks", {"text": "a", "seed": -1}, "seed=-1"),
    ("masks", {"text": "a", "ratoi": 0.1}, "unknown key ratoi: did you mean 'ratio'"),
    ("fill", {"text": "no gap"}, "nothing to fill in 'no gap'"),
    ("fill", {"text": "a [MASK]", "top": 0}, "top=0"),
    ("fill", {"text": "a [MASK]", "top": 51}, "top=51"),
    ("fill", {"text": ["a"]}, "text=['a']"),
    ("score", {"text": ""}, "there is no text to score"),
    ("score", {"text": "a", "backend": "causal"}, "backend='causal': this model was trained for mlm"),
    ("sample", {"steps": 100000}, "steps=100000: input should be less than or equal to 256"),
    ("sample", {"sampler": "mdlmm"}, "no sampler 'mdlmm': did you mean 'mdlm'"),
    ("sample", {"sampler": "../mdlm"}, "no sampler '../mdlm'"),
    ("sample", {"schedule": "sine"}, "schedule='sine'"),
    ("sample", {"temperature": -1}, "temperature=-1"),
    ("sample", {"run": "/etc"}, "unknown key run"),
    ("sample", {"text": "a b c d", "length": 1}, "length includes the prompt"),
    ("sample", {"text": "all is said", "edit": True}, "cannot revise a text"),
]


@pytest.mark.parametrize(("tab", "asked", "sentence"), REFUSED)
def test_a_mistake_is_one_sentence_that_names_the_field(
    client: TestClient, tab: str, asked: dict, sentence: str
) -> None:
    said = client.post(f"/{tab}", json=asked)
    assert said.status_code == 422
    assert set(said.json()) == {"error"}
    assert said.json()["error"].startswith(sentence) or sentence in said.json()["error"]
    assert "\n" not in said.json()["error"]


@pytest.mark.parametrize(("body", "sentence"), [
    (b"", "the body is not JSON"), (b"{", "the body is not JSON"), (b"[1]", "the body is not a JSON object"),
    (b"null", "the body is not a JSON object"), (b"\xff", "the body is not UTF-8"),
    (b"[" * 60_000, "the body is JSON that is nested too deeply"),
    (b'{"text": "a", "text": "b"}', "the body cannot be read: the key 'text' occurs twice"),
])  # fmt: skip
def test_what_is_no_object_is_refused(client: TestClient, body: bytes, sentence: str) -> None:
    said = client.post("/fill", content=body, headers={"content-type": "application/json"})
    assert (said.status_code, said.json()["error"][: len(sentence)]) == (422, sentence)


def test_a_form_of_another_page_cannot_ask(client: TestClient) -> None:
    said = client.post("/fill", content=b'{"text": "a [MASK]"}', headers={"content-type": "text/plain"})
    assert (said.status_code, "application/json" in said.json()["error"]) == (422, True)
    asked = {"origin": "http://elsewhere.example", "access-control-request-method": "POST"}
    assert not [name for name in client.options("/fill", headers=asked).headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/page.html", "/static/", "/..%2fconfig.yaml", "//etc/passwd", "/final/model.safetensors", "/docs"],
)
def test_nothing_else_is_served(client: TestClient, path: str) -> None:
    said = client.get(path)
    assert said.status_code == 404
    assert said.json()["error"].endswith("the page is at /")


def test_another_method_is_refused(client: TestClient) -> None:
    said = client.get("/fill")
    assert (said.status_code, said.headers["allow"]) == (405, "POST")
    assert said.json()["error"].startswith("/fill does not take GET")
    assert client.delete("/").status_code == 405


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8765", "127.0.0.1.evil.example", "", "[::1", "localhost@evil"]
)
def test_another_name_is_refused(client: TestClient, models: Models, host: str) -> None:
    said = client.get("/about", headers={"host": host})
    assert said.status_code == 400
    assert "this server answers to 127.0.0.1, ::1, localhost only" in said.json()["error"]
    assert client.post("/fill", json={"text": "a [MASK]"}, headers={"host": host}).status_code == 400
    if host == "evil.example":
        anyone = TestClient(app(models, ConcurrencyLimit(1, 1), None))
        assert anyone.get("/about", headers={"host": host}).status_code == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8765", "[::1]:8765", "LOCALHOST"])
def test_names_of_this_machine_are_not(client: TestClient, host: str) -> None:
    assert client.get("/about", headers={"host": host}).status_code == 200


class Parts(HTMLParser):
    """The tags of a page, with what they point to and the handlers and styles written into them."""

    def __init__(self) -> None:
        super().__init__()
        self.links, self.inline = list[str | None](), list[str]()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.links += [value for name, value in attributes if name in ("src", "href", "action")]
        self.inline += [name for name, _ in attributes if name == "style" or name.startswith("on")]


def test_the_page_is_one_file_under_a_strict_policy(client: TestClient) -> None:
    said = client.get("/")
    assert said.text == PAGE.read_text(encoding="utf-8")
    parts = Parts()
    parts.feed(said.text)
    assert parts.links == ["data:,"]
    assert parts.inline == []
    policy = dict(part.split(" ", 1) for part in said.headers["content-security-policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == "'self'"
    assert policy["script-src"].startswith("'sha256-")
    assert "unsafe" not in said.headers["content-security-policy"]
    for answer in (said, client.get("/about"), client.get("/nothing"), client.get("/", headers={"host": "evil"})):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "content-security-policy" in answer.headers
        assert "access-control-allow-origin" not in answer.headers


def test_who_finds_no_place_is_told_so(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def slow(models: Models, asked: Masks) -> dict:
        begun.set()
        assert go_on.wait(60)
        return {"done": asked.text}

    monkeypatch.setitem(module.ANSWERS, "masks", (Masks, slow))
    with TestClient(app(models, ConcurrencyLimit(1, 0), None)) as client, ThreadPoolExecutor(1) as other:
        first = other.submit(client.post, "/masks", json={"text": "one"})
        assert begun.wait(60)
        said = client.post("/fill", json={"text": "a [MASK]"})
        assert client.get("/about").status_code == 200
        go_on.set()
        assert first.result().json() == {"done": "one"}
        assert client.post("/fill", json={"text": "a [MASK]"}).status_code == 200
    assert (said.status_code, said.headers["retry-after"]) == (503, "1")
    assert said.json()["error"] == "busy: 1 are answered at once (max_concurrent) and 0 wait; try again"


def test_places_are_as_many_as_said() -> None:
    async def visit() -> tuple[int, int]:
        places, inside, most, refused = ConcurrencyLimit(2, 3), 0, 0, 0

        async def one() -> None:
            nonlocal inside, most, refused
            try:
                async with places:
                    inside += 1
                    most = max(most, inside)
                    await asyncio.sleep(0)
                    inside -= 1
            except Busy:
                refused += 1

        await asyncio.gather(*(one() for _ in range(9)))
        await one()
        return most, refused

    assert asyncio.run(visit()) == (2, 4)


def test_what_breaks_here_is_told_without_details(models: Models, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(models: Models, asked: Masks) -> dict:
        raise RuntimeError("a secret")

    monkeypatch.setitem(module.ANSWERS, "masks", (Masks, broken))
    client = TestClient(app(models, ConcurrencyLimit(1, 0), None), raise_server_exceptions=False)
    said = client.post("/masks", json={"text": "one"})
    assert (said.status_code, "secret" in said.text) == (500, False)
    assert client.post("/masks", json={"text": "one"}).status_code == 500  # and its place is free again
