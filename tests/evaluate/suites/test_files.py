"""The files of suites as people have them: marks, compression, missing values, and whatever is wrong is named."""

import gzip
import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from maskwright.evaluate.finetuning.classification_data import task, tasks
from maskwright.evaluate.finetuning.edge_data import edges
from maskwright.evaluate.scoring.text_files import items
from maskwright.evaluate.suites import aoa, blimp, reading, zorro
from maskwright.hub.convert.config import read as foreign_config
from maskwright.objectives.weighted.weight_table import read as weights
from maskwright.text.pos_lexicon import read as lexicon

from .test_official import table

MARK = "\ufeff"
PAIR = '{"sentence_good": "a", "sentence_bad": "b", "field": "f", "linguistics_term": "t", "UID": "u"}\n'
CDI = "word,16,17,18\ncat,NA,0.5,0.9\ndog,,0.4,0.8\n"


@pytest.fixture
def put(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


READERS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "a.jsonl": (PAIR, lambda path: [item.groups for item in blimp.items(path.parent)]),
    "a-b.txt": ("wrong\nright\n", lambda path: [item.groups for item in zorro.items(path.parent)]),
    "lines.txt": ("one\u2028two\nthree\n", items),
    "pairs.jsonl": ("\n" + PAIR, items),
    "array.json": ('[\n{"text": "one"},\n{"text": "two"}]\n', items),
    "train.tsv": ("sentence\tlabel\none\t0\ntwo\t1\n", lambda path: task("t", path, path).train.texts),
    "train.jsonl": (
        '{"text": "a b", "targets": [{"span1": [0, 1], "label": "x"}]}\n',
        lambda path: edges(path, path).train.texts,
    ),
    "reading_data.csv": ("\n".join(table(4)), lambda path: [dict(row.cells) for row in reading.read(path)]),
    "cdi_human.csv": (CDI, lambda path: sorted(aoa._children(path))),
    "cdi_childes.json": ('{"cat": [{"context": "a"}]}', lambda path: aoa._contexts(path, None)),
    "tagged.txt": ("The_DT cat_NN\n", lexicon),
    "weights.csv": ("token,weight\na,2\n", lambda path: weights(path, ["a", "b"]).tolist()),
    "weights.json": ('{"a": 2}', lambda path: weights(path, ["a", "b"]).tolist()),
    "config.json": ('{"hidden_size": 64}', foreign_config),
    "config.yaml": ("hidden_size: 64\n", foreign_config),
    "train.sh": ("--mlm_prob 0.4\n", foreign_config),
}
"""A file's name to its content, and who reads it."""


@pytest.mark.parametrize("name", READERS)
def test_marks_ends_of_lines_and_compression_change_nothing(put, name: str) -> None:
    content, read = READERS[name]
    plain = read(put(f"plain/{name}", content))
    for number, other in enumerate((MARK + content, content.replace("\n", "\r\n"))):
        assert read(put(f"{number}/{name}", other)) == plain
    for ending in ("", ".gz"):
        assert read(put(f"packed{ending}/{name}{ending}", gzip.compress(content.encode()) + bytes(512))) == plain


@pytest.mark.parametrize("name", READERS)
def test_bytes_that_are_no_text_and_broken_compression_name_the_file(put, name: str) -> None:
    content, read = READERS[name]
    for broken in (b"caf\xe9\n", gzip.compress(content.encode())[:-9]):
        with pytest.raises(ValueError, match=rf"{name} is (not UTF-8|damaged)"):
            read(put(name, broken))


