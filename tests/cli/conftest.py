"""A run of two steps, for commands that open one."""

from pathlib import Path

import pytest

from maskwright.run.config import Config
from maskwright.run.load import LoadedRun
from maskwright.training.trainer import Trainer


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory, text: Path) -> LoadedRun:
    model = {"name": "modern", "hidden": 16, "layers": 1, "heads": 2, "intermediate": 24, "max_length": 64}
    tree = {
        "corpus": {"files": [str(text)]}, "tokenizer": {"size": 404}, "rows": {"length": 32}, "model": model,
        "training": {"steps": 2, "batch_tokens": 1024, "checkpoint_every": 1}, "evaluation": {"held_out": 0.2},
    }  # fmt: skip
    return Trainer(Config.of(tree), tmp_path_factory.mktemp("runs") / "scored", show=False).train()
