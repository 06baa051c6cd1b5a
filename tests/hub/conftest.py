"""Models of every family, as if they had been trained, and a place for what `transformers` copies."""

from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from transformers import dynamic_module_utils

from maskwright.layers.variants.late_masks import LateMasks
from maskwright.run.config import Config
from maskwright.run.load import LoadedRun
from maskwright.settings import from_mapping
from maskwright.settings.registry import load
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

from .server import WRITER, Hub

SIZE = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 64}


@pytest.fixture(autouse=True, scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory):
    """Where `transformers` copies modelling files to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path_factory.mktemp("modules")))
        patch.syspath_prepend(dynamic_module_utils.HF_MODULES_CACHE)
        yield


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """An empty Hub that is asked instead of the real one, with a token that may write."""
    with Hub().served() as hub:
        monkeypatch.setattr(constants, "ENDPOINT", hub.url)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True, raising=False)
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        for name, value in {"HF_TOKEN": WRITER, "HUGGING_FACE_HUB_TOKEN": "", "NO_PROXY": "127.0.0.1"}.items():
            monkeypatch.setenv(name, value)
        yield hub


@pytest.fixture(scope="session")
def tokenizer(text: Path) -> Tokenizer:
    return Tokenizer.train([text.read_text()], TokenizerSettings(kind="bpe", size=404))


@pytest.fixture
def source(tokenizer: Tokenizer):
    """A model without zeros, of a family, options and an objective."""

    def made(name: str, objective: str, **options) -> LoadedRun:
        kind, _ = load("models", name)
        settings = from_mapping(kind, SIZE | options, "model")
        size, generator = tokenizer.vocabulary.size, torch.Generator().manual_seed(1)
        model = settings.build(size, generator)
        if model.nhot is not None:
            offsets = torch.arange(size + 1).clamp(max=100) * 2
            model.nhot.fill(offsets, torch.randint(20, size, (200,), generator=generator), torch.arange(size))
        for module in model.modules():
            if isinstance(module, LateMasks):
                module.token.fill_(tokenizer.vocabulary.mask)
        for parameter in model.parameters():
            torch.nn.init.normal_(parameter, std=0.2, generator=generator)
        sections = {"model": {"name": name} | SIZE | options, "rows": {"length": 32}}
        config = Config.of(sections | {"objective": {"name": objective}, "training": {"steps": 1}})
        return LoadedRun(Path("made"), config, settings, tokenizer, lambda: model)

    return made
