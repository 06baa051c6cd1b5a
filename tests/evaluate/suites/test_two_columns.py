"""The pair suites of other languages: their columns as published, from JSON lines and tables."""

import json

import numpy as np
import pytest

from maskwright.evaluate.scoring.minimal_pairs import Item, ItemResults, accuracies
from maskwright.evaluate.scoring.scorer import Text
from maskwright.evaluate.suites._hanzi import strictly

COLUMNS = {
    "multiblimp": ("sen", "wrong_sen"),
    "xcomps": ("acceptable_sent", "unacceptable_sent"),
    "blimp_nl": ("sentence_good", "sentence_bad"),
    "zhoblimp": ("sentence_good", "sentence_bad"),
    "hanzi_structure": ("sentence_good", "sentence_bad"),
    "hanzi_pinyin": ("sentence_good", "sentence_bad"),
}
PAIRS = [("The names are bound.", "The names is bound."), ("It is a list.", "It are a list."), ("a b c", "c b a")]


@pytest.mark.parametrize("suite_name", COLUMNS)
@pytest.mark.parametrize("ending", ["jsonl", "tsv", "csv"])
def test_pairs_in_two_columns_are_counted_over_items(suite, write, tmp_path, suite_name, ending) -> None:
    columns = COLUMNS[suite_name]
    for name, pairs in {"one": PAIRS[:2], "two": PAIRS[2:]}.items():
        lines = [dict(zip(columns, pair, strict=True)) | {"verb": "x"} for pair in pairs]
        separator = {"tsv": "\t", "csv": ","}.get(ending, "")
        table = [separator.join(line) for line in ([*columns, "verb"], *([*pair, "x"] for pair in pairs))]
        folder = write(f"{suite_name}/{name}.{ending}", *(lines if ending == "jsonl" else table))
    numbers = suite(suite_name, folder, f"predictions={tmp_path}")
    assert numbers["items"] == 3
    parts = [numbers[f"file/{name}/accuracy"] for name in ("one", "two")]
    assert numbers["accuracy"] == pytest.approx((2 * parts[0] + parts[1]) / 3)
    made = json.loads((tmp_path / f"run/main/zero_shot/mlm/{suite_name}/{suite_name}/predictions.json").read_text())
    chosen = [line["pred"] for line in made[suite_name]["predictions"]]
    assert all(pred in pair for pred, pair in zip(chosen, PAIRS, strict=True))


def test_a_column_that_is_missing_or_a_sentence_that_is_empty_is_named(suite, write) -> None:
    with pytest.raises(ValueError, match=r"nld\.tsv:1: no column 'wrong_sen'"):
        suite("multiblimp", write("multiblimp/nld.tsv", "sen", "a"))
    with pytest.raises(ValueError, match=r"zh\.jsonl:1: unacceptable_sent is empty"):
        suite("xcomps", write("xcomps/zh.jsonl", {"acceptable_sent": "a", "unacceptable_sent": " "}))


def test_of_hanzi_ties_and_unknown_tokens_are_missed() -> None:
    items = [Item((Text(name), Text("wrong")), {"task": "hanzi_pinyin"}) for name in ("won", "tied", "unknown", "lost")]
    found = ItemResults(items, np.array([[2.0, 1.0], [1.0, 1.0], [2.0, 1.0], [1.0, 2.0]]))
    assert accuracies(found)["accuracy"] == 2.5 / 4
    numbers = strictly(lambda item: item.texts[0].text == "unknown")(found)
    assert (numbers["accuracy"], numbers["unknown"], numbers["ties"]) == (1 / 4, 1 / 4, 0)
    assert "official" not in numbers
