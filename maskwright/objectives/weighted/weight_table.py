"""A table of weights in a file: one for each token, or for some of them.

.json: an object `{"token": weight}`, or an array of V weights. .csv and .parquet: a column `weight`, and a column
`token` (as the vocabulary writes it) or `id`.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

Pairs = Iterable[tuple[Any, Any]]
"""Tokens or ids, each with its weight."""


def read(source: str | Path, tokens: Sequence[str]) -> np.ndarray:
    """[V] float32, the weights in the file `source`, 1 for the tokens that it leaves out.

    tokens: [V] how each id is written. Raises ValueError when the file does not fit them, or a weight is no number of
    at least 0.
    """
    path = Path(source)
    if path.suffix not in FORMATS or not path.is_file():
        state = "is neither .json, .csv nor .parquet" if path.is_file() else "does not exist"
        raise ValueError(f"the table of weights {path} {state}")
    ids = {token: i for i, token in enumerate(tokens) if token}
    weights = np.ones(len(tokens), np.float32)
    for name, weight in FORMATS[path.suffix](path, len(tokens)):
        place = name if isinstance(name, int) else ids.get(name, -1)
        if not 0 <= place < len(tokens):
            raise ValueError(f"{path}: no token {name!r} among the {len(tokens)} of the vocabulary")
        if not isinstance(weight, int | float) or not 0 <= weight < np.inf:
            raise ValueError(f"{path}: the weight of {name!r} is {weight}, where a number of at least 0 belongs")
        weights[place] = weight
    if not weights.any():
        raise ValueError(f"{path}: all {len(tokens)} weights are 0, which leaves nothing to hide")
    return weights


def _json(path: Path, size: int) -> Pairs:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is not JSON: {error}") from None
    if isinstance(found, Mapping):
        return found.items()
    if not isinstance(found, list) or len(found) != size:
        kind = f"an array of {len(found)}" if isinstance(found, list) else f"{found!r:.20}"
        raise ValueError(f"{path} holds {kind}, where an object or an array of {size} weights belongs")
    return enumerate(found)


def _columns(read_table: Callable[[Path], pa.Table]) -> Callable[[Path, int], Pairs]:
    def pairs(path: Path, size: int) -> Pairs:
        try:
            found = read_table(path)
        except pa.ArrowInvalid as error:
            raise ValueError(f"{path} cannot be read: {str(error).splitlines()[0]}") from None
        name = next((name for name in ("id", "token") if name in found.column_names), None)
        if name is None or "weight" not in found.column_names:
            raise ValueError(f"{path} has columns {found.column_names}, where weight and token or id belong")
        return zip(found[name].to_pylist(), found["weight"].to_pylist(), strict=True)

    return pairs


def _csv(path: Path) -> pa.Table:
    kinds = {"token": pa.string(), "id": pa.int64(), "weight": pa.float64()}
    return pa.csv.read_csv(path, convert_options=pa.csv.ConvertOptions(column_types=kinds))


FORMATS: dict[str, Callable[[Path, int], Pairs]] = {
    ".json": _json, ".csv": _columns(_csv), ".parquet": _columns(pa.parquet.read_table)
}  # fmt: skip
