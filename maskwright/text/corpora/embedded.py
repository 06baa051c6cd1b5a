"""Real text that every user has: the documentation inside their own Python, about 300,000 words.

One document per topic of `help()` and one per module of the standard library, made of its docstrings, which are read
from the source files without importing them. `prose` says what is left out.
"""

import ast
import hashlib
import importlib
import inspect
import json
import platform
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from ...settings import settings
from ...storage.cache import cache_folder, made_once
from ..corpus import Document, Errors, Source
from ._prose import Paragraphs

FILE = "documents.jsonl"
RECIPE = 2
"""Part of the name under which the text is cached: another way of making it is another number."""

APART = {"test", "tests", "idle_test", "site-packages", "dist-packages", "__pycache__", "_bundled", "turtledemo"}
"""Folders of the standard library that hold no documentation of it."""

SHORTEST = 30
"""Words below which a document is left out."""


@settings
class Embedded:
    """The documentation of Python itself: the default, which needs no download."""

    def documents(self, errors: Errors) -> Iterator[Document]:
        """Topics first, then modules, each by name; the same on every machine with the same version of Python."""
        with _cached().open(encoding="utf-8") as file:
            for line in file:
                yield Document(**json.loads(line))

    def validation_documents(self, errors: Errors) -> Iterator[Document] | None:
        """None: a share of the documents is held out."""
        return None

    def sources(self) -> list[Source]:
        """The version of Python and the hash of the text."""
        content = _cached().read_bytes()
        version = hashlib.sha256(content).hexdigest()
        return [Source(f"documentation of Python {platform.python_version()}", version, len(content))]


def _cached() -> Path:
    return made_once(cache_folder() / "corpora" / f"embedded-{platform.python_version()}-{RECIPE}", _write) / FILE


def _write(folder: Path) -> None:
    lines = (json.dumps({"text": document.text, "domain": document.domain}) + "\n" for document in _build())
    (folder / FILE).write_text("".join(lines), encoding="utf-8")


def _build() -> Iterator[Document]:
    paragraphs = Paragraphs()
    for domain, raw in (*(("topics", text) for text in _topics()), *(("library", text) for text in _modules())):
        text = paragraphs.new(raw)
        if len(text.split()) >= SHORTEST:
            yield Document(text, domain)


def _topics() -> list[str]:
    topics: dict[str, str] = importlib.import_module("pydoc_data.topics").topics
    return [inspect.cleandoc(text) for _, text in sorted(topics.items())]


def _modules() -> Iterator[str]:
    root = Path(sysconfig.get_paths()["stdlib"])
    for path in sorted(root.rglob("*.py"), key=lambda path: path.relative_to(root).parts):
        if not APART.intersection(path.relative_to(root).parts):
            yield "\n\n".join(_docstrings(ast.parse(path.read_bytes())))


def _docstrings(module: ast.Module) -> Iterator[str]:
    """Of the module, then its classes and functions, the outer before the inner."""
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node, clean=True) or ""
