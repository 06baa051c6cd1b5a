"""Every measured number of a page is in a file of figures that its section names."""

import csv
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "LOG.md", "runs/README.md", "benchmarks/README.md", *(
    f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md"))))  # fmt: skip
CONSTANTS = ROOT / "tests" / "constants.json"
"""Numbers by page that nobody measured, each with what it is."""
CODE = re.compile(r"^```.*?^```|^ {4}.*?$|`[^`]*`|\]\([^)]*\)", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"(?<![\w.,/])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\w,]*\d)|(?<![\w.,/])\d+\.\d+(?![\w.]*\d)")
"""What is printed as measured: with a decimal point or thousands, outside code and addresses."""


def sections(page: str) -> list[str]:
    """A page cut before its headings of the second level."""
    return re.split(r"^(?=## )", (ROOT / page).read_text(encoding="utf-8"), flags=re.MULTILINE)


def sources(page: str, section: str) -> list[Path]:
    """The files of figures that a section names: by a link to one or to a folder of them, or by a heading `name/`."""
    folder = (ROOT / page).parent
    places = [(folder / link).resolve() for link in re.findall(r"\]\(([^)#:]+)", section)]
    places += [folder / name for name in re.findall(r"^## ([\w.]+)/", section)]
    places += [ROOT / "runs" / "intervals.json"] if page == "runs/README.md" else []
    files = [path for place in places for path in ([place] if place.is_file() else sorted(place.rglob("*")))]
    return [path for path in files if path.suffix in (".json", ".jsonl", ".csv")]


def values(found: Any) -> Iterator[float]:
    """Every number in what a file holds."""
    if isinstance(found, dict):
        found = list(found.values())
    if isinstance(found, list):
        for one in found:
            yield from values(one)
    elif isinstance(found, int | float):
        yield abs(float(found))


@cache
def held(path: Path) -> tuple[float, ...]:
    """The numbers in a file."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".csv":
        cells = (cell for row in csv.reader(text.splitlines()) for cell in row)
        return tuple(abs(float(cell)) for cell in cells if re.fullmatch(r"-?\d+(\.\d+)?(e-?\d+)?", cell))
    lines = [text] if path.suffix == ".json" else text.splitlines()
    return tuple(values([json.loads(line) for line in lines]))


@cache
def roundings(path: Path, decimals: int) -> frozenset[str]:
    """The numbers in a file as they are, in percent or in millions, rounded."""
    return frozenset(f"{number * scale:.{decimals}f}" for number in held(path) for scale in (1, 100, 1e-6))


def holds(path: Path, number: str) -> bool:
    """Whether a file has the number: to its last digit, or one with thousands to three, as 5,880 of 5,876.3."""
    digits = number.replace(",", "")
    decimals = len(digits.partition(".")[2])
    return digits in roundings(path, decimals) or ("," in number and not decimals and digits in thousands(path))


@cache
def thousands(path: Path) -> frozenset[str]:
    """The numbers in a file to three significant digits."""
    return frozenset(f"{float(f'{number:.3g}'):.0f}" for number in held(path))


def missing(page: str) -> set[str]:
    """The printed numbers that no file holds which their section names."""
    found = set()
    for section in sections(page):
        files = sources(page, section)
        for number in NUMBER.findall(CODE.sub(" ", section)):
            if not any(holds(path, number) for path in files):
                found.add(number)
    return found


def constants(page: str) -> set[str]:
    """The numbers of a page that nobody measured."""
    return set(json.loads(CONSTANTS.read_text(encoding="utf-8"))["pages"].get(page, ()))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_prints_no_number_that_no_file_holds(page: str) -> None:
    unknown = missing(page) - constants(page)
    assert unknown == set(), "keep its figures in benchmarks/results/NAME-MACHINE.json, and link them"


@pytest.mark.parametrize("page", PAGES)
def test_no_constant_is_listed_that_its_page_does_not_need(page: str) -> None:
    assert constants(page) <= missing(page), "it is measured now, or printed no more: take it out of constants.json"


def test_constants_are_of_pages_that_there_are() -> None:
    assert set(json.loads(CONSTANTS.read_text(encoding="utf-8"))["pages"]) <= set(PAGES)


def test_the_search_for_numbers_finds_them() -> None:
    text = "It took 1,234.5 s (3.71 times) at `lr=0.01`, see [runs](a/1.25.json), 16,505 with v2.11.0.\n    0.5\n"
    assert NUMBER.findall(CODE.sub(" ", text)) == ["1,234.5", "3.71", "16,505"]
    fenced = "one\n```yaml\nratio: 0.3\n\n    0.4\n```\n0.5\n\n    0.6\n0.7 `0.8\n0.9`\n"
    assert NUMBER.findall(CODE.sub(" ", fenced)) == ["0.5", "0.7"]
    section = "## masking/\n[figures](../benchmarks/results/masking.json)\n"
    assert {path.name for path in sources("runs/README.md", section)} > {"masking.json", "curves.csv", "results.json"}
    assert list(values({"a": [1, {"b": -2.5}], "c": "3"})) == [1.0, 2.5]


def test_three_digits_stand_for_a_number_with_thousands(tmp_path: Path) -> None:
    (tmp_path / "figures.json").write_text("[5876.3, 0.51234]", encoding="utf-8")
    kept = {number for number in ("5,876", "5,880", "5,890", "5,900", "51.2", "0.51", "0.50")
            if holds(tmp_path / "figures.json", number)}  # fmt: skip
    assert kept == {"5,876", "5,880", "51.2", "0.51"}
