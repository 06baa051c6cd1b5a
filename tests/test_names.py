"""A test is found by its name: it occurs once in the suite, in one file."""

import ast
from collections import Counter
from pathlib import Path


def test_every_name_of_a_test_occurs_once() -> None:
    files = sorted(Path(__file__).parent.rglob("test_*.py"))
    nodes = (node for path in files for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = Counter(node.name for node in nodes if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))
    assert not [name for name, count in names.items() if count > 1]
