"""The architecture, as a test: code imports only from lower floors, and never from a sibling in a registry."""

import ast
from collections import Counter
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import maskwright
from maskwright.settings import registry as folder

ROOT = Path(maskwright.__file__).parent
FLOORS = [
    {"noise", "attention", "storage", "files", "progress"},
    {"settings", "loss", "hardware"},
    {"masking", "layers"},
    {"prediction"},
    {"distributed"},
    {"models", "optimizers", "text"},
    {"data"},
    {"objectives"},
    {"run"},
    {"sampling"},
    {"evaluate"},
    {"hub"},
    {"merging"},
    {"training"},
    {"display"},
    {"compare"},
    {"serving"},
    {"api"},
    {"cli"},
    {"__main__"},
]
FLOOR = {name: number for number, names in enumerate(FLOORS) for name in names}
REGISTRIES = [
    "cli.commands",
    "data.orders",
    "evaluate.suites",
    "hub.convert.systems",
    "merging.methods",
    "models",
    "objectives",
    "optimizers",
    "sampling.samplers",
    "text.corpora",
    "training.trackers",
]
FILES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py") if path.parent != ROOT or path.stem != "__init__")


def imports(path: Path) -> Iterator[tuple[str, ...]]:
    """The modules of ours that a file imports, at its head, inside functions or for a type checker alone."""
    package = path.parent.parts
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = (*package[: len(package) - node.level + 1], *(node.module or "").split("."))
            base = tuple(part for part in base if part)
            names = [(*base, alias.name) for alias in node.names]
            yield from {name if exists(name) else base for name in names} - {()}


def exists(parts: tuple[str, ...]) -> bool:
    return (ROOT / Path(*parts)).with_suffix(".py").exists() or (ROOT / Path(*parts) / "__init__.py").exists()


def module(path: Path) -> tuple[str, ...]:
    parts = path.with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


@pytest.mark.parametrize("path", FILES, ids=str)
def test_imports_point_down(path):
    here = FLOOR[path.with_suffix("").parts[0]]
    for there in imports(path):
        if there[0] != path.with_suffix("").parts[0]:
            assert there[0] in FLOOR, f"{path} imports {'.'.join(there)}, which has no floor"
            assert FLOOR[there[0]] < here, f"{path} imports {'.'.join(there)}, which is not on a lower floor"


def test_no_circle_of_files():
    graph = {module(path): set(imports(path)) for path in FILES}
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_no_folder_is_crowded():
    """Registries may grow; a folder of anything else holds about as much as one remembers."""
    registries = {registry.replace(".", "/") for registry in REGISTRIES}
    sizes = Counter(path.parent.as_posix() for path in FILES if path.stem != "__init__")
    assert not {folder: size for folder, size in sizes.items() if size > 15 and folder not in registries}


@pytest.mark.parametrize("registry", REGISTRIES)
def test_siblings_do_not_know_each_other(registry):
    place = tuple(registry.split("."))
    for path in (path for path in FILES if path.parent.parts == place and not path.stem.startswith("_")):
        siblings = [there for there in imports(path) if there[:-1] == place and there[-1] in folder.files(registry)]
        assert not siblings, f"{path} imports {siblings}"


def test_models_are_asked_in_one_place():
    """`prediction.py` alone scores the vocabulary; what is handed over to `transformers` has its own forward passes."""
    asking = {
        path.as_posix()
        for path in FILES
        for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "logits"
    }
    assert {path for path in asking if not path.startswith("hub/")} == {"prediction.py"}


def test_what_is_public_exists():
    for name in maskwright.__all__:
        assert getattr(maskwright, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        maskwright.Nothing  # noqa: B018


@pytest.mark.parametrize("path", FILES, ids=str)
def test_files_are_read_in_one_sitting(path):
    assert len((ROOT / path).read_text(encoding="utf-8").splitlines()) <= 300
