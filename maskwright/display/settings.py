"""Tables of all settings, generated from the settings classes so that they cannot go stale."""

import inspect
from collections.abc import Iterator
from types import ModuleType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from ..run.config import NAMED, PLAIN, recipes
from ..run.sections import Top
from ..settings import did_you_mean, field_names, registry
from .elements.table import Table

REGISTRIES = NAMED | {"sampler": "sampling.samplers"}
"""Things chosen by name, and their folders: sections of a config, and samplers."""
SUITE, SUITES = "suite", "evaluate.suites"
"""Suites are modules of a folder, each with a class Options."""
UNNAMED = PLAIN | dict.fromkeys(field_names(Top), Top)
"""The settings classes of the sections without a name."""
SECTIONS = [*REGISTRIES, SUITE, *UNNAMED]


def table(path: str) -> Table:
    """The sections (no path), the names in a section, or the options of a class. Raises ValueError for other paths."""
    section, _, name = path.partition(".")
    if not section:
        return _listing("section", {section: _summary(section) for section in SECTIONS})
    if path in UNNAMED:
        return options(UNNAMED[path], {})
    if section not in SECTIONS or section in UNNAMED:
        raise ValueError(f"no section {path!r}: {did_you_mean(path, SECTIONS)}")
    if section == SUITE:
        return options(registry.module(SUITES, name).Options, {}) if name else _listing(section, _suites())
    if name:
        return options(*registry.load(REGISTRIES[section], name))
    kinds = {name: registry.load(REGISTRIES[section], name) for name in registry.names(REGISTRIES[section])}
    return _listing(section, {name: _described(*found) for name, found in kinds.items()})


def options(kind: type, preset: dict[str, Any]) -> Table:
    """The options of a settings class: default (of the preset, where it sets one) and meaning."""
    title = _first_paragraph(kind)
    shown = Table("option", "default", "meaning", title=title, title_justify="left")
    for row in _rows(kind, preset):
        shown.add_row(*row)
    return shown


def _rows(kind: Any, preset: dict[str, Any], before: str = "") -> Iterator[tuple[str, str, str]]:
    """Name, default and meaning of each option; settings within settings follow, by their dotted names."""
    for name, field in kind.__pydantic_fields__.items():
        default = preset.get(name, "required" if field.is_required() else field.default)
        inner = _inner(field.annotation)
        inner = inner if inner and (default is None or isinstance(default, inner)) else None  # {} may be of any class
        said = "" if inner and default is not None else str(default)
        yield before + name, said, f"{_meaning(kind, name)} {_choice(field.annotation)}".strip()
        if inner:
            yield from _rows(inner, {}, f"{before}{name}.")


def _inner(annotation: Any) -> Any:
    """The one settings class that an option may hold, if there is one."""
    parts = get_args(annotation) if get_origin(annotation) in (Union, UnionType) else [annotation]
    found = [part for part in parts if hasattr(part, "__pydantic_fields__")]
    return found[0] if len(found) == 1 else None


def _choice(annotation: Any) -> str:
    """The values that an option takes, where they are a few words."""
    words = [str(word) for word in _literals(annotation)]
    both = ["true", "false"] if words and bool in get_args(annotation) else []
    return f"One of {', '.join([*both, *words])}." if len([*both, *words]) > 1 else ""


def _literals(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Literal:
        return list(get_args(annotation))
    return [word for part in get_args(annotation) for word in _literals(part)]


def _meaning(kind: type, option: str) -> str:
    """The documentation under a field, in the class or in the base class that defines it."""
    fields = (base.__dict__.get("__pydantic_fields__", {}).get(option) for base in kind.__mro__)
    return " ".join(next((field.description for field in fields if field and field.description), "").split())


def _summary(section: str) -> str:
    if section in UNNAMED:
        return _first_paragraph(UNNAMED[section])
    if section == SUITE:
        return ", ".join(registry.files(SUITES))
    return ", ".join(registry.names(REGISTRIES[section]))


def _listing(what: str, rows: dict[str, str]) -> Table:
    caption = "recipes: " + ", ".join(recipes()) if what == "section" else None
    shown = Table(what, "", caption=caption, caption_justify="left")
    for name, summary in rows.items():
        shown.add_row(name, summary)
    return shown


def _suites() -> dict[str, str]:
    return {name: _first_paragraph(registry.module(SUITES, name)) for name in registry.files(SUITES)}


def _described(kind: type, preset: dict[str, Any]) -> str:
    """What a name stands for; a preset by the values that it sets."""
    values = ", ".join(f"{option}={value}" for option, value in preset.items())
    return values or _first_paragraph(kind)


def _first_paragraph(kind: type | ModuleType) -> str:
    return " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())
