"""What the pages say can be typed: commands of recipes are whole configs, and tables leave nothing out."""

import re
import shlex
from pathlib import Path

import pytest

from maskwright.run.config import Config, recipes
from maskwright.settings.registry import files

DOCS = sorted((Path(__file__).parents[1] / "docs").glob("*.md"))


def commands(page: Path) -> list[list[str]]:
    """The words of every `maskwright train RECIPE …` with a recipe of ours."""
    lines = re.findall(r"maskwright train [^\n`#|]*", page.read_text(encoding="utf-8"))
    split = [shlex.split(line)[2:] for line in lines]
    return [words for words in split if words and words[0] in recipes()]


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.stem)
def test_commands_are_whole_configs(page: Path) -> None:
    for recipe, *words in commands(page):
        Config.load(recipe, [word for word in words if "=" in word and not word.startswith("--")])


def test_every_objective_is_in_the_table_with_a_command_that_works() -> None:
    table = (DOCS[0].parent / "objectives.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| `(objective\.name=[^`]*)` \|$", table, flags=re.MULTILINE))
    assert rows.keys() == set(files("objectives"))
    for name, words in rows.items():
        config = Config.load("quickstart", words.split())
        assert type(config.objective).__module__.endswith(f".{name}")
