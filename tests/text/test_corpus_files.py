"""Files of a corpus as people have them: other names, nulls, hidden files, one name for a list."""

import gzip
import json
import logging
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from maskwright.run.config import Config
from maskwright.settings import from_mapping
from maskwright.text.corpora.babylm import Babylm
from maskwright.text.corpora.files import Files
from maskwright.text.corpora.hub import Hub


def texts(*files: Path | str) -> list[str]:
    return [document.text for document in Files(files=tuple(map(str, files))).documents("strict")]


@pytest.mark.parametrize("name", ["part.json.gz", "part.json", "part.ndjson", "part.JSONL", "part.jsonl.xz"])
def test_json_lines_have_many_names(tmp_path: Path, name: str) -> None:
    content = b'{"text": "one"}\n{"text": "two"}\n'
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    (tmp_path / "other.txt").write_text("three")
    assert texts(tmp_path / name) == ["one", "two"]
    assert sorted(texts(tmp_path)) == ["one", "three", "two"]
    assert {document.domain for document in Files(files=(str(tmp_path / name),)).documents("strict")} == {"part"}


def test_upper_case_and_arrays_are_read(tmp_path: Path) -> None:
    (tmp_path / "OLD.TXT").write_bytes(b"one\r\n\r\ntwo\rthree")
    assert texts(tmp_path / "OLD.TXT") == ["one", "two\rthree"]
    (tmp_path / "a.json").write_text(json.dumps([{"text": "a"}, {"text": "b"}], indent=1))
    assert texts(tmp_path / "a.json") == ["a", "b"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_nulls_are_skipped_and_counted_in_every_format(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [{"text": "one"}, {"text": None}, {"text": "two"}, {"text": None}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    with caplog.at_level(logging.WARNING):
        for name in ("a.jsonl", "a.parquet"):
            assert texts(tmp_path / name) == texts(tmp_path / name) == ["one", "two"]
    assert caplog.messages == [
        f"{tmp_path / name}: skipped 2 rows in which 'text' is null" for name in ("a.jsonl", "a.parquet")
    ]
    pytest.importorskip("datasets", reason="datasets is an extra")
    (tmp_path / "set").mkdir()
    (tmp_path / "a.jsonl").rename(tmp_path / "set/train.jsonl")
    found = Hub(dataset=str(tmp_path / "set")).documents("strict")
    with caplog.at_level(logging.WARNING):
        assert [document.text for document in found] == ["one", "two"]
    assert caplog.messages[-1] == f"{tmp_path / 'set'}: skipped 2 rows in which 'text' is null"


@pytest.mark.parametrize(
    ("value", "held"), [(["a"], "a list"), (5, "a number"), (True, "true or false"), ({"a": 1}, "an object")]
)
def test_a_field_of_something_else_is_one_short_sentence(tmp_path: Path, value: object, held: str) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n' + json.dumps({"text": value}))
    with pytest.raises(ValueError, match=rf"a\.jsonl:2: the field 'text' holds {held}, not a text$"):
        texts(tmp_path / "a.jsonl")


def test_leftovers_of_other_programs_are_skipped_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a.txt", "__MACOSX/._a.txt", ".ipynb_checkpoints/a-checkpoint.txt", "b/._a.txt", "notes.md"):
        (tmp_path / "zip" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "zip" / name).write_bytes(b"text" if name == "a.txt" else b"\xff")
    with caplog.at_level(logging.WARNING):
        assert texts(tmp_path / "zip") == ["text"]
        assert texts(f"{tmp_path}/*/**/*.txt") == ["text"]
    hidden = ".ipynb_checkpoints/a-checkpoint.txt, __MACOSX/._a.txt, b/._a.txt"
    assert f"{tmp_path / 'zip'}: skipped hidden files (3): {hidden}" in caplog.messages
    assert f"{tmp_path / 'zip'}: skipped files of other kinds (1): .md" in caplog.messages


def test_a_hidden_place_that_is_named_is_read(tmp_path: Path) -> None:
    (tmp_path / ".texts").mkdir()
    (tmp_path / ".texts/a.txt").write_text("a")
    assert texts(tmp_path / ".texts") == texts(tmp_path / ".texts/a.txt") == texts(f"{tmp_path}/.texts/*") == ["a"]


def test_runs_and_shards_in_a_folder_are_no_corpus(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("a.txt", "run/config.yaml", "run/metrics.jsonl", "run/final/config.json", "shards/manifest.json",
                 "shards/tokenizer.json"):  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text('{"step": 1}' if name.endswith(("json", "jsonl")) else "a")
    with caplog.at_level(logging.WARNING):
        assert texts(tmp_path) == ["a"]
    assert any("skipped files of runs and of tokenized text (4): " in message for message in caplog.messages)


def test_babylm_is_read_compressed_and_without_hidden_files(tmp_path: Path) -> None:
    for name, content in {
        "train_10M/a.train.gz": gzip.compress(b"a"),
        "train_10M/._a.train": b"\xff",
        "dev/a.dev": b"b",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    corpus = Babylm(folder=str(tmp_path))
    assert [(document.text, document.domain) for document in corpus.documents("strict")] == [("a", "a")]
    assert [source.validation for source in corpus.sources()] == [False, True]


@pytest.mark.parametrize("written", ["a.txt,b.txt", "a.txt, b.txt", "[a.txt, b.txt]", "a.txt,a.txt,b.txt"])
def test_names_are_a_list_or_have_commas_between_them(written: str) -> None:
    assert Config.load("quickstart", [f"corpus.files={written}"]).corpus.files == ("a.txt", "b.txt")
    assert Config.load("quickstart", ["corpus.files=a.txt", "corpus.valid=b.txt"]).corpus.files == ("a.txt",)


def test_what_is_no_name_is_refused() -> None:
    with pytest.raises(ValueError, match=r"corpus\.files"):
        from_mapping(Files, {"files": 3}, "corpus")
