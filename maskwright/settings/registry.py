"""The folder is the registry: the file `objectives/whole_word.py` is the objective `whole_word`, its class WholeWord.

Names may be written with dashes. What follows the name of a file is a preset: `modern-tiny` is the entry `tiny` of
PRESETS in `models/modern.py`. A file that offers several classes lists them as ENTRIES.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from . import did_you_mean


def files(folder: str) -> list[str]:
    """The modules of `maskwright/<folder>`, sorted, without `base` and names with an underscore, which are shared."""
    package = importlib.import_module(f"maskwright.{folder}")
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name for name in found if name != "base" and not name.startswith("_"))


def module(folder: str, name: str) -> ModuleType:
    """The file `name` of the folder as a module. Raises ValueError, suggesting the nearest name, when there is none."""
    stem = name.replace("-", "_")
    if stem not in files(folder):
        raise _unknown(folder, name)
    return _import(folder, stem)


def entries(folder: str) -> dict[str, type]:
    """The classes that a folder offers, by name."""
    found = {name: kind for stem in files(folder) for name, kind in _classes(folder, stem).items()}
    return dict(sorted(found.items()))


def names(folder: str) -> list[str]:
    """Every name that `load` takes: each entry, and each of its presets."""
    found = []
    for entry, kind in entries(folder).items():
        found += [entry, *(f"{entry.replace('_', '-')}-{preset}" for preset in _presets(kind))]
    return found


def load(folder: str, name: str) -> tuple[type, dict[str, Any]]:
    """The class behind `name`, and the options that its preset sets (none without a preset).

    Raises ValueError, suggesting the nearest name, when there is none.
    """
    stem, preset = _split(name.replace("-", "_"), files(folder))
    # only where no file has the name is every file imported, to see whether one lists it among its ENTRIES
    kind = (_classes(folder, stem) if stem in files(folder) else entries(folder)).get(stem)
    if kind is None or (preset and preset not in _presets(kind)):
        raise _unknown(folder, name)
    return kind, dict(_presets(kind).get(preset, {}))


def name_of(thing: object) -> str:
    """The name under which the class of `thing` is found."""
    return _snake_case(type(thing))


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
    kind = folder.rpartition(".")[2].removesuffix("s")
    return ValueError(f"no {kind} {name!r}: {did_you_mean(name, names(folder))}")
