"""YAML by its core schema: a word means what it looks like, and no key is lost because it occurs twice."""

import math

import pytest

from maskwright.files.json_files import read_json
from maskwright.files.yaml_files import parse_yaml
from maskwright.hub.convert.config import flags

TEXTS = ["no", "yes", "on", "off", "None", "0x10", "007", "0o7", "12:30", "0:64,5:256", "2024-01-31", "e5", ".", "1e"]


@pytest.mark.parametrize("word", TEXTS)
def test_a_word_is_a_text(word: str) -> None:
    assert parse_yaml(f"[{word}, {{{word}: 1}}]" if "," not in word else f"- {word}\n- {{'{word}': 1}}", "f") == [
        word, {word: 1},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1e-3", 0.001), ("2e6", 2e6), ("1.0e-05", 1e-5), (".5", 0.5), ("5.", 5.0), ("-1.5E+2", -150.0),
        ("1_000", 1000), ("-5", -5), ("0", 0), (".inf", math.inf), ("-.inf", -math.inf), ("true", True),
        ("False", False), ("~", None),
        ("null", None), ("", None), ("'2023'", "2023"), ('"no"', "no"),
    ],
)  # fmt: skip
def test_a_number_is_one_however_it_is_written(written: str, value: object) -> None:
    found = parse_yaml(written, "f")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ("a: 1\nb: 2\na: 3\n", r"^mine\.yaml: the key 'a' occurs twice, in lines 1 and 3: keep one$"),
        ("a: {b: 1,\n  'b': 2}\n", r"the key 'b' occurs twice, in lines 1 and 2"),
        ("- [{c: [{1: x, 1: y}]}]\n", r"the key '1' occurs twice, in lines 1 and 1"),
        ("{? [{d: 1, d: 2}] : 1}\n", r"the key 'd' occurs twice"),
    ],
)
def test_a_key_that_occurs_twice_is_refused_with_both_lines(source: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        parse_yaml(source, "mine.yaml")


def test_what_is_merged_may_be_changed() -> None:
    source = "a: &a {lr: 1, ratio: 2}\nb: &b {<<: *a, lr: 3}\nc: {<<: [*b, *a], ratio: 4}\nd: *b\n"
    assert parse_yaml(source, "f") == {
        "a": {"lr": 1, "ratio": 2}, "b": {"lr": 3, "ratio": 2}, "c": {"lr": 3, "ratio": 4}, "d": {"lr": 3, "ratio": 2},
    }  # fmt: skip


def test_a_key_of_a_json_config_and_a_flag_occur_once(tmp_path) -> None:
    (path := tmp_path / "a.json").write_text('{"a": {"lr": 1, "lr": 2}}')
    with pytest.raises(ValueError, match=r"a\.json cannot be read: the key 'lr' occurs twice in one object: keep one"):
        read_json(path)
    assert flags("run --soft --lr 1 --lr=1", "f") == {"soft": True, "lr": "1"}
    with pytest.raises(ValueError, match=r"^f: --lr is given twice, 1 and 2: keep one$"):
        flags("run --lr 1 --lr=2", "f")
