"""What can be set, read off the settings classes themselves, so that it cannot go stale."""

import inspect
from typing import Any

from rich.table import Table

from ..run.config import NAMED, PLAIN, Top, known, recipes
from ..settings import nearest, registry


def table(path: str) -> Table:
    """Sections (no path), the names in a section, or the knobs of a class. Raises ValueError for anything else."""
    section, _, name = path.partition(".")
    if not section:
        return _listing("section", {section: _about(section) for section in [*PLACES, *KINDS]})
    if path in KINDS:
        return knobs(KINDS[path], {})
    if section not in PLACES:
        raise ValueError(f"no section {path!r}: {nearest(path, [*PLACES, *KINDS])}")
    if name:
        return knobs(*registry.load(PLACES[section], name))
    names = registry.names(PLACES[section])
    return _listing(section, {name: _first_line(registry.load(PLACES[section], name)[0]) for name in names})


PLACES = NAMED | {"sampler": "sampling.samplers"}
"""What has names to choose from, and the folder of each: the sections of a config, and the samplers."""
KINDS = PLAIN | dict.fromkeys(known(Top), Top)
"""The settings that have no name to choose, by section."""


def knobs(kind: type, preset: dict[str, Any]) -> Table:
    """The knobs of a settings class: default (of the preset, where it sets one) and meaning."""
    title = _first_line(kind)
    shown = Table("knob", "default", "meaning", box=None, header_style="bold", title=title, title_justify="left")
    for name, field in kind.__pydantic_fields__.items():  # type: ignore[attr-defined]
        default = preset.get(name, "required" if field.is_required() else field.default)
        shown.add_row(name, str(default), _meaning(kind, name))
    return shown


def _meaning(kind: type, knob: str) -> str:
    """The documentation under a field, in the class or in the base that has it."""
    fields = (base.__dict__.get("__pydantic_fields__", {}).get(knob) for base in kind.__mro__)
    return next((field.description for field in fields if field and field.description), "")


def _about(section: str) -> str:
    if section in KINDS:
        return _first_line(KINDS[section])
    return ", ".join(registry.names(PLACES[section]))


def _listing(what: str, rows: dict[str, str]) -> Table:
    caption = "recipes: " + ", ".join(recipes()) if what == "section" else None
    shown = Table(what, "", box=None, header_style="bold", caption=caption, caption_justify="left")
    for name, about in rows.items():
        shown.add_row(name, about)
    return shown


def _first_line(kind: type) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]
