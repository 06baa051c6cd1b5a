"""An exported model is the model: `transformers` opens the folder by its auto classes and says the same."""

import json
from pathlib import Path

import pytest
import torch
from tokenizers import Tokenizer as Backend
from torch.testing import assert_close
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    dynamic_module_utils,
)

from maskwright.config import make
from maskwright.folder import load
from maskwright.text.tokenizer import Tokenizer, TokenizerSettings
from maskwright.training import exporting, final
from maskwright.training.config import Config
from maskwright.training.exporting import Source, export, opened

SIZE = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 64}
DEBERTA = {"buckets": 16, "farthest": 64}
TEXTS = ["A list is a sequence of objects.", "Names refer to objects, which are introduced by binding operations."]

CASES = {
    "modern": ("modern", {}, "mlm", "ModernBertForMaskedLM"),
    "modern mntp": ("modern", {"theta": 5000.0}, "hybrid", "ModernBertForMaskedLM"),
    "modern causal": ("modern", {}, "causal", "ModernBertDecoderForCausalLM"),
    "modern learned": ("modern", {"positions": "learned"}, "span", "MaskwrightForMaskedLM"),
    "deberta": ("deberta", DEBERTA, "mlm", "DebertaV2ForMaskedLM"),
    "deberta causal": ("deberta", DEBERTA, "mirror", "MaskwrightForCausalLM"),
    "deberta n-hot": ("deberta", DEBERTA | {"parts": {"fusion": "gate"}}, "mlm", "MaskwrightForMaskedLM"),
    "ltg_bert": ("ltg_bert", {}, "mlm", "MaskwrightForMaskedLM"),
    "ltg_bert causal n-hot": ("ltg_bert", {"parts": {"fusion": "frequency"}}, "causal", "MaskwrightForCausalLM"),
    "minigpt": ("minigpt", {}, "diffusion", "MaskwrightForMaskedLM"),
    "minigpt causal": ("minigpt", {"parts": {"fusion": "attention"}}, "causal", "MaskwrightForCausalLM"),
}
"""Model, knobs, objective, and the class that must come of it."""


@pytest.fixture(autouse=True, scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory):
    """Where `transformers` copies modelling files to."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path_factory.mktemp("modules")))
        patch.syspath_prepend(dynamic_module_utils.HF_MODULES_CACHE)
        yield


@pytest.fixture(scope="module")
def tokenizer(text: Path) -> Tokenizer:
    return Tokenizer.train([text.read_text()], TokenizerSettings(kind="bpe", size=404))


def source(tokenizer: Tokenizer, name: str, knobs: dict, objective: str) -> Source:
    """A model without zeros, as if it had been trained."""
    kind, _ = load("models", name)
    settings = make(kind, SIZE | knobs, "model")
    size, generator = tokenizer.vocabulary.size, torch.Generator().manual_seed(1)
    model = settings.build(size, generator)
    if model.parts is not None:
        offsets = torch.arange(size + 1).clamp(max=100) * 2
        model.parts.fill(offsets, torch.randint(20, size, (200,), generator=generator), torch.arange(size))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=generator)
    config = Config.of({"model": {"name": name} | SIZE | knobs, "rows": {"length": 32}, **steps(objective)})
    return Source(model.eval(), settings, tokenizer, config)


def steps(objective: str) -> dict:
    return {"objective": {"name": objective}, "training": {"steps": 1}}


def ours(source: Source, tokens: torch.Tensor, real: torch.Tensor, causal: bool) -> torch.Tensor:
    """The logits of rows [B, L], padded on the right."""
    length = tokens.shape[1]
    mask = real[:, None, None] | torch.eye(length, dtype=torch.bool)
    mask = mask & (torch.ones(length, length).tril().bool() if causal else True)
    return source.model.logits(source.model(tokens, mask))


@pytest.mark.parametrize("case", CASES)
@torch.no_grad()
def test_logits_are_ours(case: str, tokenizer: Tokenizer, tmp_path: Path) -> None:
    name, knobs, objective, kind = CASES[case]
    made, causal = source(tokenizer, name, knobs, objective), "Causal" in kind
    out = tmp_path / case.replace(" ", "-")
    assert export(made, out).startswith(f"{kind}, {'with code' if 'Maskwright' in kind else 'native'}")
    auto = AutoModelForCausalLM if causal else AutoModelForMaskedLM
    theirs, told = auto.from_pretrained(out, trust_remote_code="Maskwright" in kind, output_loading_info=True)
    assert type(theirs).__name__ == kind
    assert not any(told[what] for what in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    batch = AutoTokenizer.from_pretrained(out)(TEXTS, padding=True, return_tensors="pt")
    real = batch["attention_mask"].bool()
    assert not real.all()
    reference = ours(made, batch["input_ids"], real, causal)
    assert reference.std() > 0.1
    assert_close(theirs.eval()(**batch).logits[real], reference[real], atol=1e-4, rtol=1e-4)
    alone = batch["input_ids"][:1, : real[0].sum()]
    assert_close(theirs(alone).logits, ours(made, alone, torch.ones_like(alone).bool(), causal), atol=1e-4, rtol=1e-4)
    check_others(out, batch, kind)


def check_others(out: Path, batch: dict, kind: str) -> None:
    """The body and a classifier open too, with the weights of the body."""
    remote = "Maskwright" in kind
    body, told = AutoModel.from_pretrained(out, trust_remote_code=remote, output_loading_info=True)
    assert not told["missing_keys"]
    assert body(**batch).last_hidden_state.shape == (*batch["input_ids"].shape, body.config.hidden_size)
    classifier, told = AutoModelForSequenceClassification.from_pretrained(
        out, trust_remote_code=remote, num_labels=3, output_loading_info=True
    )
    head = {"classifier.weight", "classifier.bias", "score.weight"}
    assert {name for name in told["missing_keys"] if name.split(".")[0] not in ("head", "pooler")} <= head
    assert classifier(**batch).logits.shape == (len(TEXTS), 3)
