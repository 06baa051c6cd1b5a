"""A retriever of sentence-transformers on top of a model of ours: what it sees, how it ranks, and that it learns."""

from pathlib import Path

import numpy as np
import pytest
import torch
from sentence_transformers import MultiVectorEncoder

from maskwright.attention import BACKWARD, BOTH, FORWARD
from maskwright.evaluate.retrieval import late_interaction as late
from maskwright.evaluate.retrieval.pairs import Pairs
from maskwright.evaluate.retrieval.token_vectors import TokenVectors
from maskwright.evaluate.suites import retrieval
from maskwright.hub.export.run import export
from maskwright.run.config import Config
from maskwright.run.load import LoadedRun, load

WORDS = ["statement", "value", "name", "object", "list", "class", "module", "function", "string", "number"]
FOLLOW = dict(
    zip(WORDS, ["bird", "river", "stone", "cloud", "grass", "sand", "wolf", "moon", "tree", "snow"], strict=True)
)


@pytest.fixture(scope="module")
def run(trained: Path) -> LoadedRun:
    return load(trained)


def vectors(run: LoadedRun, text: str, *views: int) -> torch.Tensor:
    module = TokenVectors(run.model, run.tokenizer, views, 64)
    return module(module.preprocess([text, text + " and more of it"]))["token_embeddings"][0].detach()


@pytest.mark.parametrize(("view", "same"), [(FORWARD, True), (BACKWARD, False), (BOTH, False)])
def test_a_token_sees_what_its_view_shows(run: LoadedRun, view: int, same: bool) -> None:
    one, other = vectors(run, "The name of a list", view), vectors(run, "The name of a class", view)
    assert torch.allclose(one[1], other[1], atol=1e-6) == same


def test_two_views_stand_side_by_side(run: LoadedRun) -> None:
    text = "The name of a class"
    both = vectors(run, text, FORWARD, BACKWARD)
    assert torch.equal(both, torch.cat([vectors(run, text, view) for view in (FORWARD, BACKWARD)], -1))


def test_ranks_are_those_of_plain_maxsim(run: LoadedRun) -> None:
    pairs = Pairs([f"a {word}" for word in WORDS], [f"{word} and {word[::-1]} of it" for word in WORDS])
    found = late.retriever(run.model, run.tokenizer, (BOTH,), 64, 16, seed=1)
    queries, passages = found.encode_query(pairs.queries), found.encode_document(pairs.passages)
    plain = np.array([[float((q @ p.T).max(1).values.sum()) for p in passages] for q in queries])
    assert [one.shape[1] for one in queries] == [16] * len(WORDS)
    assert late.ranks(found, pairs).tolist() == late.ranks_in(plain).tolist()


def test_ranks_share_ties_and_measures_stop_at_ten() -> None:
    scores = np.array([[3.0, 1, 2], [3, 3, 3], [1, 2, 0]])
    assert late.ranks_in(scores).tolist() == [1, 2, 3]
    assert late.reciprocal(np.array([1, 4, 10, 11])).tolist() == [1, 0.25, 0.1, 0]
    assert late.gain(np.array([1, 3, 11])).tolist() == [1, 0.5, 0]


@pytest.fixture(scope="module")
def paragraphs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two words in a query are followed by two others in its passage, which are always the same."""
    path, both = tmp_path_factory.mktemp("pairs") / "pairs.txt", [(a, b) for a in WORDS for b in WORDS if a != b] * 3
    lines = [
        f"Here is a {a} with a {b}. It goes on about the {FOLLOW[a]} and about more than one {FOLLOW[b]}, {i} times."
        for i, (a, b) in enumerate(both)
    ]
    path.write_text("\n".join(lines))
    return path


def test_a_retriever_learns_and_leaves_the_model_as_it_was(suite, run: LoadedRun, paragraphs: Path) -> None:
    before = {name: tensor.clone() for name, tensor in run.model.state_dict().items()}
    options = ["pairs=200", "queries=30", "epochs=3", "lr=0.003", "seeds=1", "length=48"]
    numbers = suite("retrieval", paragraphs, *options)
    assert numbers["ndcg10"] > numbers["before/ndcg10"] + 0.1
    assert numbers["ndcg10_low"] < numbers["ndcg10"] < numbers["ndcg10_high"]
    assert 0 < numbers["mrr10"] < numbers["ndcg10"] < 1
    assert numbers["chance/mrr10"] == pytest.approx(sum(1 / rank for rank in range(1, 11)) / 30)
    assert abs(numbers["words/mrr10"] - numbers["chance/mrr10"]) < 0.1
    assert all(torch.equal(tensor, before[name]) for name, tensor in run.model.state_dict().items())
    assert suite("retrieval", paragraphs, *options) == numbers


def test_an_exported_run_opens_as_a_retriever_and_sees_the_same(run: LoadedRun, tmp_path: Path) -> None:
    export(run, tmp_path / "model")
    opened = MultiVectorEncoder(str(tmp_path / "model"), device="cpu")
    ours = TokenVectors(run.model, run.tokenizer, (BOTH,), 64)
    text = ["The name of a list"]
    theirs = opened[0](opened.preprocess(text))["token_embeddings"]
    assert torch.allclose(theirs, ours(ours.preprocess(text))["token_embeddings"], atol=1e-4)


def test_views_follow_the_objective() -> None:
    views = {name: retrieval.views_of("auto", Config(objective=name).objective) for name in ("mlm", "causal", "mirror")}
    assert views == {"mlm": (BOTH,), "causal": (FORWARD,), "mirror": (FORWARD, BACKWARD)}
    assert retrieval.views_of("both", Config(objective="causal").objective) == (BOTH,)


def test_a_retriever_without_its_library_says_what_to_install(suite, paragraphs: Path, monkeypatch) -> None:
    monkeypatch.setattr(retrieval, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'maskwright\[retrieval\]'"):
        suite("retrieval", paragraphs)
