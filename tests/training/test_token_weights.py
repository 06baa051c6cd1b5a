"""The table of what an objective has learned of each token, over time."""

from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

from maskwright.run.config import Config
from maskwright.training import token_weights
from maskwright.training.trainer import Trainer

from .test_trainer import interrupted


def test_steps_follow_each_other_and_later_ones_go(tmp_path: Path) -> None:
    for step in (10, 20, 30, 20):
        token_weights.add(tmp_path, step, {"weight": np.full(5, step, np.float32)})
    found = token_weights.read(tmp_path)
    assert found["step"].tolist() == [10, 20]
    assert found["token"].tolist() == list(range(5))
    assert found["weight"].tolist() == [[10] * 5, [20] * 5]
    assert not list(tmp_path.glob(".*"))


def test_a_run_without_one_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no mask_weights\.parquet: only objectives that adapt"):
        token_weights.read(tmp_path)
    with pytest.raises(ValueError, match=r"there is no folder .*nowhere"):
        token_weights.read(tmp_path / "nowhere")


def test_a_run_writes_it_and_a_resumed_run_the_same(settings: dict, tmp_path: Path) -> None:
    settings["objective"] = {"name": "adaptive", "update_every": 5}
    settings["evaluation"] |= {"every": 10}
    Trainer(Config.of(settings), tmp_path / "whole", show=False).train()
    interrupted(Config.of(settings), tmp_path / "broken", 28)
    Trainer(Config.of(settings), tmp_path / "broken", resume=True, show=False).train()
    assert pyarrow.parquet.read_table(tmp_path / "whole" / token_weights.NAME).column_names == [
        "step",
        "token",
        "weight",
        "difficulty",
        "count",
    ]
    found = token_weights.read(tmp_path / "whole")
    assert found["step"].tolist() == [10, 20, 30, 40]
    assert found["weight"].shape == (4, 404)
    assert (np.diff(found["count"], axis=0) >= 0).all()
    assert found["weight"][-1].std() > 0.05
    assert all(
        np.array_equal(found[name], column, equal_nan=True)
        for name, column in token_weights.read(tmp_path / "broken").items()
    )
