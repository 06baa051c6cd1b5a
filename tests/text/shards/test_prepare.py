"""Prepare: once for each corpus and settings, from the training split only, however many ask."""

import logging
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from maskwright.text.corpora.files import Files
from maskwright.text.shards.prepare import prepare
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

SETTINGS = TokenizerSettings(size=400)


def test_the_second_time_it_is_only_opened(corpus: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    first = prepare(corpus, SETTINGS, 0.1, progress=False)
    monkeypatch.setattr(Tokenizer, "train", None)
    assert prepare(corpus, SETTINGS, 0.1, progress=False).fingerprint == first.fingerprint


def test_other_settings_and_other_files_make_other_shards(corpus: Files) -> None:
    first = prepare(corpus, SETTINGS, 0.1, progress=False)
    assert prepare(corpus, SETTINGS, 0.2, progress=False).folder != first.folder
    assert prepare(corpus, TokenizerSettings(size=401), 0.1, progress=False).folder != first.folder
    Path(corpus.files[0]).write_text("changed " * 40)
    assert prepare(corpus, SETTINGS, 0.1, progress=False).folder != first.folder


def test_held_out_documents_do_not_shape_the_vocabulary(tmp_path: Path) -> None:
    common = [f"common words in text {i}" for i in range(100)]
    (tmp_path / "train.txt").write_text("\n\n".join(common))
    (tmp_path / "valid.txt").write_text("\n\n".join(f"zebra zebra zebra {i}" for i in range(100)))
    corpus = Files(files=(str(tmp_path / "train.txt"),), valid=(str(tmp_path / "valid.txt"),))
    tokens = prepare(corpus, SETTINGS, progress=False).tokenizer.tokens
    assert "Ġwords" in tokens
    assert not any("zeb" in token for token in tokens)


def test_a_share_held_out_does_not_either(corpus: Files) -> None:
    shards = prepare(corpus, SETTINGS, 0.3, progress=False)
    texts = [shards.tokenizer.decode(shards.train.tokens[a:b]) for a, b in pairwise(shards.train.offsets)]
    assert Tokenizer.train(texts, SETTINGS).fingerprint == shards.tokenizer.fingerprint


def test_a_tokenizer_can_be_given(corpus: Files, learned: dict[str, Tokenizer], tmp_path: Path) -> None:
    learned["wordpiece"].save(tmp_path / "tokenizer")
    shards = prepare(corpus, TokenizerSettings(file=str(tmp_path / "tokenizer")), progress=False)
    assert shards.tokenizer.fingerprint == learned["wordpiece"].fingerprint


def test_it_goes_where_it_is_told(corpus: Files, tmp_path: Path) -> None:
    assert prepare(corpus, SETTINGS, folder=tmp_path / "here", progress=False).folder == tmp_path / "here"


AT_ONCE = """
import sys
from maskwright.text.corpora.files import Files
from maskwright.text.shards.prepare import prepare
from maskwright.text.tokenizers.tokenizer import TokenizerSettings

if __name__ == "__main__":
    shards = prepare(Files(files=sys.argv[1:]), TokenizerSettings(size=402), progress=False)
    shards.verify()
    print(shards.fingerprint)
"""


def test_several_processes_may_ask_at_once(corpus: Files, tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(AT_ONCE)
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", AT_ONCE, *corpus.files]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) for _ in range(3)]
    printed = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(set(printed)) == 1


SCRIPT = """
from maskwright.text.corpora.files import Files
from maskwright.text.shards.prepare import prepare
from maskwright.text.tokenizers.tokenizer import TokenizerSettings

shards = prepare(Files(files=("text.txt",)), TokenizerSettings(kind="character", size=90), progress=False)
print(shards.train.words.sum() + shards.valid.words.sum())
"""


def test_a_script_needs_no_main_guard(tmp_path: Path) -> None:
    sentences = "A sentence of eight words, or of nine. " * 30
    (tmp_path / "text.txt").write_text("\n\n".join(f"{sentences}{number}" for number in range(2000)))
    (tmp_path / "script.py").write_text(SCRIPT)
    command = [sys.executable, "script.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == str(2000 * (30 * 8 + 1)), done.stderr


@pytest.mark.parametrize("damage", ["flip", "cut", "other", "seal"])
def test_a_damaged_tokenizer_in_the_cache_is_learned_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "a.txt").write_text("\n\n".join(f"the text {i} of {i}" for i in range(60)))
    corpus, options = Files(files=(str(tmp_path / "a.txt"),)), TokenizerSettings(size=280)
    before = prepare(corpus, options, 0.2, progress=False)
    (kept,) = (tmp_path / "cache/maskwright/tokenizers").iterdir()
    path = kept / ("sealed.json" if damage == "seal" else "tokenizer.json")
    whole = path.read_text()
    path.write_text({"flip": whole.replace('"t"', '"T"', 1), "cut": whole[:99], "other": "{}", "seal": "{}"}[damage])
    with caplog.at_level(logging.WARNING):
        after = prepare(corpus, options, 0.2, progress=False)
    assert after.tokenizer.fingerprint == before.tokenizer.fingerprint
    assert after.folder == before.folder
    assert "learned anew" in caplog.text
    caplog.clear()
    prepare(corpus, options, 0.2, progress=False)
    assert not caplog.text
