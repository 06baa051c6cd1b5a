"""mask_weights.parquet: per-token statistics of an adaptive objective over time, one row per step and token.

Shapes: V tokens of the vocabulary.
"""

from collections.abc import Mapping
from math import inf
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet

from ..files.errors import cut, note
from ..files.parquet import read_parquet
from ..run import build, checkpoint
from ..run.config import Config

NAME = "mask_weights.parquet"


def add(out: Path, step: int, columns: Mapping[str, np.ndarray]) -> None:
    """Add columns [V] for `step` to the table in `out`; rows of later steps, left by an earlier attempt, are dropped.

    The file is written aside and renamed, so readers always see a complete file.
    """
    size = len(next(iter(columns.values())))
    places = {"step": np.full(size, step, np.int64), "token": np.arange(size, dtype=np.int32)}
    now, path = pa.table({**places, **columns}), out / NAME
    aside = path.with_name(f".{NAME}.tmp")
    with pa.parquet.ParquetWriter(aside, now.schema) as writer:
        for group in _groups(path):
            writer.write_table(group.filter(pa.compute.field("step") < step))
        writer.write_table(now)
    aside.rename(path)


def _groups(path: Path) -> list[pa.Table]:
    """The row groups of an existing file; of a damaged one none, which is logged."""
    if not path.is_file():
        return []
    try:
        with pa.parquet.ParquetFile(path) as file:
            return [file.read_row_group(number) for number in range(file.num_row_groups)]
    except (pa.ArrowException, OSError) as error:
        note(f"{path} is damaged ({cut(str(error))}): it begins anew")
        return []


def read(out: Path) -> dict[str, np.ndarray]:
    """The columns of a run's table, each [S, V] for S steps; `step` is [S] and `token` [V].

    Raises ValueError when the run has none.
    """
    if not out.is_dir():
        raise ValueError(f"there is no folder {out}")
    if not (out / NAME).is_file():
        raise ValueError(f"{out} holds no {NAME}: only objectives that adapt to tokens write one, such as adaptive")
    table = read_parquet(out / NAME)
    columns = {name: table[name].to_numpy() for name in table.column_names}
    steps = np.unique(columns["step"])
    grid = {name: column.reshape(len(steps), -1) for name, column in columns.items()}
    return grid | {"step": steps, "token": grid["token"][0]}


def of_run(run: Path) -> tuple[dict[str, np.ndarray], Config, build.Data]:
    """The columns of a run, finished or not, or of one of its checkpoints, its config and its text.

    Raises ValueError when their sizes differ.
    """
    owner, last = _place(run)
    found, config = read(owner), Config.load(owner)
    data = build.data(config, show=False)
    if (size := len(found["token"])) != (known := data.shards.vocabulary.size):
        raise ValueError(f"{owner / NAME} has {size} tokens, but the run's tokenizer has {known}")
    so_far = found["step"] <= last
    return {name: column if name == "token" else column[so_far] for name, column in found.items()}, config, data


def _place(run: Path) -> tuple[Path, float]:
    """The folder of a run, and the step up to which its columns are asked for: for a checkpoint its own."""
    if not (run / "state.json").is_file():
        return run, inf
    return run.resolve().parents[1], checkpoint.load(run)[1]["step"]
