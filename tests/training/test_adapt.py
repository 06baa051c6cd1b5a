"""`adapt`: what a config leaves open is that of the model it begins with."""

from pathlib import Path

import pytest
import torch

from maskwright.models.transformers import Transformers, pretrained
from maskwright.models.transformers.quiet import silence
from maskwright.run.config import Config
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings
from maskwright.training.trainer import Trainer

from ..families import needs

SIZES = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 40}
SHORT = ["rows.length=32", "training.batch_tokens=256", "evaluation.held_out=0.2", "training.compile=false"]


def saved(family: str, text: Path, out: Path, **sizes: int) -> Path:
    needs(family)
    tokenizer = Tokenizer.train(text.read_text(encoding="utf-8").split("\n\n"), TokenizerSettings(size=300))
    network = Transformers(architecture=family, **SIZES | sizes).build(300, torch.Generator().manual_seed(0)).network
    with silence():
        network.save_pretrained(out)
    tokenizer.save(out)
    return out


def test_model_tokenizer_and_objective_are_those_of_the_folder(text: Path, tmp_path: Path) -> None:
    bert, gpt2 = (saved(family, text, tmp_path / family) for family in ("bert", "gpt2"))
    config = Config.load(
        "adapt", [f"training.init_from={bert}", f"corpus.files=[{text}]", *SHORT, "training.epochs=0.1"]
    )
    assert (config.model.path, config.model.head, config.tokenizer.file) == (str(bert), "masked", str(bert))
    assert config.objective.ratio == 0.3
    assert type(Config.load("adapt", [f"training.init_from={gpt2}", *SHORT]).objective).__name__ == "Causal"
    spans = config.replace(objective="span")
    assert type(spans.objective).__name__ == "Span"
    assert Config.load("adapt", [f"training.init_from={bert}", "model.dropout=0.0", *SHORT]).model.dropout == 0.0

    trainer = Trainer(config, tmp_path / "run", show=False)
    expected = Transformers(path=str(bert)).build(300, torch.Generator().manual_seed(0))
    pretrained.load(expected, bert)
    assert torch.equal(trainer.model.embedding.weight, expected.embedding.weight)
    assert trainer.train().metrics["valid/masked/loss"] > 0


def test_a_run_is_gone_on_with_as_well(text: Path, tmp_path: Path) -> None:
    model = ["model.hidden=32", "model.layers=1", "model.intermediate=48", "tokenizer.size=300", "training.steps=2"]
    first = Config([f"corpus.files=[{text}]", *model, "objective.name=span", *SHORT])
    Trainer(first, tmp_path / "first", show=False).train()
    begin = f"training.init_from={tmp_path / 'first'}"
    config = Config.load("adapt", [begin, f"corpus.files=[{text}]", *SHORT, "training.epochs=0.1"])
    assert (config.model, config.objective) == (first.model, first.objective)
    assert config.tokenizer.file == str(tmp_path / "first/final")
    Trainer(config, tmp_path / "second", show=False)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ('""', "training.init_from must name the folder of a run or of a model of transformers"),
        ("bert-base-uncased", "bert-base-uncased holds no trained model .*a name of the Hub, download"),
    ],
)
def test_without_a_model_there_is_nothing_to_adapt(source: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=sentence):
        Trainer(Config.load("adapt", [f"training.init_from={source}"]), tmp_path / "run", show=False)
