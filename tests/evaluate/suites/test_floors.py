"""What has not learned scores beside a model: guessing, and counts of the text that the model was trained on."""

import shutil

import numpy as np
import pytest

from maskwright.evaluate.suites._evaluate import evaluate_run
from maskwright.run.load import load

PAIRS = (
    {"sentence_good": "It is.", "sentence_bad": "It are."},
    {"sentence_good": "the value of the object", "sentence_bad": "the zebra of the quilt"},
    {"sentence_good": "xylophones quarrel", "sentence_bad": "the the"},
)


@pytest.fixture
def data(write):
    return write("supplement/a.jsonl", *PAIRS)


def test_token_frequencies_are_those_of_the_training_text(trained, data) -> None:
    run = load(trained)
    counts = run.data.shards.train.counts(run.tokenizer.vocabulary.size)
    texts = [text for pair in PAIRS for text in pair.values()]
    p = np.log((counts + 5 / len(counts)) / (counts.sum() + 5))
    good, bad = np.array([p[ids].sum() for ids, _ in run.tokenizer.encode_batch(texts)]).reshape(-1, 2).T
    numbers = evaluate_run("blimp_supplement", run, data)
    assert numbers["unigram/accuracy"] == pytest.approx((good > bad).mean())
    assert 0 < numbers["unigram/accuracy"] < 1
    assert numbers["chance/accuracy"] == 0.5
    assert 0 <= numbers["trigram/accuracy"] <= 1


def test_floors_can_be_left_out(trained, data) -> None:
    numbers = evaluate_run("blimp_supplement", load(trained), data, ["floors=false"])
    assert not {"chance/accuracy", "unigram/accuracy", "trigram/accuracy"} & numbers.keys()


def test_without_the_text_of_the_training_only_guessing_is_left(trained, data, tmp_path, caplog) -> None:
    shutil.copytree(trained, tmp_path / "moved")
    config = tmp_path / "moved/config.yaml"
    config.write_text(config.read_text().replace(".txt", ".gone.txt"))
    numbers = evaluate_run("blimp_supplement", load(tmp_path / "moved"), data)
    assert "chance/accuracy" in numbers
    assert "unigram/accuracy" not in numbers
    assert "no floors of n-grams, as the text of the training is not at hand" in caplog.text
