"""Configs: every section, as a tree and as a file of YAML with overrides."""

import dataclasses
from pathlib import Path
from random import Random
from typing import Any

import yaml

from faults.outcome import expect, tried
from faults.pieces import mutated, odd, text
from maskwright.run.config import NAMED, PLAIN, Config
from maskwright.settings import field_names
from maskwright.settings.registry import entries, load

KINDS = {section: {name: load(where, name)[0] for name in entries(where)} for section, where in NAMED.items()}
"""Section to its settings classes by name."""


def attempt(chance: Random, folder: Path) -> bool:
    """Build a config; it is refused, or is the same after it was written and read."""
    tree = {"training": {"steps": 3}} | {
        name: _section(chance, name) for name in (*NAMED, *PLAIN) if chance.random() < 0.25
    }
    if chance.random() < 0.1:
        tree[chance.choice(("seed", "errors", "nothing", "", "training", 3))] = odd(chance)  # type: ignore[index]
    if chance.random() < 0.5:
        config, said = tried(lambda: Config.of(tree))
    else:
        config, said = tried(lambda: Config.load(_file(chance, folder, tree), _overrides(chance)))
    (folder / "tree.txt").write_text(repr(tree), encoding="utf-8", errors="backslashreplace")
    if config is not None:
        written = yaml.safe_dump(config.tree(), allow_unicode=True)
        again = Config.of(yaml.safe_load(written)).tree()
        expect(repr(again) == repr(config.tree()), f"{again} where {config.tree()} was written")
    return not said


def _section(chance: Random, name: str) -> Any:
    if chance.random() < 0.05:
        return odd(chance)
    if name in PLAIN:
        return _fields(chance, PLAIN[name])
    kind = chance.choice([*KINDS[name]])
    return {"name": kind} | _fields(chance, KINDS[name][kind])


def _fields(chance: Random, kind: type) -> dict[Any, Any]:
    """Some options: most as they are by default, a few odd."""
    names = field_names(kind)
    chosen = chance.sample(names, min(len(names), chance.randint(0, 3)))
    found: dict[Any, Any] = {name: _value(chance, kind, name) for name in chosen}
    return found | ({chance.choice(("nothing", "", 1)): odd(chance)} if chance.random() < 0.03 else {})


def _value(chance: Random, kind: type, name: str) -> Any:
    default = next(field.default for field in dataclasses.fields(kind) if field.name == name)
    if chance.random() < 0.6 and isinstance(default, int | float | str | bool | None):
        near = (
            [default]
            if not isinstance(default, int | float)
            else [default, default / 2, default * 2, -default, default + 1]
        )
        return chance.choice(near)
    return odd(chance)


def _file(chance: Random, folder: Path, tree: Any) -> Path:
    path = folder / "run.yaml"
    written = yaml.safe_dump(tree, allow_unicode=chance.random() < 0.5).encode("utf-8", "surrogatepass")
    path.write_bytes(mutated(chance, written) if chance.random() < 0.5 else written)
    return path


def _overrides(chance: Random) -> list[str]:
    sections = [*NAMED, *PLAIN, "nothing", ""]
    keys = ["name", "ratio", "length", "steps", "lr", "size", "nothing", "", "a.b"]
    some = (
        f"{chance.choice(sections)}.{chance.choice(keys)}={chance.choice((text(chance, 3), odd(chance)))}"
        for _ in range(3)
    )
    return list(some)[: chance.choice((0, 0, 1, 3))]
