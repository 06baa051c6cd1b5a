"""Every recipe builds and trains; here with its own parts, but small ones, on the text of the tests."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from maskwright.run import milestones
from maskwright.run.config import RECIPES, Config, recipes
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
    if name == "adapt":
        config = config.replace("training.init_from=null")
    if name == "self_correct":
        config = config.replace("objective.causal.corruption={random: 1}")
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


SYSTEMS = re.compile(r"amlm|ltg_bert|gpt_bert|[cm]lm_example|mirror|forward_backward|^remask|diffusion_stages")
"""Recipes that follow a published system."""


def leaf(tree: Any, path: str) -> Any:
    """What is at a dotted path of a config, lists by number."""
    for part in path.split("."):
        tree = tree[int(part)] if isinstance(tree, list) else tree[part]
    return tree


@pytest.mark.parametrize("name", [name for name in recipes() if SYSTEMS.search(name)])
def test_a_recipe_named_after_a_system_begins_with_a_table_that_is_true(name: str) -> None:
    text = (RECIPES / f"{name}.yaml").read_text(encoding="utf-8")
    head = text[: re.search(r"^[^#]", text, flags=re.MULTILINE).start()].splitlines()  # type: ignore[union-attr]
    (begin,) = [number for number, line in enumerate(head) if line == "# | setting | published | ours | why |"]
    assert begin <= 3
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in head[begin + 2 :] if line.startswith("# | ")]
    assert len(rows) >= 8
    tree = Config.load(name).tree()
    for setting, published, ours, why in rows:
        said, held = yaml.safe_load(ours), leaf(tree, setting)
        if isinstance(said, dict):
            held = {key: held[key] for key in said}
        assert held == (milestones.number(said) if isinstance(said, str) and said.endswith("M") else said), setting
        assert published, why
