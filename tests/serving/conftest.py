"""Finished runs of models that have learned nothing but look everywhere, and the server's application."""

from pathlib import Path

import pytest
import torch
from starlette.testclient import TestClient

from maskwright.run import saved
from maskwright.run.config import Config
from maskwright.serving.app import app
from maskwright.serving.concurrency import ConcurrencyLimit
from maskwright.serving.host_check import LOCAL
from maskwright.serving.models import Models, opened
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

MODEL = {"name": "modern", "hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 64}


@pytest.fixture(scope="session")
def runs(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the runs writer, remasker, causal, masked, and other, which has another tokenizer."""
    folder = tmp_path_factory.mktemp("runs")
    kinds = {"writer": "diffusion", "remasker": "remask", "causal": "causal", "masked": "mlm", "other": "remask"}
    for name, objective in kinds.items():
        size = 380 if name == "other" else 404
        tokenizer = Tokenizer.train([text.read_text(encoding="utf-8")], TokenizerSettings(kind="bpe", size=size))
        config = Config.of(
            {"model": MODEL, "objective": {"name": objective}, "rows": {"length": 32}, "training": {"steps": 1}}
        )
        generator = torch.Generator().manual_seed(1)
        model = config.model.build(tokenizer.vocabulary.size, generator)
        for weight in model.parameters():
            torch.nn.init.normal_(weight, std=0.2, generator=generator)
        saved.save(folder / name / "final", model.state_dict(), config.model, tokenizer, "text")
        config.write(folder / name / "config.yaml")
    return folder


@pytest.fixture(scope="session")
def models(runs: Path) -> Models:
    return opened(runs / "writer", runs / "remasker", 40)


@pytest.fixture
def client(models: Models) -> TestClient:
    return TestClient(app(models, ConcurrencyLimit(2, 4), LOCAL), base_url="http://127.0.0.1:8765")
