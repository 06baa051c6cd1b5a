"""JSON, YAML, tables and parquet: what they hold, and file and line in whatever is wrong."""

import gzip
import json
import logging
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.files import names
from maskwright.files.json_files import objects, read_json, read_object
from maskwright.files.parquet import column_of_texts, read_parquet
from maskwright.files.tables import rows
from maskwright.files.yaml_files import read_yaml


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json", "a.json.gz", "A.JSONL.GZ"])
def test_objects_are_one_a_line_by_any_name(put, name: str) -> None:
    content = b'\xef\xbb\xbf\r\n{"n": 1}\r\n\n\xef\xbb\xbf{"n": 2}'
    path = put(name, gzip.compress(content) if name.lower().endswith("gz") else content)
    assert list(objects(path)) == [(2, {"n": 1}), (4, {"n": 2})]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ('[{"n": 1}, {"n": "a,\\nb"}]', [(1, {"n": 1}), (1, {"n": "a,\nb"})]),
        ('\n[\n {"n":\n  1},\n\n {"n": 2}\n]\n', [(3, {"n": 1}), (6, {"n": 2})]),
        ('{\n "n": 1\n}\n', [(1, {"n": 1})]),
        ("[]", []),
        ("", []),
    ],
)
def test_a_json_may_also_hold_an_array_or_one_object(put, content: str, found: list[object]) -> None:
    assert list(objects(put("a.json", content))) == found


