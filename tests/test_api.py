"""A run in Python: one `load` for every folder with a model, and what a run can be asked."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from maskwright import Run, Trainer, load
from maskwright.hub.export.published import published
from maskwright.run.config import Config
from maskwright.run.load import LoadedRun

SENTENCES = ["The function returns a string.", "An exception is raised."]


@pytest.fixture(scope="module")
def trained(text, tmp_path_factory) -> Run:
    settings = {
        "corpus": {"files": [str(text)]},
        "tokenizer": {"kind": "bpe", "size": 404},
        "rows": {"length": 32},
        "model": {"name": "modern", "hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 64},
        "optimizer": {"name": "adamw", "lr": 0.01},
        "training": {
            "steps": 40, "batch_tokens": 1024, "log_every": 1, "checkpoint_every": 10, "keep": None, "keep_at": [1000],
            "precision": "fp32", "ema": 0.9,
        },
        "evaluation": {"held_out": 0.2, "every": 20},
    }  # fmt: skip
    return Trainer(Config.of(settings), tmp_path_factory.mktemp("api") / "run", show=False).train()


def same(one: LoadedRun, other: LoadedRun) -> bool:
    ours, theirs = one.model.state_dict(), other.model.state_dict()
    return ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_training_gives_what_loading_gives(trained):
    found = load(str(trained.path))
    assert isinstance(trained, Run)
    assert isinstance(found, Run)
    assert same(trained, found)
    assert not found.model.training
    assert found.tokenizer.fingerprint == trained.tokenizer.fingerprint
    assert found.config.tree() == trained.config.tree()
    assert found.metrics == trained.metrics
    assert found.metrics["step"] == 40
    assert found.data.shards.fingerprint == found.text_fingerprint


def test_every_folder_with_a_model_opens(trained):
    last, early = load(trained.path / "checkpoints/step-40"), load(trained.path / "checkpoints/step-10")
    assert same(last, trained)
    assert not same(early, trained)
    assert (last.metrics["step"], early.metrics["step"]) == (40, 10)
    kept = load(trained.path / "words/chck_1K")
    assert kept.config.tree() == trained.config.tree()
    assert kept.metrics["words"] == 1000
    assert not same(kept, trained)
    assert same(load(trained.path / "final"), trained)


def test_an_exported_folder_is_the_same_model(trained, tmp_path, monkeypatch):
    assert trained.export(tmp_path / "exported").startswith("ModernBertForMaskedLM, native")
    found = load(tmp_path / "exported")
    assert same(found, trained)
    assert found.config == published(trained.config)
    monkeypatch.chdir(Path(trained.config.corpus.files[0]).parent)  # of a file only the name is told
    assert found.fill("The [MASK] returns.") == trained.fill("The [MASK] returns.")
    assert found.data.shards.fingerprint == trained.text_fingerprint


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(ValueError, match="holds no trained model"):
        load(tmp_path)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(
        ValueError, match=r"^model: architecture=None: transformers has no masked or causal class of it"
    ):
        load(tmp_path)


def test_fill(trained):
    (blank,) = trained.fill("The [MASK] returns a string.", top=3)
    assert len(blank.guesses) == 3
    chances = [chance for _, chance in blank.guesses]
    assert chances == sorted(chances, reverse=True)
    assert 0 < sum(chances) < 1
    with pytest.raises(ValueError, match="nothing to fill"):
        trained.fill("Nothing is missing.")


def test_score_adds_up_over_tokens(trained):
    found = trained.score(SENTENCES, per_token=True)
    assert [line["text"] for line in found] == SENTENCES
    for line in found:
        pieces, nats = zip(*line["surprisals"], strict=True)
        assert "".join(pieces) == line["text"]
        assert -sum(nats) == pytest.approx(line["log_likelihood"], rel=1e-4)
        assert line["per_token"] == pytest.approx(line["log_likelihood"] / line["tokens"])
    assert "surprisals" not in trained.score(SENTENCES[0])[0]
    assert trained.score(SENTENCES[0], backend="mlm_word") != trained.score(SENTENCES[0])
    with pytest.raises(ValueError, match="text 1 is empty"):
        trained.score(["full", " "])


def test_sample(trained):
    texts = trained.sample("The function", count=2, length=12, steps=4, seed=3)
    assert texts == trained.sample("The function", count=2, length=12, steps=4, seed=3)
    assert len(texts) == 2
    assert all(text.startswith("The function") for text in texts)
    assert texts != trained.sample("The function", count=2, length=12, steps=4, seed=4)
    often, never = ({"sampler": "remdm", "eta": eta, "length": 40, "steps": 20} for eta in (0.9, 0.0))
    assert trained.sample("The function", **often) != trained.sample("The function", **never)
    with pytest.raises(ValueError, match="etha"):
        trained.sample("The function", sampler="remdm", etha=0.1)


def test_evaluate_keeps_the_numbers(trained, tmp_path):
    pair = {"sentence_good": "The cats sleep.", "sentence_bad": "The cats sleeps.", "field": "morphology"}
    lines = [json.dumps(pair | {"linguistics_term": "agreement", "UID": "plural"})] * 3
    (tmp_path / "blimp").mkdir()
    (tmp_path / "blimp/plural.jsonl").write_text("\n".join(lines))
    found = trained.evaluate("blimp", data=str(tmp_path / "blimp"), limit=2)
    assert 0 <= found["accuracy"] <= 1
    kept = trained.path / "evaluations/blimp,data=blimp,limit=2.json"
    assert json.loads(kept.read_text()) == found | {"weights": trained.weights, "rules": 2026}
    assert found.credit.tolist() == [found["accuracy"]] * 2
    assert trained.evaluate()["loss"] == pytest.approx(trained.metrics["valid/loss"], rel=1e-6)


def test_history_is_a_table(trained):
    table = trained.history
    assert {len(column) for column in table.values()} == {40}
    assert table["step"].tolist() == list(range(1, 41))
    assert np.isfinite(table["loss"]).all()
    validated = np.flatnonzero(np.isfinite(table["valid/loss"]))
    assert table["step"][validated].tolist() == [20, 40]
    assert table["valid/loss"][-1] == trained.metrics["valid/loss"]
    early = load(trained.path / "checkpoints/step-10").history
    assert early["step"].tolist() == list(range(1, 11))
    assert early["loss"].tolist() == table["loss"][:10].tolist()
    assert "valid/loss" in repr(table)
    assert table._repr_html_().count("<tr>") == 21


def test_runs_print_well(trained):
    assert repr(trained) == f"<Run {trained.path}: modern trained by mlm, step 40>"
    assert "<td>valid/loss" in trained._repr_html_()


def test_what_a_model_was_not_trained_for_is_refused(settings, tmp_path):
    tree = settings | {"objective": {"name": "causal"}, "training": {"steps": 1, "batch_tokens": 1024}}
    run = Trainer(Config.of(tree), tmp_path / "causal", show=False).train()
    with pytest.raises(ValueError, match="causal, which never fills a mask"):
        run.fill("The [MASK].")
    (line,) = run.score("The function returns.", per_token=True)
    assert len(line["surprisals"]) == line["tokens"]
