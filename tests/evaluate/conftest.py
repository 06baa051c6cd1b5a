"""A run that was trained for a moment, and the command line."""

import json
from pathlib import Path

import pytest

from maskwright.evaluate.suites._evaluate import evaluate_folder
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer


@pytest.fixture(scope="session")
def trained(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a masked model after four steps."""
    sizes = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 64}
    sections = {
        "corpus": {"files": [str(text)]},
        "tokenizer": {"kind": "bpe", "size": 404},
        "rows": {"length": 32},
        "model": {"name": "modern"} | sizes,
        "optimizer": {"name": "adamw", "lr": 0.01},
        "training": {"steps": 4, "batch_tokens": 1024, "precision": "fp32", "checkpoint_every": 2},
        "evaluation": {"held_out": 0.2},
    }
    out = tmp_path_factory.mktemp("run") / "run"
    Trainer(Config.of(sections), out, show=False).train()
    return out


@pytest.fixture
def suite(trained: Path):
    """Asks a suite of the trained run."""
    return lambda name, data, *options: evaluate_folder(name, trained, data, options)


@pytest.fixture
def write(tmp_path: Path):
    """Writes a file of JSON lines, and gives the folder that holds everything."""

    def put(name: str, *lines: object) -> Path:
        path = tmp_path / "data" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n")
        return tmp_path / "data"

    return put
