"""Vectors of texts, learned from plain text: each method learns, what is written opens, and options have effects."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from maskwright import load
from maskwright.evaluate.retrieval.pairs import Pairs
from maskwright.hub.contrastive.learn import Options, learn, with_dropout
from maskwright.models.transformers import Transformers
from maskwright.models.transformers.quiet import silence
from maskwright.settings import field_names
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

library = pytest.importorskip("sentence_transformers", reason="sentence-transformers is an extra")
stage = pytest.importorskip("maskwright.hub.contrastive.train")

SMALL = {"texts": 48, "queries": 12, "batch": 8, "epochs": 3, "lr": 3e-3, "length": 24}
WORDS = ["cat", "dog", "cow", "hen", "fox", "owl", "bee", "ant", "elk", "yak"]


@pytest.fixture(scope="module")
def animals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Paragraphs whose first sentence and rest speak of the same two animals."""
    chance = np.random.default_rng(0)
    lines = []
    for number in range(200):
        one, two = chance.choice(WORDS, 2, replace=False)
        rest = (
            f"There the {two} met a {one} again and the {one} ran from the {two} for {number} days in the {one} wood."
        )
        lines.append(f"The {one} saw the {two}. {rest}")
    path = tmp_path_factory.mktemp("animals") / "text.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def public(animals: Path, tmp_path_factory: pytest.TempPathFactory):
    """Writes a model of a family, and opens it."""

    def made(family: str):
        out = tmp_path_factory.mktemp("public") / family
        tokenizer = Tokenizer.train(animals.read_text().split("\n"), TokenizerSettings(kind="wordpiece", size=150))
        size = tokenizer.vocabulary.size
        sizes = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 40}
        network = Transformers(architecture=family, **sizes).build(size, torch.Generator().manual_seed(0)).network
        with silence():
            network.save_pretrained(out)
        tokenizer.save(out)
        return load(out)

    return made


def test_pairs_learn_to_find_and_what_is_written_gives_their_vectors(public, animals: Path, tmp_path: Path) -> None:
    numbers = learn(public("bert"), animals, Options(**SMALL, method="pairs"), tmp_path / "out")
    assert numbers["change/ndcg10"] == pytest.approx(numbers["after/ndcg10"] - numbers["before/ndcg10"])
    assert numbers["change/ndcg10_low"] < numbers["change/ndcg10"] < numbers["change/ndcg10_high"]
    assert numbers["change/mrr10"] > 0.05
    assert (numbers["texts"], numbers["queries"]) == (48, 12)
    with silence():
        model = library.SentenceTransformer(str(tmp_path / "out"), device="cpu")
    vectors = model.encode(["the cat saw the dog", "a yak"])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-4)
    assert model.max_seq_length == 24
    assert f"{numbers['after/ndcg10']:.3f}" in (tmp_path / "out/README.md").read_text()
    with pytest.raises(ValueError, match="is not empty"):
        learn(public("bert"), animals, Options(**SMALL), tmp_path / "out")


@pytest.mark.parametrize("method", ["simcse", "tsdae"])
def test_other_methods_move_the_weights(method: str, public, animals: Path, tmp_path: Path) -> None:
    source = public("bert")
    learn(source, animals, Options(**SMALL, method=method, pooling="cls"), tmp_path / "out")
    with silence():
        model = library.SentenceTransformer(str(tmp_path / "out"), device="cpu")
    assert model[1].pooling_mode == "cls"
    before = source.model.network.bert.encoder.layer[0].attention.self.query.weight
    assert not torch.equal(model[0].auto_model.encoder.layer[0].attention.self.query.weight, before)


