"""The architecture, as a test: code imports only from lower floors, and never from a sibling in a registry."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import maskwright
from maskwright.settings import registry as folder

ROOT = Path(maskwright.__file__).parent
FLOORS = [
    {"config", "noise", "attention", "sharded", "cluster"},
    {"kernels", "layers", "folder", "schedule", "parameters", "drawing", "mergers"},
    {"text", "models", "optimizers", "race", "replacing"},
    {"data"},
    {"objective"},
    {"objectives", "loss"},
    {"evaluate", "sample", "hub", "trackers"},
    {"samplers"},
    {"training"},
    {"suites"},
    {"compare"},
    {"serving"},
    {"commands"},
    {"cli"},
    {"__main__"},
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
REGISTRIES = [
    "objectives",
    "models",
    "optimizers",
    "samplers",
    "text.corpora",
    "data.orders",
    "trackers",
    "suites",
    "training.imported",
    "mergers",
]
FILES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py") if path.parent != ROOT or path.stem != "__init__")


def lines(node: ast.AST) -> Iterator[ast.AST]:
    """The statements that run at import or call; not those that only a type checker reads."""
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test)):
            yield child
            yield from lines(child)


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """The modules of ours that a file imports, as paths inside the package."""
    package = path.parent.parts
    for node in lines(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = (*package[: len(package) - node.level + 1], *(node.module or "").split("."))
            base = tuple(part for part in base if part)
            names = [(*base, alias.name) for alias in node.names]
            yield from filter(exists, names) if is_package(base) else [base]


def exists(parts: tuple[str, ...]) -> bool:
    return (ROOT / Path(*parts)).with_suffix(".py").exists() or is_package(parts)


def is_package(parts: tuple[str, ...]) -> bool:
    return (ROOT / Path(*parts) / "__init__.py").exists()


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_point_down(path):
    here = FLOOR[path.with_suffix("").parts[0]]
    for there in imports(path):
        if there[0] != path.with_suffix("").parts[0]:
            assert there[0] in FLOOR, f"{path} imports {'.'.join(there)}, which has no floor"
            assert FLOOR[there[0]] < here, f"{path} imports {'.'.join(there)}, which is not on a lower floor"


@pytest.mark.parametrize("registry", REGISTRIES)
def test_siblings_do_not_know_each_other(registry):
    place = tuple(registry.split("."))
    for path in (path for path in FILES if path.parent.parts == place and not path.stem.startswith("_")):
        siblings = [there for there in imports(path) if there[:-1] == place and there[-1] in folder.files(registry)]
        assert not siblings, f"{path} imports {siblings}"


def test_what_is_public_exists():
    for name in maskwright.__all__:
        assert getattr(maskwright, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        maskwright.Nothing  # noqa: B018


@pytest.mark.parametrize("path", FILES, ids=str)
def test_files_are_read_in_one_sitting(path):
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= 300
