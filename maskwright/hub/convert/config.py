"""A config of another system as one of ours: the settings are read, the system is known by them, nothing is dropped
without a word. What each system's settings mean is a file in `systems/`.
"""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from ...files.json_files import parse_json
from ...files.names import kind
from ...files.text import read_text
from ...files.yaml_files import parse_yaml
from ...run.config import Config
from ...settings.registry import files, module
from .systems._source import ForeignConfig

FOLDER = "hub.convert.systems"


@dataclass(frozen=True)
class Imported:
    """What became of a foreign config."""

    system: str
    """The file in `systems/` that recognised it."""
    tree: dict[str, Any]
    """Our sections, which `Config.of` takes."""
    left: dict[str, str]
    """The keys that were not carried over, each with the reason."""
    assumed: dict[str, Any]
    """The keys that the file does not have, each with the system's own default, which was taken."""
    remarks: list[str]
    """Remarks on settings that mean something else here."""

    def lines(self) -> Iterator[str]:
        """What was not carried over, and what means something else, for people to read."""
        yield f"Settings of {self.system}, as maskwright has them."
        if self.left:
            yield "Not carried over:"
            yield from (f"  {key}: {reason}" for key, reason in self.left.items())
        if self.assumed:
            yield f"Not in the file, and taken as {self.system} has it by default ({len(self.assumed)}):"
            yield from (f"  {key}: {value}" for key, value in self.assumed.items())
        if self.remarks:
            yield "Not the same here:"
            yield from (f"  {remark}" for remark in self.remarks)

    def text(self) -> str:
        """YAML, below these lines as comments."""
        head = "".join(f"# {line}\n" for line in self.lines())
        return head + yaml.safe_dump(self.tree, sort_keys=False, allow_unicode=True, default_flow_style=None, width=110)


def convert(path: Path) -> Imported:
    """Read a foreign config. Raises ValueError when the system is unknown or a value does not fit."""
    foreign = ForeignConfig(read(path))
    system = _system(path, foreign)
    module(FOLDER, system).convert(foreign)
    left = foreign.left | dict.fromkeys(foreign.rest(), f"unknown setting of {system}")
    tree = {section.name: foreign.tree[section.name] for section in fields(Config) if section.name in foreign.tree}
    Config.of(tree)
    return Imported(system, tree, left, foreign.assumed, foreign.remarks)


def _system(path: Path, foreign: ForeignConfig) -> str:
    """The system most of whose characteristic keys are present."""
    found = {name: len(module(FOLDER, name).SIGNS & foreign.values.keys()) for name in files(FOLDER)}
    best = max(found, key=lambda name: found[name])
    if not found[best]:
        wanted = "; ".join(f"{name} by {', '.join(sorted(module(FOLDER, name).SIGNS))}" for name in found)
        raise ValueError(f"{path} is not a config of a known system: {wanted}")
    return best


def read(path: Path) -> dict[str, Any]:
    """The settings in a JSON or YAML file, or in flags. Raises ValueError when there are none."""
    written = read_text(path)
    if kind(path) == ".json":
        tree = parse_json(written, str(path), once=True)
    elif kind(path) in (".yaml", ".yml") or "--" not in written:
        tree = parse_yaml(written, str(path))
    else:
        tree = flags(written, str(path))
    if not isinstance(tree, dict) or not all(isinstance(key, str) for key in tree):
        raise ValueError(f"{path} holds no settings: give JSON, YAML or a line of flags such as --mlm_prob 0.4")
    return tree


def flags(script: str, where: str) -> dict[str, Any]:
    """`--name value`, `--name=value` and `--name` (True) of a shell line or several; anything else is passed over.

    Raises ValueError when a quote is not closed, or a flag has two values.
    """
    try:
        words = shlex.split(script.replace("\\\n", " "), comments=True)
    except ValueError as error:
        raise ValueError(f"{where}: the flags cannot be read: {str(error).lower()}") from None
    found: dict[str, Any] = {}
    for word, following in zip(words, [*words[1:], "--"], strict=True):
        if word.startswith("--"):
            name, equals, written = word.removeprefix("--").partition("=")
            value = written if equals else True if following.startswith("--") else following
            if found.setdefault(name, value) != value:
                raise ValueError(f"{where}: --{name} is given twice, {found[name]} and {value}: keep one")
    return found
