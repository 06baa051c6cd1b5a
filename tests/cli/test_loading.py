"""What takes seconds to load is loaded while a command says so."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import maskwright.cli.commands as commands

LIGHT = {"progress", "files.secrets", "serving.installed"}
"""Modules that load at once."""
FILES = [path for path in Path(commands.__path__[0]).glob("*.py") if path.stem != "__init__"]


def loaded_in_silence(node: ast.AST) -> Iterator[str]:
    """The modules of ours that are imported outside `with during(…)`."""
    for one in ast.iter_child_nodes(node):
        if isinstance(one, ast.ImportFrom) and one.level and one.module and one.module not in LIGHT:
            yield one.module
        if not (isinstance(one, ast.With) and "during(" in ast.unparse(one.items[-1])):
            yield from loaded_in_silence(one)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_nothing_heavy_is_loaded_in_silence(path: Path) -> None:
    assert list(loaded_in_silence(ast.parse(path.read_text(encoding="utf-8")))) == []
