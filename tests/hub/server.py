"""A Hub for tests, on this machine: the few addresses that huggingface_hub asks, over dictionaries of bytes."""

import base64
import hashlib
import json
import re
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

WRITER, READER = "hf_writer", "hf_reader"
"""The tokens it knows; who has the second may look at `someone/else` alone."""
ROUTES = {
    "POST /api/repos/create": "create",
    "POST /api/validate-yaml": "valid",
    "GET /api/models/NAME": "about",
    "GET /api/models/NAME/refs": "refs",
    "GET /api/models/NAME/revision/BRANCH": "about",
    "GET /api/models/NAME/commits/BRANCH": "commits",
    "GET /api/models/NAME/tree/BRANCH": "tree",
    "POST /api/models/NAME/branch/BRANCH": "branch",
    "POST /api/models/NAME/preupload/BRANCH": "preupload",
    "POST /api/models/NAME/commit/BRANCH": "commit",
    "POST /NAME.git/info/lfs/objects/batch": "batch",
    "PUT /large/BRANCH": "large",
}
PATTERNS = {
    re.compile(route.replace("NAME", r"(?P<name>[\w-]+/[\w-]+)").replace("BRANCH", r"(?P<branch>\w+)")): action
    for route, action in ROUTES.items()
}


class Refused(Exception):
    """An answer that is none: a status, a reason, and what is told all the same."""

    def __init__(self, status: int, reason: str, told: object = None) -> None:
        self.status, self.reason, self.told = status, reason, told or {}


class Hub:
    """What is there, and what was asked; `url` while it is `served`."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, dict[str, bytes]]] = {}
        """The files of each branch of each repository."""
        self.private: set[str] = set()
        self.store: dict[str, bytes] = {}
        """Large files by their SHA-256; a branch holds them as well."""
        self.sent: list[tuple[str, str]] = []
        """The branch and the path of each file of each commit."""
        self.asked: list[str] = []
        self.broken: tuple[str, int] = ("", 0)
        """An action that fails, and how often it does not before that."""

    def answer(self, method: str, path: str, token: str, body: bytes) -> object:
        name, branch, action = route(f"{method} {path}")
        self.asked.append(action)
        if self.broken[0] == action and self.asked.count(action) > self.broken[1]:
            raise Refused(400, "the disk is full")
        if action == "large":
            self.store[branch] = body
            return {}
        if token not in (WRITER, READER):
            raise Refused(401, "Invalid credentials in Authorization header")
        if token == READER and method == "POST":
            raise Refused(403, "you are no member")
        return getattr(self, action)(name, branch, *([read(body)] if body else []))

    def create(self, _, __, asked):
        name = f"{asked['organization']}/{asked['name']}"
        if name in self.repositories:
            raise Refused(409, "it is there", {"url": f"{self.url}/{name}"})
        self.repositories[name] = {"main": {".gitattributes": b"*.safetensors filter=lfs"}}
        self.private |= {name} if asked.get("visibility") == "private" or asked.get("private") else set()
        return {"url": f"{self.url}/{name}"}

    def valid(self, *_):
        return {}

    def about(self, name, _):
        if name not in self.repositories:
            raise Refused(404, "not there")
        return {"id": name, "private": name in self.private}

    def refs(self, name, _):
        named = [{"name": branch, "ref": branch, "targetCommit": ""} for branch in self.repositories[name]]
        return {"branches": named, "converts": [], "tags": []}

    def commits(self, *_):
        """The first is what `branch` takes as the start; nothing looks at the others."""
        told = {"authors": [], "date": "2026-01-01T00:00:00.000Z", "message": ""}
        return [told | {"id": id, "title": id} for id in ("last", "first")]

    def tree(self, name, branch):
        return [entry(path, data) for path, data in self.repositories[name][branch].items()]

    def branch(self, name, branch, asked):
        assert asked == {"startingPoint": "first"}
        self.repositories[name][branch] = {".gitattributes": self.repositories[name]["main"][".gitattributes"]}
        return {}

    def preupload(self, name, branch, asked):
        paths = [file["path"] for file in asked["files"]]
        modes = {path: "lfs" if large(path) else "regular" for path in paths}
        return {"files": [{"path": path, "uploadMode": mode, "shouldIgnore": False} for path, mode in modes.items()]}

    def batch(self, _, __, asked):
        def todo(oid):
            return {} if oid in self.store else {"actions": {"upload": {"href": f"{self.url}/large/{oid}"}}}

        return {"objects": [one | todo(one["oid"]) for one in asked["objects"]]}

    def commit(self, name, branch, lines):
        for line in lines[1:]:
            told = line["value"]
            data = self.store[told["oid"]] if line["key"] == "lfsFile" else base64.b64decode(told["content"])
            self.repositories[name][branch][told["path"]] = data
            self.sent.append((branch, told["path"]))
        return {"commitUrl": f"{self.url}/{name}/commit/last", "commitOid": "last"}

    @contextmanager
    def served(self):
        """Within the block it answers."""
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                path, token = self.path.partition("?")[0], self.headers.get("authorization", "").removeprefix("Bearer ")
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                try:
                    told = hub.answer(self.command, path, token, body)
                    self.send_response(200)
                except Refused as refusal:
                    told = refusal.told
                    self.send_response(refusal.status)
                    self.send_header("x-error-message", refusal.reason)
                self.end_headers()
                self.wfile.write(json.dumps(told).encode())

            do_GET = do_PUT = do_POST

            def log_message(self, *_):
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}"
            Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
            yield self
            server.shutdown()


def route(line: str) -> tuple[str, str, str]:
    """The repository and the branch that a request names, and what it asks."""
    for pattern, action in PATTERNS.items():
        if match := pattern.fullmatch(line):
            return match.groupdict().get("name", ""), match.groupdict().get("branch", ""), action
    raise Refused(404, f"nothing answers {line}")


def read(body: bytes) -> object:
    """JSON, or the list of what its lines hold."""
    lines = [json.loads(line) for line in body.splitlines()]
    return lines if "key" in lines[0] else lines[0]


def large(path: str) -> bool:
    return path.endswith(".safetensors")


def entry(path: str, data: bytes) -> dict[str, object]:
    """A file as a listing has it: by git's hash, a large one by that of its bytes too."""
    told = {"type": "file", "path": path, "size": len(data)}
    if large(path):
        oid = hashlib.sha256(data).hexdigest()
        return told | {"oid": "pointer", "lfs": {"oid": oid, "size": len(data), "pointerSize": 134}}
    return told | {"oid": hashlib.sha1(f"blob {len(data)}\0".encode() + data).hexdigest()}
