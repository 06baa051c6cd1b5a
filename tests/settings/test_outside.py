"""Code from outside the package: found by its name, asked for before it runs, kept with what names it."""

import sys
from pathlib import Path

import pytest

from maskwright.data.rows import Rows
from maskwright.run.config import Config
from maskwright.settings import outside, registry

OBJECTIVE = '''"""Every other word."""

import torch
from torch import Tensor

from maskwright import Masked
from maskwright.data.rows import Rows
from maskwright.noise import Noise
from maskwright.settings import settings


@settings
class EveryOther(Masked):
    """Hide every other word."""

    offset: int = 0
    """Added to the number of a word."""

    def select(self, rows: Rows, noise: Noise) -> Tensor:
        odd = noise.below(2, "odd", 1)  # [B, 1]
        return torch.where((rows.word + self.offset) % 2 == odd, rows.word, 0).int()
'''


def forget() -> None:
    """What a new process does not know."""
    for module in [*outside._sources, *outside._packages]:
        sys.modules.pop(module, None)
    for memory in (outside._sources, outside._places, outside._names, outside._packages, registry._plugins):
        memory.clear()


@pytest.fixture(autouse=True)
def new_process(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
    forget()
    yield
    forget()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my_objectives.py"
    path.write_text(OBJECTIVE)
    return path


def test_what_an_override_names_needs_no_permission(file: Path, settings: dict):
    config = Config.of(settings, ["objective.name=my_objectives.py:EveryOther", "objective.offset=1"])
    assert type(config.objective).__name__ == "EveryOther"
    assert config.tree()["objective"]["offset"] == 1


def test_what_a_file_names_runs_only_when_asked_for(file: Path, settings: dict):
    file.write_text(f"import pathlib\npathlib.Path('ran').touch()\n{OBJECTIVE}")
    tree = settings | {"objective": {"name": "my_objectives.py:EveryOther"}}
    with pytest.raises(ValueError, match=r"^my_objectives.py:EveryOther is code from outside .*--trust-code .*$"):
        Config.of(tree)
    with pytest.raises(ValueError, match="--trust-code"):
        Config.of(tree, ["objective.ratio=0.3"])
    assert not Path("ran").exists()
    assert Config.of(tree, trust_code=True).objective.offset == 0
    assert Path("ran").exists()


def test_an_objective_inside_another_is_asked_for_too(file: Path, settings: dict):
    tree = settings | {"objective": {"name": "hybrid", "masked": {"name": "my_objectives.py:EveryOther"}}}
    with pytest.raises(ValueError, match="--trust-code"):
        Config.of(tree)
    config = Config.of(settings, ["objective={name: hybrid, masked: {name: my_objectives.py:EveryOther}}"])
    assert config.tree()["objective"]["masked"]["name"].startswith("code/my_objectives-")


def test_the_source_is_kept_beside_the_config_and_opens_again_from_anywhere(file: Path, settings: dict, tmp_path: Path):
    config = Config.of(settings, ["objective.name=my_objectives.py:EveryOther"])
    config.write(tmp_path / "run" / "config.yaml")
    (kept,) = (tmp_path / "run" / "code").iterdir()
    assert kept.read_text() == OBJECTIVE
    assert config.tree()["objective"]["name"] == f"code/{kept.name}:EveryOther"
    forget()
    file.unlink()
    with pytest.raises(ValueError, match="--trust-code"):
        Config.load(tmp_path / "run")
    again = Config.load(tmp_path / "run", trust_code=True)
    assert again.tree() == config.tree()
    again.write(tmp_path / "other" / "config.yaml")
    assert (tmp_path / "other" / "code" / kept.name).read_text() == OBJECTIVE


def test_code_that_changed_is_another_objective(file: Path, settings: dict, tmp_path: Path):
    named = ["objective.name=my_objectives.py:EveryOther"]
    config = Config.of(settings, named)
    config.write(tmp_path / "run" / "config.yaml")
    file.write_text(OBJECTIVE.replace("% 2", "% 3"))
    assert Config.of(settings, named).tree()["objective"] != config.tree()["objective"]
    forget()
    (kept,) = (tmp_path / "run" / "code").iterdir()
    kept.write_text("print('something else')")
    with pytest.raises(ValueError, match=rf"{kept.name} was changed since the run was written"):
        Config.load(tmp_path / "run", trust_code=True)


def test_a_class_of_a_package_is_named_by_it(settings: dict, tmp_path: Path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "objectives.py").write_text(OBJECTIVE)
    named = {"objective": {"name": "package.objectives:EveryOther"}}
    with pytest.raises(ValueError, match="--trust-code"):
        Config.of(settings | named)
    config = Config.of(settings | named, trust_code=True)
    assert config.tree()["objective"]["name"] == "package.objectives:EveryOther"
    config.write(tmp_path / "run" / "config.yaml")
    assert not (tmp_path / "run" / "code").exists()


@pytest.fixture
def install(monkeypatch, tmp_path: Path):
    """Install a package `words` with the source of one module and with entry points."""

    def call(source: str, entry: str) -> None:
        facts = tmp_path / "site" / "words-1.0.dist-info"
        facts.mkdir(parents=True)
        (tmp_path / "site" / "words.py").write_text(source)
        (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: words\nVersion: 1.0\n")
        (facts / "entry_points.txt").write_text(entry)
        monkeypatch.syspath_prepend(tmp_path / "site")

    return call


@pytest.mark.parametrize("folder", [
    "objectives", "models", "optimizers", "text.corpora", "data.orders", "sampling.samplers", "training.trackers"
])  # fmt: skip
def test_every_kind_of_class_comes_by_entry_points(install, folder: str):
    install("class Mine:\n    pass\n", f"[maskwright.{folder.rpartition('.')[2]}]\nmine = words:Mine\n")
    assert "mine" in registry.names(folder)
    kind, preset = registry.load(folder, "mine")
    assert (kind.__module__, registry.class_name(kind), preset) == ("words", "mine", {})


def test_a_suite_comes_by_entry_points(install):
    install("def evaluate(run, data):\n    return {}\n", "[maskwright.suites]\nmine = words\n")
    assert registry.module("evaluate.suites", "mine").evaluate(None, None) == {}


def test_an_entry_point_is_a_name_like_any_other(install, settings: dict):
    install(OBJECTIVE, "[maskwright.objectives]\nevery_other = words:EveryOther\n")
    assert "every_other" in registry.names("objectives")
    config = Config.of(settings | {"objective": {"name": "every_other", "offset": 1}})
    assert config.tree()["objective"]["name"] == "every_other"
    with pytest.raises(ValueError, match="did you mean 'every_other'"):
        registry.load("objectives", "every_othr")


def test_a_class_that_was_imported_from_a_file_is_kept(monkeypatch, file: Path, config: Config, tmp_path: Path):
    monkeypatch.syspath_prepend(tmp_path)
    from my_objectives import EveryOther  # type: ignore[import-not-found]

    name = registry.name_of(EveryOther())
    assert name.startswith("code/my_objectives-")
    outside.keep({"name": name}, tmp_path / "run")
    forget()
    outside.locate({"name": name}, tmp_path / "run" / "final")
    with outside.trusting(everything=True):
        assert outside.load(name).__name__ == "EveryOther"


@pytest.mark.parametrize(("name", "sentence"), [
    ("nowhere.py:EveryOther", "nowhere.py:EveryOther: there is no file nowhere.py"),
    ("my_objectives.py:Other", "my_objectives.py:Other: my_objectives.py defines no Other"),
    ("my_objectives.py", "objective.name=my_objectives.py is not a subclass of maskwright.Objective with @settings"),
    ("my_objectives.py:torch", "objective.name=my_objectives.py:torch is not a subclass of maskwright.Objective"),
    ("no.such.package:X", "no.such.package:X: no module no is installed, or lies in the current folder"),
])  # fmt: skip
def test_what_is_not_there_is_named(file: Path, settings: dict, name: str, sentence: str):
    with pytest.raises(ValueError) as refusal:  # noqa: PT011  the sentence is compared below
        Config.of(settings, [f"objective.name={name}"])
    assert str(refusal.value).startswith(sentence)


NOTEBOOK = '''
import torch
from torch import Tensor
from maskwright import Masked
from maskwright.settings import settings
import maskwright.settings.outside as outside, maskwright.settings.registry as registry
EVERY = 2
def chosen(word): return word % EVERY == 0

@settings
class EveryOther(Masked):
    """Hide every other word."""
    def select(self, rows, noise) -> Tensor:
        return torch.where(chosen(rows.word), rows.word, 0).int()
'''


def run_as_main(source: str, path: Path) -> dict:
    """The names that a script leaves, as the notebook or script that is `__main__`."""
    path.write_text(source)
    names = {"__name__": "__main__"}
    exec(compile(source, str(path), "exec"), names)
    return names


@pytest.fixture
def main(monkeypatch):
    def run(source: str, path: Path) -> type:
        monkeypatch.setitem(sys.modules, "__main__", type(sys)("__main__"))
        vars(sys.modules["__main__"]).update(names := run_as_main(source, path))
        return names["EveryOther"]

    return run


def test_a_class_of_a_notebook_is_kept_with_all_that_it_uses(main, tmp_path: Path):
    name = registry.name_of(main(NOTEBOOK, tmp_path / "cell.py")())
    outside.keep(name, tmp_path / "run")
    (kept,) = (tmp_path / "run" / "code").iterdir()
    assert name == f"code/{kept.name}:EveryOther"
    assert "outside" not in kept.read_text()
    forget()
    outside.locate(name, tmp_path / "run")
    with outside.trusting(everything=True):
        found = outside.load(name)
    from tests.handmade import rows

    some: Rows = rows()
    assert torch_equal(found(random_prob=0, keep_prob=0)(some, 0).targets >= 0, some.word % 2 == 0, some)


def torch_equal(hidden, wanted, some: Rows) -> bool:
    return bool((hidden == (wanted & (some.word > 0))).all())


def test_a_class_of_a_notebook_that_cannot_be_kept_is_refused_with_the_way_to_do_it(main, tmp_path: Path):
    kind = main(NOTEBOOK.replace("EVERY = 2", "EVERY = torch.tensor(2)"), tmp_path / "cell.py")
    with pytest.raises(ValueError, match=r"because it uses EVERY, a Tensor: save it in a file and name"):
        registry.name_of(kind())