def test_a_model_of_our_code_is_taken_too(source, animals: Path, tmp_path: Path) -> None:
    run = source("ltg_bert", "mlm")
    numbers = learn(run, animals, Options(**SMALL | {"epochs": 1}), tmp_path / "out")
    assert "after/ndcg10" in numbers
    with silence():
        model = library.SentenceTransformer(str(tmp_path / "out"), device="cpu", trust_remote_code=True)
    assert model.encode(["the cat"]).shape == (1, run.model_settings.hidden)
    assert "trust_remote_code=True" in (tmp_path / "out/README.md").read_text()


def test_what_cannot_be_learned_from_is_refused(public, animals: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"tsdae needs a class .* with cross-attention.*modernbert is none"):
        learn(public("modernbert"), animals, Options(**SMALL, method="tsdae"), tmp_path / "out")
    with pytest.raises(ValueError, match="paragraphs of a sentence and more to train on"):
        learn(public("bert"), animals, Options(queries=500), tmp_path / "out")
    with pytest.raises(ValueError, match="pass --data FILE"):
        learn(public("bert"), None, Options(), tmp_path / "out")
    for options, sentence in (({"batch": 64, "texts": 32}, "over texts=32"), ({"dropout": 0.0}, "which dropout makes")):
        with pytest.raises(ValueError, match=sentence):
            Options(**options)
    assert not (tmp_path / "out").exists()


def test_every_option_of_the_stage_has_an_effect(public, animals: Path, monkeypatch, tmp_path: Path) -> None:
    train = Pairs(["a b", "c d"], ["e f g", "h i j"])
    assert [stage.columns(method, train, 0)["anchor"] for method in ("pairs", "simcse")] == [
        ["a b", "c d"], ["a b e f g", "c d h i j"]]  # fmt: skip
    long = " ".join(map(str, range(400)))
    assert stage.damaged(long, 0, 1) != stage.damaged(long, 0, 2) != stage.damaged(long, 1, 2)
    assert len(stage.damaged(long, 0, 1).split()) == pytest.approx(160, abs=30)
    assert stage.damaged("one", 3, 0) == "one"
    run = public("bert")
    assert {module.p for module in with_dropout(run, 0.3).model.modules() if isinstance(module, torch.nn.Dropout)} == {
        0.3
    }
    seen = {}

    class Watched(library.SentenceTransformerTrainer):
        def __init__(self, model, arguments, data, loss):
            super().__init__(model, arguments, data, loss=loss)
            seen.update(arguments=arguments, rows=len(data), length=model.max_seq_length, scale=loss.scale)

        def train(self) -> None:
            pass

    monkeypatch.setattr(stage, "SentenceTransformerTrainer", Watched)
    options = Options(texts=40, queries=9, epochs=4, batch=5, lr=0.02, temperature=0.1, length=20, seed=3)
    numbers = learn(run, animals, options, tmp_path / "out")
    given = seen["arguments"]
    assert (given.num_train_epochs, given.per_device_train_batch_size, given.learning_rate) == (4, 5, 0.02)
    assert (seen["rows"], seen["length"], seen["scale"], numbers["queries"]) == (40, 20, pytest.approx(10), 9)
    assert given.seed != learn_seed(run, animals, replace(options, seed=4), tmp_path / "other", seen)
    tested = {
        "method",
        "pooling",
        "texts",
        "queries",
        "epochs",
        "batch",
        "lr",
        "temperature",
        "dropout",
        "length",
        "seed",
    }
    assert set(field_names(Options)) == tested


def learn_seed(run, animals: Path, options: Options, out: Path, seen: dict) -> int:
    learn(run, animals, options, out)
    return seen["arguments"].seed


def test_one_command_learns_and_says_what_it_brought(public, animals: Path, tmp_path: Path, command) -> None:
    words = [f"{name}={value}" for name, value in SMALL.items()]
    run = public("bert").path
    code, out, error = command("sentences", run, "--data", animals, "--out", tmp_path / "out", *words, "--json")
    assert (code, error.strip().splitlines()[-1]) == (0, str(tmp_path / "out"))
    assert "change/mrr10" in json.loads(out)
