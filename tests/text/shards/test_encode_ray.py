"""Tokenizing over a Ray cluster gives the bytes that this machine alone does."""

import importlib.util
from pathlib import Path

import pytest

from maskwright.text.corpora.files import Files
from maskwright.text.shards import encode
from maskwright.text.shards.shards import tokenize
from maskwright.text.tokenizers.tokenizer import Tokenizer

from .test_shards import contents


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="the package ray is not installed")
@pytest.mark.filterwarnings("ignore::Warning")
def test_the_bytes_are_those_of_one_process(
    corpus: Files, learned: dict[str, Tokenizer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encode, "CHUNK", 3000)
    here = tokenize(corpus, learned["bpe"], tmp_path / "here", workers=1, progress=False)
    over = tokenize(corpus, learned["bpe"], tmp_path / "over", over="ray", progress=False)
    assert contents(here.folder) == contents(over.folder)


def test_anything_but_a_cluster_is_refused(corpus: Files, learned: dict[str, Tokenizer], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="--over spark: give ray, or the URL of a cluster"):
        tokenize(corpus, learned["bpe"], tmp_path / "over", over="spark", progress=False)
