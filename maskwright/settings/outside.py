"""Code from outside the package: `FILE.py:CLASS` or `package.module:CLASS`.

A file is kept with what names it, as `code/NAME-DIGEST.py`, so that a run opens from anywhere and with the code that it
was trained by; a package has to be importable wherever the run is opened. Foreign code needs permission to run: a
name that comes from a file opens within `trusting` alone, or where the command line has --trust-code.
"""

import hashlib
import importlib
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from traceback import walk_tb
from types import ModuleType
from typing import Any

from ..storage.atomic import atomic_write
from .notebook import self_contained

CODE = "code"
"""The folder next to config.yaml or model.json that holds the files."""
OUTSIDE = re.compile(r".+\.py(:\w+)?|[^\W\d]\w*(\.[^\W\d]\w*)*:\w+|[^\W\d]\w*(\.[^\W\d]\w*)+")
KEPT = re.compile(rf"{CODE}/(.+-[0-9a-f]{{8}})\.py(:\w+)?")
TRUST = "MASKWRIGHT_TRUST_CODE"
"""The environment variable by which --trust-code reaches the processes that a command starts."""

_trusted: ContextVar[tuple[bool, frozenset[str]]] = ContextVar("_trusted", default=(False, frozenset()))
_sources: dict[str, bytes] = {}
"""Files that were run in this process or are to be kept, by module: `my_objectives-1a2b3c4d`."""
_places: dict[str, Path] = {}
"""Where kept files were found, by module."""
_names: dict[type, str] = {}
_packages: set[str] = set()
"""Modules of packages that were run in this process."""


def is_outside(name: str) -> bool:
    """Whether a name is that of code from outside: names of ours have neither dots nor colons."""
    return bool(OUTSIDE.fullmatch(name))


@contextmanager
def trusting(*given: object, everything: bool = False) -> Iterator[None]:
    """Let the code that is named anywhere in `given` run, which the user has written himself; or all code."""
    all_before, names_before = _trusted.get()
    names = frozenset(text for tree in given for text in texts_in(tree) if is_outside(text))
    token = _trusted.set((all_before or everything, names_before | names))
    try:
        yield
    finally:
        _trusted.reset(token)


def load(name: str) -> Any:
    """What `name` names: a class, or without a class the module.

    Raises ValueError when there is none, or when it is not trusted; whatever the code raises passes as it is.
    """
    place, attribute = name.rsplit(":", 1) if ":" in name else (name, "")
    module = _file(name, place) if place.endswith(".py") else _package(name, place)
    if attribute and not hasattr(module, attribute):
        raise ValueError(f"{name}: {place} defines no {attribute}")
    return getattr(module, attribute) if attribute else module


def name_of(kind: type) -> str:
    """The name by which `load` finds `kind`, a class from outside; its source is kept when it is a single file's.

    Raises ValueError for a class of a notebook or script whose source cannot be kept.
    """
    if kind not in _names:  # computed once: a file that changes while a run trains does not change its name
        _names[kind] = _named(kind)
    return _names[kind]


def _named(kind: type) -> str:
    module = sys.modules[kind.__module__]
    if kind.__module__ in _sources:
        stem = kind.__module__
    elif kind.__module__ == "__main__":
        stem = _remember(kind.__name__.lower(), self_contained(kind).encode())
        _run(stem, Path(f"{stem}.py"), _sources[stem])  # so that a missing import fails now, before anything is trained
    elif "." in kind.__module__ or not str(module.__file__).endswith(".py") or hasattr(module, "__path__"):
        note_package(kind.__module__)
        return f"{kind.__module__}:{kind.__qualname__}"
    else:
        stem = _remember(kind.__module__, Path(str(module.__file__)).read_bytes())
    return f"{CODE}/{stem}.py:{kind.__qualname__}"


def keep(tree: object, folder: Path) -> None:
    """Write the files that `tree` names to `folder`/code."""
    for stem in _kept(tree):
        if stem in _sources:
            atomic_write(folder / CODE / f"{stem}.py", _sources[stem].decode())


def locate(tree: object, folder: Path) -> None:
    """Note where the files lie that `tree`, read from `folder`, names: in its folder `code`, or in that of a parent."""
    for stem in _kept(tree):
        places = (parent / CODE / f"{stem}.py" for parent in (folder, *folder.resolve().parents[:3]))
        _places.update((stem, place) for place in places if place.is_file())


def raised_there(error: BaseException) -> bool:
    """Whether `error` passed through code from outside, whose author wants to see the traceback."""
    outside = {module.partition(".")[0] for module in (*_packages, *_sources)}
    names = (str(frame.f_globals.get("__name__")) for frame, _ in walk_tb(error.__traceback__))
    return any(name.partition(".")[0] in outside for name in names)


def texts_in(tree: object) -> Iterator[str]:
    """The texts in nested mappings and lists. YAML's aliases put one list in many places; it is read once."""
    waiting, seen = [tree], set[int]()
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping | list | tuple) and id(item) not in seen:
            seen.add(id(item))
            waiting += item.values() if isinstance(item, Mapping) else item


def _kept(tree: object) -> Iterator[str]:
    """The modules of the kept files that `tree` names."""
    return (found[1] for text in texts_in(tree) if (found := KEPT.fullmatch(text)))


def _file(name: str, place: str) -> ModuleType:
    stem = next(_kept(name), "")
    if stem not in _sources:
        stem = _read(name, _places.get(stem, Path(place)), stem)
    if stem not in sys.modules:
        _run(stem, _places[stem], _sources[stem])
    return sys.modules[stem]


def _read(name: str, path: Path, stem: str) -> str:
    """Take up the file at `path`, `stem` when it is a kept one. Returns its module."""
    if not path.is_file():
        raise ValueError(f"{name}: there is no file {path}")
    source = path.read_bytes()
    found = _stem(path.stem, source)
    if stem not in ("", found):
        raise ValueError(f"{path} was changed since the run was written: name it by its own path to use it so")
    if found not in _sources:
        check_trust(name)
    _places[found] = path.resolve()
    return _remember(path.stem, source)


def _run(stem: str, path: Path, source: bytes) -> None:
    """Load a file as a module. Its name has a dash, so that it cannot replace another module."""
    module = ModuleType(stem)
    module.__file__ = str(path)
    sys.modules[stem] = module
    try:
        exec(compile(source, str(path), "exec"), module.__dict__)
    except BaseException:
        del sys.modules[stem]
        raise


def _package(name: str, module: str) -> ModuleType:
    if module not in _packages:
        check_trust(name)
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())  # as `python -m` has it; the command `maskwright` does not
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and module.startswith(error.name):
            raise ValueError(f"{name}: no module {error.name} is installed, or lies in the current folder") from None
        raise
    note_package(module)
    return found


def note_package(module: str) -> None:
    """Note that a package's module was run in this process."""
    _packages.add(module)


def check_trust(name: str) -> None:
    """Raises ValueError unless the code that `name` names may run."""
    everything, names = _trusted.get()
    if not (everything or name in names or os.environ.get(TRUST)):
        raise ValueError(
            f"{name} is code from outside maskwright: read it, and run it by --trust-code (in Python trust_code=True)"
        )


def _remember(stem: str, source: bytes) -> str:
    """Register a file to be kept. Returns its module."""
    stem = _stem(stem, source)
    _sources[stem] = source
    return stem


def _stem(stem: str, source: bytes) -> str:
    """The name of a file with the digest of its source; one that has it already does not get another."""
    digest = hashlib.sha256(source).hexdigest()[:8]
    stem = stem.replace(".", "_")
    return stem if stem.endswith(f"-{digest}") else f"{stem}-{digest}"
