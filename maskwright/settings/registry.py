"""The folder is the registry: the file `objectives/whole_word.py` is the objective `whole_word`, its class WholeWord.

Names may be written with dashes. What follows the file's name is a preset: `modern-tiny` is the entry `tiny` of PRESETS
in `models/modern.py`.
"""

import importlib
import pkgutil
from types import ModuleType
from typing import Any

from . import did_you_mean


def files(folder: str) -> list[str]:
    """The modules of `maskwright/<folder>`, sorted; what they share, `base` and names with an underscore, left out."""
    package = importlib.import_module(f"maskwright.{folder}")
    found = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name for name in found if name != "base" and not name.startswith("_"))


def module(folder: str, name: str) -> ModuleType:
    """The module behind `name`. Raises ValueError, naming the nearest, when there is none."""
    stem = name.replace("-", "_")
    if stem not in files(folder):
        raise _unknown(folder, name)
    return importlib.import_module(f"maskwright.{folder}.{stem}")


def names(folder: str) -> list[str]:
    """Every name that `load` takes: each file, and each of its presets."""
    found = []
    for stem in files(folder):
        presets = getattr(importlib.import_module(f"maskwright.{folder}.{stem}"), "PRESETS", {})
        found += [stem, *(f"{stem.replace('_', '-')}-{preset}" for preset in presets)]
    return found


def load(folder: str, name: str) -> tuple[type, dict[str, Any]]:
    """The class behind `name` and the options that its preset sets (none without a preset)."""
    stem, preset = name.replace("-", "_"), ""
    while stem and stem not in files(folder):
        stem, _, last = stem.rpartition("_")
        preset = f"{last}_{preset}".strip("_")
    found = module(folder, stem or name)
    presets = getattr(found, "PRESETS", {})
    if preset and preset not in presets:
        raise _unknown(folder, name)
    return getattr(found, stem.title().replace("_", "")), dict(presets.get(preset, {}))


def name_of(thing: object) -> str:
    """The name under which the class of `thing` is found."""
    return type(thing).__module__.rpartition(".")[2]


def _unknown(folder: str, name: str) -> ValueError:
    kind = folder.rpartition(".")[2].removesuffix("s")
    return ValueError(f"no {kind} {name!r}: {did_you_mean(name, names(folder))}")
