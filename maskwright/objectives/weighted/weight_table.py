"""A table of weights in a file: one for each token, or for some of them.

.json: an object `{"token": weight}`, or an array of V weights. .csv and .parquet: a column `weight`, and a column
`token` (as the vocabulary writes it) or `id`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...files import tables
from ...files.errors import listing, short_repr
from ...files.json_files import read_json
from ...files.names import kind
from ...files.parquet import read_parquet

Pairs = Iterable[tuple[Any, Any]]
"""Tokens or ids, each with its weight."""
LARGEST = float(np.finfo(np.float32).max)


def read(source: str | Path, tokens: Sequence[str]) -> np.ndarray:
    """[V] float32, the weights in the file `source`, 1 for tokens missing from it.

    tokens: [V] the text of each id. Raises ValueError when the file does not fit them, or a weight is negative or
    not a number.
    """
    path = Path(source)
    if kind(path) not in FORMATS or not path.is_file():
        state = "is neither .json, .csv nor .parquet" if path.is_file() else "does not exist"
        raise ValueError(f"the table of weights {path} {state}")
    ids = {token: i for i, token in enumerate(tokens) if token}
    weights = np.ones(len(tokens), np.float32)
    for name, weight in FORMATS[kind(path)](path, len(tokens)):
        place = name if isinstance(name, int) else ids.get(name, -1)
        if not 0 <= place < len(tokens):
            raise ValueError(f"{path}: no token {short_repr(name)} among the {len(tokens)} of the vocabulary")
        if not isinstance(weight, int | float) or not 0 <= weight <= LARGEST:
            given = f"{path}: the weight of {short_repr(name)} is {short_repr(weight)}"
            raise ValueError(f"{given}, not a number from 0 to {LARGEST:.0e}")
        weights[place] = weight
    if not weights.any():
        raise ValueError(f"{path}: all {len(tokens)} weights are 0, which leaves nothing to hide")
    return weights


def _json(path: Path, size: int) -> Pairs:
    found = read_json(path)
    if isinstance(found, Mapping):
        return found.items()
    if not isinstance(found, list) or len(found) != size:
        held = f"an array of {len(found)}" if isinstance(found, list) else short_repr(found, 20)
        raise ValueError(f"{path} holds {held}, where an object or an array of {size} weights belongs")
    return enumerate(found)


def _parquet(path: Path, size: int) -> Pairs:
    found = read_parquet(path)
    name = _key(path, found.column_names)
    return zip(found[name].to_pylist(), found["weight"].to_pylist(), strict=True)


def _csv(path: Path, size: int) -> Pairs:
    for row in tables.rows(path):
        name = _key(path, row.cells)
        yield (row.whole(name) if name == "id" else row[name]), row.number("weight")


def _key(path: Path, columns: Collection[str]) -> str:
    """The column that identifies the token of a weight."""
    name = next((name for name in ("id", "token") if name in columns), None)
    if name is None or "weight" not in columns:
        raise ValueError(f"{path} has columns {listing(columns)}, where weight and token or id belong")
    return name


FORMATS: dict[str, Callable[[Path, int], Pairs]] = {".json": _json, ".csv": _csv, ".parquet": _parquet}
