"""Shards: what goes in comes out, whatever the workers, kills and full disks on the way."""

import errno
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer as Backend
from tokenizers import models, pre_tokenizers

from maskwright.text.corpora.files import Files
from maskwright.text.shards import encode, writer
from maskwright.text.shards.layout import held_out, text_hash
from maskwright.text.shards.shards import Shards, Split, tokenize
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

from ..conftest import TEXTS


@pytest.fixture
def tokenizer(learned: dict[str, Tokenizer]) -> Tokenizer:
    return learned["bpe"]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a folder."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def documents(split: Split) -> Iterator[np.ndarray]:
    """The tokens of each document."""
    return (split.tokens[a:b] for a, b in pairwise(split.offsets))


def test_tokens_and_facts_of_every_document_are_there(corpus: Files, tokenizer: Tokenizer, tmp_path: Path) -> None:
    shards = tokenize(corpus, tokenizer, tmp_path / "shards", progress=False)
    found = {}
    for split in (shards.train, shards.valid):
        for number, tokens in enumerate(documents(split)):
            text = tokenizer.decode(tokens)
            found[text] = shards.domains[split.domains[number]]
            assert split.hashes[number] == text_hash(text.encode())
            assert (split.bytes[number], split.words[number]) == (len(text.encode()), len(text.split()))
            ids, starts = tokenizer.encode(text)
            np.testing.assert_array_equal(tokens, ids)
            np.testing.assert_array_equal(split.word_starts[split.offsets[number] :][: len(ids)], starts)
    assert found == {text: "first" if i < 800 else "second" for i, text in enumerate(TEXTS)}
    assert 20 < len(shards.valid.hashes) < 120
    assert shards.train.tokens.dtype == np.uint16
    assert shards.tokenizer.fingerprint == tokenizer.fingerprint
    shards.verify()


@given(st.lists(st.text(), max_size=20), st.floats(0, 0.99))
def test_the_split_of_a_text_is_its_own_affair(texts: list[str], share: float) -> None:
    hashes = np.array([text_hash(text.encode("utf-8", "replace")) for text in texts], dtype=np.uint64)
    together = held_out(hashes, share)
    assert together.tolist() == [bool(held_out(hashes[i : i + 1], share)[0]) for i in range(len(texts))]


def test_new_documents_move_no_old_one(corpus: Files, tokenizer: Tokenizer, tmp_path: Path) -> None:
    before = tokenize(corpus, tokenizer, tmp_path / "before", progress=False)
    (tmp_path / "third.txt").write_text("\n\n".join(f"new text {i}" for i in range(200)))
    more = Files(files=(str(tmp_path / "third.txt"), *corpus.files))
    after = tokenize(more, tokenizer, tmp_path / "after", progress=False)
    assert set(before.valid.hashes) <= set(after.valid.hashes)
    assert set(before.train.hashes) <= set(after.train.hashes)


def test_the_number_of_workers_changes_nothing(
    corpus: Files, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tokenize(corpus, tokenizer, tmp_path / "whole", workers=1, progress=False)
    monkeypatch.setattr(encode, "CHUNK", 3000)
    one = tokenize(corpus, tokenizer, tmp_path / "one", workers=1, progress=False)
    two = tokenize(corpus, tokenizer, tmp_path / "two", workers=2, progress=False)
    assert contents(whole.folder) == contents(one.folder) == contents(two.folder)


def test_what_is_there_is_opened_and_another_is_refused(corpus: Files, tokenizer: Tokenizer, tmp_path: Path) -> None:
    first = tokenize(corpus, tokenizer, tmp_path / "shards", progress=False)
    assert tokenize(corpus, tokenizer, tmp_path / "shards", progress=False).fingerprint == first.fingerprint
    with pytest.raises(ValueError, match="holds other tokenized text already"):
        tokenize(corpus, tokenizer, tmp_path / "shards", validation=0.2, progress=False)
    with pytest.raises(ValueError, match="holds no tokenized text"):
        tokenize(corpus, tokenizer, tmp_path, progress=False)


KILLED = """
import sys
from maskwright.text.shards import encode, writer
from maskwright.text.corpora.files import Files
from maskwright.text.shards.shards import tokenize
from maskwright.text.tokenizers.tokenizer import Tokenizer

if __name__ == "__main__":
    encode.CHUNK, writer.COMMIT = 500, 1
    tokenize(Files(files=sys.argv[3:]), Tokenizer.load(sys.argv[1]), sys.argv[2], workers=1, progress=False)
"""


def test_a_killed_run_goes_on_to_the_same_bytes(corpus: Files, tokenizer: Tokenizer, tmp_path: Path) -> None:
    unbroken = tokenize(corpus, tokenizer, tmp_path / "unbroken", progress=False)
    tokenizer.save(tmp_path / "tokenizer")
    (tmp_path / "run.py").write_text(KILLED)
    folder, journal = tmp_path / "killed", tmp_path / "killed.partial" / "journal.json"
    arguments = [str(tmp_path / "run.py"), str(tmp_path / "tokenizer"), str(folder), *corpus.files]
    done = 0
    for _ in range(2):
        process = subprocess.Popen([sys.executable, *arguments], cwd=Path(__file__).parents[3])
        while process.poll() is None and committed(journal) <= done + 40:
            os.sched_yield()
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        done = committed(journal)
    assert 80 < done < len(TEXTS)
    assert not folder.exists()
    with (tmp_path / "killed.partial" / "train.tokens").open("ab") as file:
        file.write(b"written, but not committed")
    journal.with_name("journal.json.4711").write_text("half a jour")
    resumed = tokenize(corpus, tokenizer, folder, progress=False)
    assert contents(resumed.folder) == contents(unbroken.folder)
    assert not journal.parent.exists()


def committed(journal: Path) -> int:
    """How many documents the journal says are done."""
    return json.loads(journal.read_text())["documents"] if journal.exists() else 0


def test_a_full_disk_is_one_sentence_and_no_loss(
    corpus: Files, tokenizer: Tokenizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: writer.Writer, name: str, array: np.ndarray) -> None:
        if self.journal.documents > 600:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, name, array)

    write = writer.Writer._write
    monkeypatch.setattr(encode, "CHUNK", 3000)
    monkeypatch.setattr(writer, "COMMIT", 2)
    monkeypatch.setattr(writer.Writer, "_write", full)
    with pytest.raises(ValueError, match="the disk is full: make room"):
        tokenize(corpus, tokenizer, tmp_path / "shards", workers=1, progress=False)
    assert committed(tmp_path / "shards.partial" / "journal.json") > 400
    monkeypatch.setattr(writer.Writer, "_write", write)
    resumed = tokenize(corpus, tokenizer, tmp_path / "shards", progress=False)
    unbroken = tokenize(corpus, tokenizer, tmp_path / "unbroken", progress=False)
    assert contents(resumed.folder) == contents(unbroken.folder)


