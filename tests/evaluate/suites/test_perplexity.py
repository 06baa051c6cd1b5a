"""What text costs, file by file: the sums of the scorer over tokens, words and bytes."""

import json
from math import exp, log

import pytest

from maskwright.evaluate.scoring.load import scorer, windows
from maskwright.evaluate.scoring.scorer import Text
from maskwright.evaluate.scoring.windows import Windows
from maskwright.run.load import load

TEXTS = {
    "short": ["A name is bound.", "The statement assigns values, from left to right."],
    "long": ["The statement assigns values. " * 20, "Names are bound.", "Nothing else is."],
}


@pytest.fixture
def folder(tmp_path):
    """A file of text and one of JSON lines, a folder below."""
    (tmp_path / "more").mkdir()
    (tmp_path / "short.txt").write_text("\n\n".join(TEXTS["short"]))
    lines = [json.dumps({"story": text, "text": "another"}) for text in TEXTS["long"]]
    (tmp_path / "more/long.jsonl").write_text("\n".join(lines))
    return tmp_path


def by_hand(trained, texts, length=32, stride=16):
    """The four figures of a list of texts, by default in windows as long as the rows that the model was trained on."""
    _, score = scorer(load(trained, "cpu"))
    found = score(map(Text, texts), Windows(length, stride, 0.5))
    nats, words = -found.total[0].sum(), sum(len(text.split()) for text in texts)
    return {
        "nats_per_token": nats / found.tokens.sum(),
        "perplexity": exp(nats / found.tokens.sum()),
        "word_perplexity": exp(nats / words),
        "bits_per_byte": nats / log(2) / sum(len(text.encode()) for text in texts),
    }


def test_each_file_and_all_together_cost_what_the_scorer_says(suite, trained, folder):
    found = suite("perplexity", folder, "field=story")
    for name, texts in TEXTS.items():
        mine = {key.partition("/")[2]: number for key, number in found.items() if key.startswith(f"{name}/")}
        assert mine == pytest.approx(by_hand(trained, texts), rel=1e-5)
    every = {key: number for key, number in found.items() if "/" not in key}
    assert every == pytest.approx(by_hand(trained, TEXTS["short"] + TEXTS["long"]), rel=1e-5)


def test_a_file_alone_its_first_documents_and_a_stride(suite, trained, folder):
    found = suite("perplexity", folder / "more/long.jsonl", "field=story", "limit=1", "stride=5", "length=50")
    assert found == pytest.approx(by_hand(trained, TEXTS["long"][:1], 50, 5), rel=1e-5)
    assert found != pytest.approx(by_hand(trained, TEXTS["long"][:1]), rel=1e-5)


@pytest.mark.parametrize("place", ["checkpoints/step-4", "final"])
def test_a_checkpoint_is_read_as_its_run(trained, folder, place):
    run = load(trained / place, "cpu")
    name, score = scorer(run)
    assert windows(run, name, score) == Windows(32, 16, 0.5)
    assert windows(run, "causal", score, 64, 3) == Windows(64, 3, 1.0)


@pytest.mark.parametrize(
    ("files", "options", "complaint"),
    [
        ({"a.bin": "text"}, (), "no file at"),
        ({"a.txt": "\n \n"}, (), "is empty: there is no text to read"),
        ({"a.jsonl": "{}"}, (), "text"),
        ({"a.txt": "word " * 200}, ("stride=32",), "stride=32: a window of 32 positions scores 1 to 31 tokens"),
        ({"a.txt": "word " * 200}, ("length=65",), "length=65: the model takes max_length=64"),
        ({"a.txt": "word"}, ("stride=0",), "perplexity.stride=0"),
    ],
)
def test_a_corpus_that_cannot_be_read_is_one_sentence(suite, tmp_path, files, options, complaint):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=complaint):
        suite("perplexity", tmp_path, *options)


def test_it_brings_no_text(suite, tmp_path):
    with pytest.raises(ValueError, match="there is no file or folder"):
        suite("perplexity", tmp_path / "nix")
    with pytest.raises(ValueError, match="evaluation data not found: pass --data FILE"):
        suite("perplexity", None)