def test_scored_texts_keep_odd_signs_and_true_numbers_of_lines(put) -> None:
    assert [item.texts for item in items(put("a.txt", "one\u2028two\x85\n"))] == [("one\u2028two\x85",)]
    assert [item.texts for item in items(put("a.NDJSON", '\n{"text": "a"}\n'))] == [("a",)]
    with pytest.raises(ValueError, match=r"a\.jsonl:4: text is empty: give a text"):
        items(put("a.jsonl", '\n{"text": "a"}\n\n{"text": " "}\n'))
    with pytest.raises(ValueError, match=r"a\.jsonl:1: text is null: give a text"):
        items(put("a.jsonl", '{"text": null}\n'))


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("train.jsonl", '{"sentence": "a", "label": 0}\n{"sentence": null, "label": 1}\n', r":2: sentence is null"),
        ("train.jsonl", '{"sentence": ["a"], "label": 0}\n', r":1: sentence is a list: give a text"),
        ("train.jsonl", '{"sentence": true, "label": 0}\n', r":1: sentence is true or false: give a text"),
        ("train.jsonl", '{"sentence": NaN, "label": 0}\n', r":1: sentence is nan: give a text"),
        ("train.tsv", "label\tsentence\n0\ta\n1\n", r"train\.tsv:3: 1 of 2 cells: 'sentence' is missing"),
        ("train.tsv", "sentence\tlabel\na\t0\n\nb\t1\tc\n", r"train\.tsv:4: 3 cells, where the header has 2 columns"),
    ],
)
def test_a_missing_text_is_never_the_word_none(put, name: str, content: str, sentence: str) -> None:
    path = put(name, content)
    with pytest.raises(ValueError, match=sentence):
        task("t", path, path)


@pytest.mark.parametrize("label", ["null", "[null]", "{}", '""', '["a", []]'])
def test_a_missing_label_of_a_span_is_never_the_word_none(put, label: str) -> None:
    path = put("train.jsonl", f'{{"text": "a b", "targets": [{{"span1": [0, 1], "label": {label}}}]}}\n')
    with pytest.raises(ValueError, match=r"train\.jsonl:1: label=.*: give a text or a number, or a list of them"):
        edges(path, path)


def test_numbers_may_be_written_as_texts_of_a_task(put) -> None:
    path = put("train.jsonl", '{"sentence": 5, "label": 0}\n{"sentence": 2.5, "label": 1}\n')
    assert task("t", path, path).train.texts == [("5",), ("2.5",)]


def test_tasks_are_found_compressed_and_hidden_files_are_none(put, caplog: pytest.LogCaptureFixture) -> None:
    train = put("mr/train.jsonl.gz", "")
    for name in ("mr/dev.ndjson", "mr/._train.jsonl", "__MACOSX/train.jsonl", "__MACOSX/dev.jsonl"):
        put(name, "")
    with caplog.at_level(logging.WARNING):
        assert tasks(train.parents[1]) == {"mr": (train, train.with_name("dev.ndjson"))}
    assert any("skipped hidden files (1): ._train.jsonl" in message for message in caplog.messages)


def test_reading_times_name_rows_that_break_off_and_words_that_are_no_numbers(put) -> None:
    lines = table(5)
    with pytest.raises(ValueError, match=r"short\.csv:6: 2 of 13 cells: 'prev_item' is missing"):
        reading.read(put("short.csv", "\n".join([*lines[:5], "a,b"])))
    cells = lines[3].split(",")
    for written, known in (("NA", True), ("", True), ("n/a", False)):
        row = reading.read(put("na.csv", "\n".join([*lines[:3], ",".join([*cells[:4], written, *cells[5:]])])))[2]
        if known:
            assert np.isnan(row.number("RTfirstfix"))
        else:
            with pytest.raises(ValueError, match=r"na\.csv:4: RTfirstfix='n/a' is not a number"):
                row.number("RTfirstfix")


def test_ages_of_acquisition_may_be_missing_and_contexts_are_objects(put) -> None:
    na, empty = (aoa._children(put("cdi_human.csv", CDI.replace("NA", word))) for word in ("NA", ""))
    assert na.keys() == {"cat", "dog"}
    np.testing.assert_equal(na, empty)
    for content, sentence in {
        '[{"word": "cat", "context": "a"}]': r"cdi_childes\.json holds a list, not an object",
        '{"cat": "a"}': r"cdi_childes\.json: 'cat' needs a list of objects",
        '{"cat": [{"context": null}]}': r"cdi_childes\.json: 'cat' needs a list of objects",
        '{"cat": [{"word": "cat"}]}': r"cdi_childes\.json: 'cat' needs a list of objects",
    }.items():
        with pytest.raises(ValueError, match=sentence):
            aoa._contexts(put("cdi_childes.json", content), None)


def test_a_lexicon_names_the_line_of_a_tag_that_is_unknown(put) -> None:
    with pytest.raises(ValueError, match=r"tagged\.txt:2: 'cat_NOON' and 0 more have no known tag"):
        lexicon(put("tagged.txt", "The_DT\ncat_NOON\n"))
