"""Requests to the local page: bodies, headers and paths of every sort, answered in JSON with a status that fits."""

import json
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from starlette.testclient import TestClient

from faults.finished import folder as run_folder
from faults.outcome import expect
from faults.pieces import mutated, odd, text
from maskwright.serving.app import app
from maskwright.serving.concurrency import ConcurrencyLimit
from maskwright.serving.host_check import LOCAL
from maskwright.serving.models import opened

KNOWN = {
    "masks": ("ratio", "epochs", "seed"),
    "fill": ("top",),
    "score": ("backend",),
    "sample": ("sampler", "edit", "length", "steps", "schedule", "temperature", "seed"),
}
"""The fields of each tab beside `text`."""
GIVEN = {
    "ratio": 0.3, "epochs": 2, "seed": 1, "top": 3, "edit": False, "length": 8, "steps": 2, "schedule": "cosine",
    "temperature": 0.5,
}  # fmt: skip
OBJECTIVES = ("mlm", "causal")
PATHS = ("/", "/about", "/{x}", "/fill/", "//", "/%00", "/..%2f")
MISTAKES = {400, 404, 405, 413, 422}


@cache
def client(objective: str) -> TestClient:
    """The application over a finished run."""
    found = opened(run_folder(objective), None, 60)
    return TestClient(app(found, ConcurrencyLimit(2, 4), LOCAL), base_url="http://127.0.0.1:8765")


def attempt(chance: Random, folder: Path) -> bool:
    """Send a request; an error of the server is raised here by the client."""
    tab = chance.choice(("masks", "fill", "score", "sample"))
    body = json.dumps(_body(chance, tab)).encode()
    body = mutated(chance, body) if chance.random() < 0.2 else body
    kind = "application/json" if chance.random() < 0.95 else text(chance, 2).encode("latin-1", "replace")
    headers = {"content-type": kind}
    path = f"/{tab}" if chance.random() < 0.95 else chance.choice(PATHS)
    (folder / "request.txt").write_bytes(f"{path} {headers}\n".encode() + body)
    method = "POST" if chance.random() < 0.97 else chance.choice(("GET", "PUT", "OPTIONS"))
    answer = client(chance.choice(OBJECTIVES)).request(method, path, content=body, headers=headers)
    if answer.headers.get("content-type", "").startswith("text/html"):
        return True
    lines = answer.text.strip().split("\n")
    parsed = [json.loads(line, parse_constant=_none) for line in lines if line]
    if answer.status_code == 200:
        expect(bool(parsed), "an empty answer")
        return True
    expect(answer.status_code in MISTAKES, f"status {answer.status_code}: {answer.text}")
    expect(
        bool(parsed) and bool(parsed[0].get("error")) and "\n" not in parsed[0]["error"], f"no sentence: {answer.text}"
    )
    return False


def _none(constant: str) -> None:
    expect(False, f"{constant} is not JSON")


def _body(chance: Random, tab: str) -> Any:
    if chance.random() < 0.03:
        return odd(chance)
    names = [name for name in KNOWN[tab] if chance.random() < 0.4]
    names += [chance.choice((*GIVEN, "nothing"))] if chance.random() < 0.05 else []
    found = {name: odd(chance) if chance.random() < 0.2 else GIVEN.get(name) for name in names}
    return found | {"text": odd(chance) if chance.random() < 0.1 else text(chance) + chance.choice((" [MASK]", ""))}
