"""BLiMP, from its files to the figures."""

import json
import os
from pathlib import Path

import pytest

from maskwright.evaluate.scoring.backends import choose
from maskwright.evaluate.scoring.scorer import Scorer, Text
from maskwright.run import saved

DATA = Path(os.environ.get("MASKWRIGHT_DATA", Path(__file__).parents[4] / "shared/data"))
PAIRS = [("Names are bound.", "Names is bound."), ("A value is used.", "A value are used."), ("It is.", "It are.")]


def lines(paradigm: str, field: str = "syntax") -> list[dict]:
    groups = {"field": field, "linguistics_term": "agreement", "UID": paradigm}
    return [{"sentence_good": good, "sentence_bad": bad} | groups for good, bad in PAIRS]


def test_the_accuracy_is_that_of_pairs_scored_one_by_one(suite, trained, write) -> None:
    folder = write("blimp_filtered/one.jsonl", *lines("one"))
    numbers = suite("blimp", folder)
    model, tokenizer = saved.load(trained)
    scorer = Scorer(model, tokenizer, choose("mlm", None)[1])
    wins = [scorer([Text(good)]).total > scorer([Text(bad)]).total for good, bad in PAIRS]
    assert numbers["accuracy"] == pytest.approx(sum(bool(win) for win in wins) / 3)
    assert numbers["paradigm/one/items"] == 3


def test_paradigms_and_limits(suite, write) -> None:
    write("blimp/one.jsonl", *lines("one"))
    folder = write("blimp/two.jsonl", *lines("two", "syntax/semantics"))
    numbers = suite("blimp", folder, "limit=2", "paradigms=two", "backend=causal", "temperatures=[1, 2]")
    assert numbers["items"] == 2
    assert "paradigm/one/items" not in numbers
    assert {"field/syntax_semantics/accuracy", "temperature=1/accuracy", "temperature=2/accuracy"} <= numbers.keys()
    assert numbers["temperature=1/accuracy"] == numbers["accuracy"]


def test_predictions_lie_where_the_official_evaluation_puts_them(suite, write, tmp_path) -> None:
    folder = write("blimp_fast/one.jsonl", *lines("one"))
    suite("blimp", folder, f"predictions={tmp_path / 'results'}")
    found = tmp_path / "results/run/main/zero_shot/mlm/blimp/blimp_fast/predictions.json"
    made = json.loads(found.read_text())["one"]["predictions"]
    assert [one["id"] for one in made] == ["one_0", "one_1", "one_2"]
    assert all(one["pred"] in pair for one, pair in zip(made, PAIRS, strict=True))


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ({"sentence_good": "a"}, r"one\.jsonl:4: no field 'sentence_bad': there is 'sentence_good'"),
        (lines("one")[0] | {"sentence_bad": 3}, r"one\.jsonl:4: sentence_bad is a number \(3\): give a text"),
        (lines("one")[0] | {"sentence_bad": ""}, r"one\.jsonl:4: sentence_bad is empty: give a text"),
        (lines("one")[0] | {"sentence_bad": " \t"}, r"one\.jsonl:4: sentence_bad is empty: give a text"),
        ("{half a line", r"one\.jsonl:4 is not JSON: .*near '\{half a line'"),
        (lines("one")[0] | {"sentence_bad": "long " * 80}, r"'long long .*the model takes max_length=64"),
    ],
)
def test_a_bad_line_of_pairs_is_named(suite, write, line, complaint) -> None:
    folder = write("blimp/one.jsonl", *lines("one"), line)
    with pytest.raises(ValueError, match=complaint):
        suite("blimp", folder)


def test_what_is_not_there_is_said(suite, write, tmp_path) -> None:
    with pytest.raises(ValueError, match=r"--data FOLDER \(with blimp\)"):
        suite("blimp", None)
    with pytest.raises(ValueError, match=r"holds no \*\.jsonl, nor does a folder blimp or blimp_filtered"):
        suite("blimp", tmp_path)
    folder = write("blimp/one.jsonl", "")
    with pytest.raises(ValueError, match="blimp is empty: its files contain no items"):
        suite("blimp", folder)
    write("blimp/one.jsonl", *lines("passive_1"))
    with pytest.raises(ValueError, match="no paradigm 'pasive_1' in blimp: did you mean 'passive_1'"):
        suite("blimp", folder, "paradigms=pasive_1")
    with pytest.raises(ValueError, match=r"unknown key blimp\.limt: did you mean 'limit'"):
        suite("blimp", folder, "limt=3")
    with pytest.raises(ValueError, match="the suite validation has no options: remove 'limit'"):
        suite("validation", None, "limit=3")


@pytest.mark.skipif(not (DATA / "blimp").is_dir(), reason=f"no BLiMP in {DATA}: say where with MASKWRIGHT_DATA")
def test_a_real_paradigm(suite) -> None:
    numbers = suite("blimp", DATA, "paradigms=passive_1,wh_island", "limit=20")
    assert numbers["items"] == 40
    assert 0.1 < numbers["accuracy"] < 0.9
