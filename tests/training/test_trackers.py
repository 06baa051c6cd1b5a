"""Numbers reach the trackers that were asked for."""

from pathlib import Path

import pytest

from maskwright.run.config import Config
from maskwright.training.trainer import Trainer


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_gets_every_number(settings: dict, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="TensorBoard is an extra")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    settings["training"] |= {"steps": 4, "trackers": ["tensorboard"]}
    Trainer(Config.of(settings), tmp_path / "run", show=False).train()
    events = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("loss")] == [1, 2, 3, 4]
    assert "valid/loss" in events.Tags()["scalars"]


def test_a_tracker_that_does_not_exist_is_named(settings: dict) -> None:
    settings["training"]["trackers"] = ["tensorbored"]
    with pytest.raises(ValueError, match="no tracker 'tensorbored': did you mean 'tensorboard'"):
        Config.of(settings)
