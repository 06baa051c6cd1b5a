"""The folder is the registry: the file `objectives/whole_word.py` is the objective `whole_word`, its class WholeWord.

Names may be written with dashes. What follows the name of a file is a preset: `modern-tiny` is the entry `tiny` of
PRESETS in `models/modern.py`. A file that offers several classes lists them as ENTRIES.

From outside the package come `FILE.py:CLASS` and `package.module:CLASS` (see `outside`), and the entry points of
installed packages: `maskwright.objectives`, `maskwright.models`, … and `maskwright.suites`, which names a module.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

from ..files.errors import short_repr
from . import did_you_mean, outside


def files(folder: str) -> list[str]:
    """The modules of `maskwright/<folder>`, sorted, without `base` and names with an underscore, which are shared."""
    package = importlib.import_module(f"maskwright.{folder}")
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name for name in found if name != "base" and not name.startswith("_"))


def module(folder: str, name: str) -> Any:
    """The file `name` of the folder as a module. Raises ValueError, suggesting the nearest name, when there is none."""
    stem = name.replace("-", "_")
    if stem in files(folder):
        return _import(folder, stem)
    if outside.is_outside(name):
        return outside.load(name)
    if name in (installed := _installed(folder)):
        return _load_installed(installed[name])
    choices = [*files(folder), *installed]
    raise ValueError(f"no {_kind(folder)} {short_repr(name)}: {did_you_mean(name, choices)}")


def entries(folder: str) -> dict[str, type]:
    """The classes of a folder, by name."""
    found = {name: _load_installed(entry) for name, entry in _installed(folder).items()}
    for stem in files(folder):
        found |= _classes(folder, stem)
    return dict(sorted(found.items()))


def names(folder: str) -> list[str]:
    """Every name that `load` takes: each entry, and each of its presets."""
    found = []
    for entry, kind in entries(folder).items():
        found += [entry, *(f"{entry}-{preset}".replace("_", "-") for preset in _presets(kind))]
    return found


def load(folder: str, name: str) -> tuple[type, dict[str, Any]]:
    """The class behind `name`, and the options that its preset sets (none without a preset).

    Raises ValueError, suggesting the nearest name, when there is none, and as `outside.load` does.
    """
    if outside.is_outside(name):
        return outside.load(name), {}
    stem, preset = _split(name.replace("-", "_"), files(folder))
    # only where no file has the name is every file imported, to see whether one lists it among its ENTRIES
    kind = (_classes(folder, stem) if stem in files(folder) else entries(folder)).get(stem)
    if kind is None or (preset and preset not in _presets(kind)):
        raise _unknown(folder, name)
    return kind, dict(_presets(kind).get(preset, {}))


def name_of(thing: object) -> str:
    """The name under which the class of `thing` is found."""
    return class_name(type(thing))


def class_name(kind: type[Any]) -> str:
    """The name under which `kind` is found. Raises ValueError as `outside.name_of` does."""
    if kind.__module__.startswith("maskwright."):
        return _snake_case(kind).removeprefix("live_")  # what an objective's settings build goes by their name
    return _plugins.get(kind) or outside.name_of(kind)


_plugins: dict[type, str] = {}
"""The names of classes that came by entry points."""


def _installed(folder: str) -> dict[str, EntryPoint]:
    """The entry points of installed packages, by name."""
    return {entry.name: entry for entry in entry_points(group=f"maskwright.{folder.rpartition('.')[2]}")}


def _load_installed(entry: EntryPoint) -> Any:
    """Load an entry point. Installing the package is the permission to run its code."""
    found = entry.load()
    outside.note_package(entry.module)
    if isinstance(found, type):
        _plugins[found] = entry.name
    return found


def _import(folder: str, stem: str) -> ModuleType:
    return importlib.import_module(f"maskwright.{folder}.{stem}")


def _classes(folder: str, stem: str) -> dict[str, type]:
    """The classes of one file: its ENTRIES, or the one that it is named after."""
    found = _import(folder, stem)
    return {_snake_case(kind): kind for kind in getattr(found, "ENTRIES", None) or [_namesake(found)]}


def _namesake(found: ModuleType) -> type:
    kind: type = getattr(found, found.__name__.rpartition(".")[2].title().replace("_", ""))
    return kind


def _presets(kind: type) -> dict[str, dict[str, Any]]:
    return getattr(importlib.import_module(kind.__module__), "PRESETS", {})


def _split(name: str, stems: Iterable[str]) -> tuple[str, str]:
    """The longest beginning of `name` that is one of `stems`, and the rest: `modern`, `tiny`; or all of it and none."""
    parts = name.split("_")
    splits = [("_".join(parts[:end]), "_".join(parts[end:])) for end in range(len(parts), 0, -1)]
    return next((split for split in splits if split[0] in stems), (name, ""))


def _snake_case(kind: type) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def _unknown(folder: str, name: str) -> ValueError:
    return ValueError(f"no {_kind(folder)} {short_repr(name)}: {did_you_mean(name, names(folder))}")


def _kind(folder: str) -> str:
    return folder.rpartition(".")[2].removesuffix("s")