@given(st.lists(st.dictionaries(st.text(), st.text() | st.none() | st.floats(allow_nan=False))), st.integers(0, 2))
def test_an_array_holds_what_json_says(tmp_path_factory, values: list[dict[str, object]], indent: int) -> None:
    path = tmp_path_factory.getbasetemp() / "array.json"
    path.write_text(json.dumps(values, indent=indent), encoding="utf-8")
    assert [value for _, value in objects(path)] == values


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.jsonl", '{"n": 1}\n{"n": \n', r"a\.jsonl:2 is not JSON: Expecting value at column 7"),
        ("a.jsonl", '{"n": 1}\n[1]\n', r"a\.jsonl:2: a JSON object belongs here, not \[1\]"),
        ("a.jsonl", f'{{"n": {DEEP}', r"a\.jsonl:1 is JSON that is nested too deeply"),
        ("a.jsonl", f'{{"n": {"9" * 5000}}}', r"a\.jsonl:1 cannot be read: Exceeds the limit"),
        ("a.jsonl", '{"n": "\\ud800"}', r"a\.jsonl:1 holds half a character"),
        ("a.json", DEEP, r"a\.json is JSON that is nested too deeply"),
        ("a.json", '{\n"n": ?\n}', r"a\.json is not JSON: Expecting value in line 2 at column 6, near '.n.: \?'"),
        ("a.json", '{"n": 1}\n{"n": \n', r"a\.json:2 is not JSON"),
        ("a.json", "[\n1]", r"a\.json:2: a JSON object belongs here, not 1"),
        ("a.jsonl", b'{"n": 1}\n{"n": "\xff"}', r"a\.jsonl is not UTF-8: byte 0xff at position 16, in line 2"),
    ],
)
def test_what_is_no_object_is_named(put, name: str, content: str | bytes, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        list(objects(put(name, content)))
    assert len(str(refused.value)) < 400


def test_a_long_value_is_cut_to_the_width_of_a_screen(put) -> None:
    path = put("a.jsonl", json.dumps(["long " * 1000]))
    with pytest.raises(ValueError, match="a JSON object belongs here") as refused:
        list(objects(path))
    assert len(str(refused.value)) < len(str(path)) + 140


def test_json_and_yaml_are_read_whole(put) -> None:
    assert read_json(put("a.json", '\ufeff{"n": [1]}')) == {"n": [1]}
    assert read_yaml(put("a.yaml", "\ufeffn: [1]\r\nm: 2\r\n")) == {"n": [1], "m": 2}
    with pytest.raises(ValueError, match=r"a\.json holds a list, not an object"):
        read_object(put("a.json", "[]"))
    with pytest.raises(ValueError, match=r"a\.yaml is not YAML: .* in line 2, column 1"):
        read_yaml(put("a.yaml", "n: [\n"))
    with pytest.raises(ValueError, match=r"a\.yaml is YAML that is nested too deeply"):
        read_yaml(put("a.yaml", DEEP))


def test_a_table_is_read_by_the_names_of_its_columns(put) -> None:
    long = "x" * 300_000
    content = f'\ufeffword,n,note\r\ncat,1,"a\nb"\r\n\r\n,,\r\ndog,NA,{long},\r\n"a,""b""",,\n'
    found = list(rows(put("a.csv", content), ("n",)))
    assert [(row.line, row["word"]) for row in found] == [(2, "cat"), (6, "dog"), (7, 'a,"b"')]
    assert found[0]["note"] == "a\nb"
    assert found[1]["note"] == long
    assert found[0].whole("n") == 1
    assert all(row.number("n") != row.number("n") for row in found[1:])


@pytest.mark.parametrize("quotes", [True, False])
@pytest.mark.parametrize("blank", ["", ",", " ,", "\x0b,\t"])
def test_a_row_of_blank_cells_is_skipped(put, quotes: bool, blank: str) -> None:
    found = rows(put("a.csv", f"a,b\n{blank}\n1,2\n"), quotes=quotes)
    assert [(row.line, row.cells) for row in found] == [(3, {"a": "1", "b": "2"})]


def test_quotes_and_odd_signs_are_text_where_cells_have_no_quotes(put) -> None:
    (row,) = rows(put("a.tsv", 'a\tb\n"one\u2028 \r x\ttwo"\n'), delimiter="\t", quotes=False)
    assert dict(row.cells) == {"a": '"one\u2028 \r x', "b": 'two"'}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("a,n\n1,2\n\n3\n", r"a\.csv:4: 1 of 2 cells: 'n' is missing"),
        ("a,n\n1,2,3\n", r"a\.csv:2: 3 cells, where the header has 2 columns"),
        ("a,b\n1,2\n", r"a\.csv:1: no column 'n': the columns are 'a', 'b'"),
        ("", r"a\.csv:1: no column 'n': the columns are nothing"),
        ("a,n,a\n1,2,3\n", r"a\.csv:1: the column 'a' occurs twice"),
        ('a,n\n"1,2\n', r"a\.csv:2 is not a row of a table: unexpected end of data"),
        ("a,n\n1\r2,3\n", r"a\.csv:2 is not a row of a table: new-line character"),
        ("a,n\n1,n/a\n", r"a\.csv:2: n='n/a' is not a number; write NA if it is missing"),
        ("a,n\n1,inf\n", r"a\.csv:2: n='inf' is not a number"),
    ],
)
def test_a_bad_row_is_named(put, content: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        [row.number("n") for row in rows(put("a.csv", content), ("n",))]


def test_a_column_of_parquet_holds_texts_or_is_refused(put, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    for column in (
        pa.array(["a", None]),
        pa.array(["a", None]).dictionary_encode(),
        pa.array(["a", None], "large_string"),
    ):
        pq.write_table(pa.table({"text": column}), path)
        assert list(column_of_texts(path, "text")) == ["a", None]
    for column, kind in (([["a"]], "list<"), ([b"a"], "binary"), ([1], "int64"), ([{"a": 1}], "struct<")):
        pq.write_table(pa.table({"text": column}), path)
        with pytest.raises(ValueError, match=rf"a\.parquet: the column 'text' holds {kind}.*, not text"):
            list(column_of_texts(path, "text"))


def test_bytes_in_parquet_that_are_no_text_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": pa.array([b"a", b"caf\xe9"]).view(pa.string())}), path)
    with pytest.raises(ValueError, match=r"a\.parquet: row 2 is not UTF-8"):
        list(column_of_texts(path, "text"))
    assert list(column_of_texts(path, "text", "replace")) == ["a", "caf\ufffd"]


@pytest.mark.parametrize("read", [read_parquet, lambda path: list(column_of_texts(path, "text"))])
def test_damaged_parquet_is_named(put, tmp_path: Path, read: Callable[[Path], object]) -> None:
    pq.write_table(pa.table({"text": ["some text"] * 100}), tmp_path / "whole.parquet")
    whole = (tmp_path / "whole.parquet").read_bytes()
    odd_name = whole.replace(b"text", b"\xffext")
    for content in (b"", whole[:-4], whole[:4] + bytes(60) + whole[64:], b"PAR1" + bytes(20) + b"PAR1", odd_name):
        with pytest.raises(ValueError, match=r"a\.parquet (is damaged|cannot be read): .+"):
            read(put("a.parquet", content))
    with pytest.raises(ValueError, match=r"a\.parquet is a Git LFS pointer"):
        read(put("a.parquet", b"version https://git-lfs.github.com/spec/v1\n"))


def test_names_say_the_kind_and_hidden_files_are_counted(put, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    assert [names.kind(Path(name)) for name in ("A.TXT", "a.Jsonl.GZ", "a.train", "a")] == [
        ".txt",
        ".jsonl",
        ".train",
        "",
    ]
    assert names.stem(Path("x/bnc.spoken.train.XZ")) == "bnc.spoken"
    for name in ("b.jsonl", "a.JSONL.gz", "._a.jsonl", "c.txt"):
        put(f"suite/{name}", "")
    with caplog.at_level(logging.WARNING):
        found = names.of_kind(tmp_path / "suite", *names.JSON_LINES)
    assert [path.name for path in found] == ["a.JSONL.gz", "b.jsonl"]
    assert caplog.messages == [f"{tmp_path / 'suite'}: skipped hidden files (1): ._a.jsonl"]
