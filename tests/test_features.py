"""The page of features is whole: a hundred rows, each that claims something with a test that exists and an example that
can be typed."""

import ast
import re
import shlex
from functools import cache
from pathlib import Path

from maskwright.run.config import Config
from maskwright.settings.registry import files

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in PAGE.splitlines() if re.match(r"\| \d", line)]
CLAIMS = [row for row in ROWS if not row[2].startswith("no")]
ELSEWHERE = {"make", "python"}
"""What an example may begin with besides `maskwright` and a option."""


@cache
def defined(file: str) -> set[str]:
    """The functions of a file."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_there_are_a_hundred_rows_in_order() -> None:
    assert [row[0] for row in ROWS] == [str(number) for number in range(1, 101)]
    assert {len(row) for row in ROWS} == {5}
    assert len({row[1] for row in ROWS}) == 100


def test_yes_is_yes_and_what_is_missing_is_said() -> None:
    for number, _, here, example, shown in ROWS:
        have, _, missing = here.partition(": ")
        assert have in {"yes", "partly", "no"}, number
        assert bool(missing) or have != "partly", number
        assert not missing or have != "yes", number
        assert bool(example) == bool(shown) == (have != "no"), number


def test_every_claim_has_tests_that_exist() -> None:
    for row in CLAIMS:
        named = [re.fullmatch(r"`(tests/[\w/]*test_\w+\.py)::(test_\w+)`", each) for each in row[4].split(", ")]
        assert all(each and each[2] in defined(each[1]) for each in named), row


def test_every_example_can_be_typed() -> None:
    for row in CLAIMS:
        typed = row[3].strip("`")
        words = [typed] if "{" in typed else shlex.split(typed)
        if words[0] == "maskwright":
            assert words[1].replace("-", "_") in files("cli.commands"), row
        elif words[0] not in ELSEWHERE:
            Config.load("quickstart", words)
