"""What the pages say can be typed: commands of recipes are whole configs, and tables leave nothing out."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from maskwright.masking.select import IGNORE
from maskwright.objectives.base.contract import check, maker
from maskwright.run.config import Config, recipes
from maskwright.settings.registry import files

from .handmade import TEXT, rows

DOCS = sorted((Path(__file__).parents[1] / "docs").glob("*.md"))


def commands(page: Path) -> list[list[str]]:
    """The words of every `maskwright train RECIPE …` with a recipe of ours."""
    lines = re.findall(r"maskwright train [^\n`#|]*", page.read_text(encoding="utf-8"))
    split = [shlex.split(line)[2:] for line in lines]
    return [words for words in split if words and words[0] in recipes()]


def my_objectives() -> str:
    """The file that the page on extending shows."""
    page = (DOCS[0].parent / "extending.md").read_text(encoding="utf-8")
    return page.partition("```python\n")[2].partition("```")[0]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder of a reader who has written that file."""
    (tmp_path / "my_objectives.py").write_text(my_objectives())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.stem)
def test_commands_are_whole_configs(page: Path, folder: Path) -> None:
    for recipe, *words in commands(page):
        Config.load(recipe, [word for word in words if "=" in word and not word.startswith("--")])


def test_every_objective_is_in_the_table_with_a_command_that_works() -> None:
    table = (DOCS[0].parent / "objectives.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| `(objective\.name=[^`]*)` \|$", table, flags=re.MULTILINE))
    assert rows.keys() == set(files("objectives"))
    for name, words in rows.items():
        config = Config.load("quickstart", words.split())
        assert type(config.objective).__module__.endswith(f".{name}")


def test_the_objective_on_the_page_keeps_what_the_page_prints(folder: Path) -> None:
    config = Config.load("quickstart", ["objective.name=my_objectives.py:EveryOther"])
    found = check(maker(config.objective, TEXT), rows())
    printed = "".join(f"    ✓ {finding.promise}\n" for finding in found)
    assert not any(finding.counterexample for finding in found)
    assert printed in (DOCS[0].parent / "extending.md").read_text(encoding="utf-8")


def test_the_objective_with_state_on_the_page_goes_on_where_it_was() -> None:
    page = (DOCS[0].parent / "extending.md").read_text(encoding="utf-8")
    code: dict[str, Any] = {"__name__": "page"}
    for block in re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)[:2]:
        exec(block, code)
    value, some = code["Alternating"](), rows()
    live, other = value.build(TEXT, 0), value.build(TEXT, 0)
    first = live(some, 0)
    live.end_step()
    assert not (((first.targets != IGNORE) & (live(some, 0).targets != IGNORE)).any())
    assert other(some, 0).targets.equal(first.targets)
    other.load_state_dict(live.state_dict())
    assert other(some, 0).targets.equal(live(some, 0).targets)
