"""metrics.jsonl of a run: one object a logged step, and the same as a table."""

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from ..files import text
from ..files.errors import note
from ..files.json_files import parse_json


class Columns(dict[str, np.ndarray]):
    """A table, which `pandas.DataFrame` and `polars.DataFrame` take as it is: columns [N] by name."""

    def __repr__(self) -> str:
        return f"<{self.rows} rows: {', '.join(self)}>"

    @property
    def rows(self) -> int:
        """How many there are."""
        return len(next(iter(self.values()), ()))

    def _repr_html_(self, most: int = 20) -> str:
        """The last rows, for a notebook."""
        head = "".join(f"<th>{escape(name)}" for name in self)
        cells = [[f"<td>{number:.6g}" for number in column[-most:]] for column in self.values()]
        body = "".join("<tr>" + "".join(row) for row in zip(*cells, strict=True))
        return f"<table><tr>{head}{body}</table>"


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a metrics file, without a garbled end, which is logged; none without a file.

    Raises ValueError as `read` does.
    """
    found, garbled = read(path)
    if garbled:
        note(garbled)
    return found


def read(path: Path) -> tuple[list[dict[str, Any]], str]:
    """The objects of a metrics file, and a sentence on the lines at its end that a crash left garbled, if any.

    Raises ValueError, with file and line, for a garbled line between whole ones.
    """
    found, garbled = [], list[int]()
    for number, line in text.lines(path, "replace") if path.is_file() else ():
        if not line.strip():
            continue
        if (value := _object(line)) is None:
            garbled.append(number)
        elif garbled:
            raise ValueError(f"{path}:{garbled[0]} is not an object of a step, and whole lines follow it: take it out")
        else:
            found.append(value)
    many = f"lines {garbled[0]} to {garbled[-1]} are" if len(garbled) > 1 else "".join(f"line {n} is" for n in garbled)
    return found, f"{path}: {many} garbled and left out" if garbled else ""


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = parse_json(line, "")
    except ValueError:
        return None
    return value if isinstance(value, dict) and type(value.get("step")) is int and "\ufffd" not in line else None


def columns(lines: Iterable[Mapping[str, Any]]) -> Columns:
    """One row a step, [N] int64 `step` and [N] float64 for every other name; NaN where a step has no such number."""
    steps: dict[int, dict[str, Any]] = {}
    for line in lines:
        steps.setdefault(line["step"], {}).update(line)
    names = dict.fromkeys(name for row in steps.values() for name in row if name != "step")
    table = Columns(step=np.array(list(steps), np.int64))
    for name in names:
        table[name] = np.array([row.get(name, np.nan) for row in steps.values()], np.float64)
    return table
