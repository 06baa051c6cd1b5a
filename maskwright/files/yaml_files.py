"""YAML in files.

Words and numbers mean what they look like (the core schema of YAML 1.2, which is that of JSON): `no`, `on`, `0x10`,
`12:30` and 2024-01-31 are texts, 1e-3 is a number, and a key that occurs twice is refused, where PyYAML's own loader
makes false, true, 16, 750 and a date of them, a text of 1e-3, and keeps the last of two keys.
"""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from .errors import cut, short_repr
from .text import read_text


class _Loader(yaml.SafeLoader):
    """Reads YAML's own types only, by the core schema."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  as in its base class


MEANINGS = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?(0|[1-9][0-9_]*)", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*|(?=[eE])))([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
    "merge": (r"<<", ["<"]),
}
"""What a plain word means, by its pattern and by what it may begin with; any other word is a text."""
for _name, (_pattern, _first) in MEANINGS.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_name}", re.compile(rf"({_pattern})$"), _first)


def read_yaml(path: Path) -> Any:
    """The value in a file. Raises ValueError, with file and line, when it is not YAML."""
    return parse_yaml(read_text(path), str(path))


def parse_yaml(source: str, where: str) -> Any:
    """A value from its YAML. Raises ValueError that begins with `where`, also when a key occurs twice."""
    with _named(where):
        loader = _Loader(source)
        node = loader.get_single_node()
    if node is None:
        return None
    for key, first, again in _repeated(node):  # asked before the value is built: merging (`<<`) may repeat keys
        raise ValueError(f"{where}: the key {short_repr(key)} occurs twice, in lines {first} and {again}: keep one")
    with _named(where):
        return loader.construct_document(node)


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Errors of the library as one sentence that names the source."""
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ValueError(f"{where} is not YAML: {error.problem or error.context}{line}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ValueError(f"{where} is not YAML: {cut(' '.join(str(error).split()), 160)}") from None
    except RecursionError:
        raise ValueError(f"{where} is YAML that is nested too deeply") from None


def _repeated(root: yaml.Node) -> Iterator[tuple[str, int, int]]:
    """The keys that a mapping has twice, each with its two lines."""
    waiting, seen = [root], set[int]()  # an alias puts one node in many places
    while waiting:
        node = waiting.pop()
        if id(node) in seen or isinstance(node, yaml.ScalarNode):
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            waiting += [part for pair in node.value for part in pair]
            yield from _twice(key for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        else:
            waiting += node.value


def _twice(keys: Iterable[yaml.ScalarNode]) -> Iterator[tuple[str, int, int]]:
    lines: dict[tuple[str, str], int] = {}
    for key in keys:
        name, line = (key.tag, key.value), key.start_mark.line + 1
        if name in lines:
            yield key.value, lines[name], line
        lines[name] = line
