"""A model that has learned nothing but looks everywhere, and its tokenizer."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from maskwright.models.ltg_bert import LtgBert
from maskwright.models.modern import Modern
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

SIZES = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 64}


def restless(settings, size: int) -> torch.nn.Module:
    """A model in evaluation mode, every weight of which matters."""
    generator = torch.Generator().manual_seed(1)
    model = settings.build(size, generator)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.2 * torch.randn(weight.shape, generator=generator))
    return model.eval()


@pytest.fixture(scope="session")
def tokenizer(text: Path) -> Tokenizer:
    documents = text.read_text(encoding="utf-8").split("\n\n")
    return Tokenizer.train(documents, TokenizerSettings(kind="bpe", size=404))


@pytest.fixture(scope="session", params=["modern", "ltg_bert"])
def judged(request: pytest.FixtureRequest, tokenizer: Tokenizer) -> SimpleNamespace:
    """Two architectures: one that knows positions, one that knows distances."""
    kind = {"modern": Modern, "ltg_bert": LtgBert}[request.param]
    return SimpleNamespace(model=restless(kind(**SIZES), tokenizer.vocabulary.size), tokenizer=tokenizer)
