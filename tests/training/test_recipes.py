"""Every recipe builds and trains; here with its own parts, but small ones, on the text of the tests."""

from pathlib import Path

import pytest

from maskwright.run.config import Config, recipes
from maskwright.training.trainer import Trainer

SMALL = [
    "tokenizer.file=null", "tokenizer.kind=bpe", "tokenizer.size=404", "rows.length=32",
    "model.hidden=32", "model.layers=2", "model.heads=2", "model.intermediate=48", "model.max_length=32",
    "training.epochs=null", "training.tokens=null", "training.words=null", "training.steps=3",
    "training.batch_tokens=512", "training.micro_batch_tokens=256",
    "training.precision=fp32", "training.compile=false", "evaluation.held_out=0.2",
]  # fmt: skip


@pytest.mark.parametrize("name", recipes())
def test_every_recipe_trains(name: str, text: Path, tmp_path: Path) -> None:
    config = Config.load(name, ["corpus.name=files", f"corpus.files=[{text}]", *SMALL])
    numbers = Trainer(config, tmp_path / "run", show=False).train().metrics
    assert numbers["step"] == 3


def test_gpt_bert_is_mostly_masked_and_asks_from_before() -> None:
    objective = Config.load("gpt_bert").objective
    assert objective.share == 1 / 16
    assert objective.capabilities == {"forward", "mntp"}
    ratio = objective.masked.masking.ratio
    assert [ratio.at(progress) for progress in (0.0, 0.5, 1.0)] == pytest.approx([0.3, 0.225, 0.15])


def test_the_examples_of_aether_have_its_fields() -> None:
    masked, causal = Config.load("mlm_example"), Config.load("clm_example")
    assert (masked.objective.ratio, masked.objective.random_prob, masked.objective.keep_prob) == (0.15, 0.1, 0.1)
    assert (masked.optimizer.lr, masked.training.floor, masked.training.decay) == (1e-4, 0.1, "cosine")
    assert (causal.optimizer.lr, causal.training.warmup, causal.training.decay) == (2e-3, 0.0, "constant")
    assert causal.model == masked.model
    assert causal.model.max_length == 1024
