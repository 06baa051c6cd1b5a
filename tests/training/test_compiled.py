"""A compiled step asks the same, and is not compiled again for each number of questions."""

from functools import partial
from pathlib import Path

import pytest
import torch
from torch._dynamo.testing import CompileCounter

from maskwright.run.config import Config
from maskwright.training.trainer import Trainer


def losses(settings: dict, out: Path) -> list[float]:
    trainer, found = Trainer(Config.of(settings), out, show=False), []
    for rows in trainer.data.loader.batches(0, trainer.steps):
        trainer.update(rows)
        found.append(trainer.state.metrics.read()["loss"])
    return found


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_a_mask_ratio_that_falls_compiles_with_a_mask_and_without(
    settings: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches of one document a row need no mask."""
    settings["model"]["layers"] = 1
    settings["objective"] = {"name": "mlm", "ratio": {"start": 0.8, "end": 0.05}}
    settings["training"] |= {"steps": 12, "compile": False}
    plain = losses(settings, tmp_path / "plain")
    counter = CompileCounter()
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=counter))
    settings["training"]["compile"] = True
    assert losses(settings, tmp_path / "compiled") == pytest.approx(plain, rel=1e-4)
    assert counter.frame_count == 2