def test_a_changed_corpus_begins_anew(corpus: Files, tokenizer: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "second.txt").write_bytes(b"fine\n\n" * 10 + b"\xff")
    with pytest.raises(ValueError, match="is not UTF-8"):
        tokenize(corpus, tokenizer, tmp_path / "shards", progress=False)
    (tmp_path / "second.txt").write_text("mended")
    shards = tokenize(corpus, tokenizer, tmp_path / "shards", progress=False)
    assert len(shards.train.hashes) + len(shards.valid.hashes) == 801


def test_validation_documents_of_the_corpus_are_taken(corpus: Files, tokenizer: Tokenizer, tmp_path: Path) -> None:
    new = [f"A new text that has the number {i} and some words more." for i in range(400)]
    (tmp_path / "valid.txt").write_text("\n\n".join([*new, TEXTS[5]]))
    both = Files(files=corpus.files, valid=(str(tmp_path / "valid.txt"),))
    shards = tokenize(both, tokenizer, tmp_path / "shards", progress=False)
    assert len(shards.train.hashes) == len(TEXTS)
    assert [tokenizer.decode(tokens) for tokens in documents(shards.valid)] == new
    assert shards.manifest["validation"]["overlap"]["documents"] == 1
    (tmp_path / "valid.txt").write_text("\n\n".join([*new[:50], TEXTS[5]]))
    with pytest.raises(ValueError, match=r"1 of 51 validation documents stand in training too, as 'In 1984"):
        tokenize(both, tokenizer, tmp_path / "again", progress=False)


def test_an_empty_corpus_and_a_wrong_share_are_refused(tokenizer: Tokenizer, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("\n \n")
    empty = Files(files=(str(tmp_path / "empty.txt"),))
    with pytest.raises(ValueError, match="the corpus is empty"):
        tokenize(empty, tokenizer, tmp_path / "shards", progress=False)
    with pytest.raises(ValueError, match=r"validation=1\.5"):
        tokenize(empty, tokenizer, tmp_path / "shards", validation=1.5, progress=False)


def test_broken_and_foreign_shards_are_refused(
    corpus: Files, tokenizer: Tokenizer, learned: dict[str, Tokenizer], tmp_path: Path
) -> None:
    shards = tokenize(corpus, tokenizer, tmp_path / "shards", progress=False)
    with pytest.raises(ValueError, match="was tokenized with the tokenizer"):
        shards.check(learned["unigram"])
    tokens = shards.folder / "train.tokens"
    whole = tokens.read_bytes()
    tokens.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    with pytest.raises(ValueError, match="was changed since it was written"):
        Shards.open(shards.folder).verify()
    tokens.write_bytes(whole[:-2])
    with pytest.raises(ValueError, match=f"has {len(whole) - 2} bytes where {len(whole)} belong"):
        Shards.open(shards.folder)
    for content in ("{", "[]", '{"format": 0}'):
        (shards.folder / "manifest.json").write_text(content)
        with pytest.raises(ValueError, match="is not a manifest"):
            Shards.open(shards.folder)


def test_wide_vocabularies_take_four_bytes(tmp_path: Path, corpus: Files) -> None:
    backend = Backend(models.WordLevel({f"w{i}": i for i in range(70_000)} | {"[UNK]": 70_000}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    shards = tokenize(corpus, Tokenizer(backend), tmp_path / "shards", progress=False)
    assert shards.train.tokens.dtype == np.uint32
    assert shards.train.tokens.max() == 70_000


def test_settings_are_made_of_lists_too() -> None:
    assert Files(files=["a", "b"]).files == ("a", "b")
    assert TokenizerSettings().kind == "bpe"
