"""metrics.jsonl of a run: one object a logged step, and the same as a table."""

from collections.abc import Iterable, Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from ..files.json_files import parse_json
from ..files.text import read_text


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
    """The objects of a metrics file, without a last line that a killed run left unfinished; none without a file."""
    if not path.is_file():
        return []
    lines = enumerate(read_text(path).split("\n")[:-1], 1)
    return [parse_json(line, f"{path}:{number}") for number, line in lines if line]


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
