"""Classification tasks in files, and how well classes are told apart."""

import json

import numpy as np
import pytest

from maskwright.evaluate.finetuning.classification_data import task, tasks
from maskwright.evaluate.finetuning.metrics import agreement


@pytest.fixture
def put(tmp_path):
    def write(name: str, *lines: object):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n")
        return path

    return write


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ({"sentence": "a", "idx": 3}, ("a",)),
        ({"premise": "a", "hypothesis": "b"}, ("a", "b")),
        ({"sentence1": "a", "sentence2": "b"}, ("a", "b")),
        ({"question": "a", "passage": "b"}, ("a", "b")),
        ({"question": "a", "sentence": "b"}, ("a", "b")),
        ({"question1": "a", "question2": "b"}, ("a", "b")),
        ({"paragraph": "p", "question": "q", "answer": "r"}, ("Question: q Answer: r", "p")),
        ({"text": "t", "span1_text": "one", "span2_text": "it"}, ('Does "it" refer to "one" in this passage?', "t")),
    ],
)
def test_a_form_is_told_by_its_fields(put, line, texts) -> None:
    file = put("train.jsonl", *[line | {"label": label} for label in (0, 1)])
    assert task("t", file, file).train.texts == [texts, texts]


@pytest.mark.parametrize("number", [3, -1.5, 10**400], ids=["int", "float", "larger than any float"])
def test_a_number_may_stand_for_a_text(put, number) -> None:
    file = put("train.jsonl", *[{"text": number, "label": label} for label in (0, 1)])
    assert task("t", file, file).train.texts == [(str(number),)] * 2


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "true", "null", "[]"])
def test_what_is_no_text_is_refused(put, value) -> None:
    file = put("train.jsonl", f'{{"text": {value}, "label": 0}}')
    with pytest.raises(ValueError, match=r"train\.jsonl:1: text is .+: give a text"):
        task("t", file, file)


@pytest.mark.parametrize("labels", [[1, 0, 1], [True, False, True], ["yes", "no", "yes"], ["10", "9", "10"]])
def test_labels_are_numbers_words_or_truths(put, labels) -> None:
    file = put("train.jsonl", *[{"text": "a", "label": label} for label in labels])
    assert task("t", file, file).valid.labels.tolist() == [1, 0, 1]


def test_a_table_is_read_as_lines_are(put) -> None:
    train = put("rte/train.tsv", "index\tsentence1\tsentence2\tlabel", '0\tHe said "no.\tb\tentailment', "1\tc\td\tnot")
    put("rte/dev.tsv", "index\tsentence1\tsentence2\tlabel", "0\te\tf\tnot")
    found = tasks(train.parents[1])
    made = task("rte", *found["rte"])
    assert made.train.texts == [('He said "no.', "b"), ("c", "d")]
    assert made.classes == ("not", "entailment")
    assert made.valid.labels.tolist() == [0]


def test_tasks_are_found_in_every_layout(put, tmp_path) -> None:
    for name in ("mr/train", "mr/valid", "glue/boolq.train", "glue/boolq.valid", "odd/train"):
        put(f"{name}.jsonl", {"text": "a", "label": 0})
    assert set(tasks(tmp_path)) == {"mr", "boolq"}
    assert set(tasks(tmp_path / "mr")) == {"mr"}
    assert set(tasks(tmp_path / "glue")) == {"boolq"}
    with pytest.raises(ValueError, match=r"odd has no train\.jsonl with valid\.jsonl"):
        tasks(tmp_path / "odd")
    with pytest.raises(ValueError, match="--data FOLDER"):
        tasks(None)


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ({"text": "a", "label": 2}, r"valid\.jsonl:1: label=2 is not among those of train\.jsonl: 0, 1"),
        ({"text": "a", "label": -1}, r"valid\.jsonl:1: label=-1 is not among those of train\.jsonl: 0, 1"),
        ({"text": "a", "label": 0.5}, r"valid\.jsonl:1: label=0\.5 is not among those of train\.jsonl: 0, 1"),
        ({"text": "a", "label": None}, r"valid\.jsonl:1: label=None: give a number from 0, or a word"),
        ({"text": "a"}, r"valid\.jsonl:1: no field 'label': the fields are text"),
        (
            {"txt": "a", "label": 1},
            r"valid\.jsonl:1: no text: the fields are txt, label; give question",
        ),
        ("", r"valid\.jsonl is empty: it contains no examples"),
    ],
)
def test_a_bad_line_is_named(put, line, complaint) -> None:
    train = put("train.jsonl", {"text": "a", "label": 0}, {"text": "b", "label": 1})
    with pytest.raises(ValueError, match=complaint):
        task("t", train, put("valid.jsonl", line))
    with pytest.raises(ValueError, match="only one label, 1: give at least two"):
        task("t", one := put("one.jsonl", {"text": "b", "label": 1}), one)


def test_agreement_is_that_of_the_definitions() -> None:
    truth, found = np.array([1, 1, 0, 0, 1, 0, 1, 1]), np.array([1, 0, 0, 1, 1, 0, 1, 0])
    numbers = agreement(found, truth, 2)
    precision, recall = 3 / 4, 3 / 5
    assert numbers["accuracy"] == 5 / 8
    assert numbers["f1"] == pytest.approx(2 * precision * recall / (precision + recall))
    assert numbers["mcc"] == pytest.approx(np.corrcoef(truth, found)[0, 1])


def test_of_many_classes_f1_is_the_plain_mean_and_chance_correlates_with_nothing() -> None:
    draw = np.random.default_rng(0)
    truth, found = draw.integers(0, 4, (2, 4000))
    numbers = agreement(found, truth, 4)
    each = [agreement((found == c).astype(int), (truth == c).astype(int), 2)["f1"] for c in range(4)]
    assert numbers["f1"] == pytest.approx(np.mean(each))
    assert abs(numbers["mcc"]) < 0.05
    assert agreement(truth, truth, 4) == {"accuracy": 1.0, "f1": 1.0, "mcc": 1.0}
    assert agreement(np.zeros(9, int), np.arange(9) % 3, 3)["mcc"] == 0
