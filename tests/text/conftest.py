"""Small corpora and the five kinds of tokenizers; nothing touches the user's own cache."""

from collections.abc import Callable
from pathlib import Path

import pytest

from maskwright.text.corpora.files import Files
from maskwright.text.shards.shards import Shards, tokenize
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

SENTENCES = (
    "The quick brown fox doesn't jump over the lazy dog; it sleeps.",
    "In 1984, 3 cafés served naïve customers (and 12 dogs).",
    "Don't say that the children's toys weren't there!",
    "What a day — said the old man — what a day...",
)
TEXTS = [f"{sentence} This is text number {number}." for number in range(300) for sentence in SENTENCES]

KINDS = {"bpe": 500, "wordpiece": 500, "unigram": 600, "character": 100}


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One cache for all tests of a run."""
    folder = tmp_path_factory.getbasetemp() / "cache"
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder


@pytest.fixture(scope="session")
def learned() -> dict[str, Tokenizer]:
    """One tokenizer of each kind."""
    return {kind: Tokenizer.train(TEXTS, TokenizerSettings(kind=kind, size=size)) for kind, size in KINDS.items()}


@pytest.fixture(scope="session")
def sentencepiece_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Trains a SentencePiece model of the given type."""
    sentencepiece = pytest.importorskip("sentencepiece", reason="SentencePiece is an extra")
    pytest.importorskip("google.protobuf", reason="protobuf is an extra")

    def make(kind: str) -> Path:
        prefix = tmp_path_factory.mktemp("sentencepiece") / kind
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter(TEXTS),
            model_prefix=str(prefix),
            vocab_size=360,
            model_type=kind,
            byte_fallback=True,
            minloglevel=2,
        )
        return prefix.with_suffix(".model")

    return make


@pytest.fixture
def corpus(tmp_path: Path) -> Files:
    """The texts as documents of two files."""
    for name, texts in (("first", TEXTS[:800]), ("second", TEXTS[800:])):
        (tmp_path / f"{name}.txt").write_text("\n\n".join(texts), encoding="utf-8")
    return Files(files=(str(tmp_path / "first.txt"), str(tmp_path / "second.txt")))


@pytest.fixture
def halves(learned: dict[str, Tokenizer], tmp_path: Path) -> list[Shards]:
    """The texts as two corpora: the second brings a domain of its own and one of the first."""
    made = []
    for number, names in enumerate((("a", "b"), ("b", "c"))):
        (tmp_path / f"text-{number}").mkdir()
        for place, name in enumerate(names):
            texts = TEXTS[300 * (2 * number + place) :][:300]
            (tmp_path / f"text-{number}" / f"{name}.txt").write_text("\n\n".join(texts))
        corpus = Files(files=(str(tmp_path / f"text-{number}"),))
        made.append(tokenize(corpus, learned["bpe"], tmp_path / f"shards-{number}", 0.1, progress=False))
    return made
