"""Edge probing: spans become tokens, layers are what the model computes, and what is there to be learned is."""

import json
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from maskwright.attention import BOTH
from maskwright.evaluate.finetuning.edge_data import edges, micro, tokens_of
from maskwright.evaluate.finetuning.edge_probe import EdgeProbe, Probe, Probing
from maskwright.evaluate.finetuning.encoder import padded
from maskwright.evaluate.validation.layer_ablation import first_layers
from maskwright.settings.registry import files, load
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

WORDS = ["statement", "value", "name", "object", "list", "class", "module", "function", "string", "number"]
KINDS = {word: "early" if word < "m" else "late" for word in WORDS}


def sentences(count: int, seed: int, pairs: bool = False) -> list[dict]:
    """Sentences of a few words; a target is a word and whether it is early in the alphabet, or which of two is."""
    draw, lines = np.random.default_rng(seed), []
    for _ in range(count):
        words = draw.choice(WORDS, 5).tolist()
        one, other = sorted(draw.choice(5, 2, replace=False).tolist())
        single = [{"span1": [i, i + 1], "label": KINDS[words[i]]} for i in (one, other)]
        label = [KINDS[words[one]], KINDS[words[other]] + "2"]
        both = [{"span1": [one, one + 1], "span2": [other, other + 1], "label": label}]
        lines.append({"text": " ".join(words), "targets": both if pairs else single, "info": {}})
    return lines


@pytest.fixture
def task(write):
    """Writes a task into a folder of tasks."""

    def put(name: str, pairs: bool = False):
        write(f"{name}/train.jsonl", *sentences(150, 1, pairs))
        return write(f"{name}/valid.jsonl", *sentences(40, 2, pairs))

    return put


def test_what_words_say_of_themselves_is_read_off_the_embeddings(suite, task):
    found = suite("edges", task("kinds"), "layers=0", "seeds=2", "width=32", "epochs=30", "lr=0.01", "device=cpu")
    assert found["kinds/f1"] > 0.95
    assert found["kinds/layer"] == 0
    assert found["kinds/0/weight"] == 1
    assert found["kinds/f1_sd"] >= 0


def test_pairs_of_spans_may_have_several_labels(suite, task):
    found = suite("edges", task("pairs", pairs=True), "seeds=1", "width=32", "epochs=30", "lr=0.01", "device=cpu")
    assert found["pairs/f1"] > 0.9
    weights = [found[f"pairs/{layer}/weight"] for layer in range(3)]
    assert sum(weights) == pytest.approx(1)
    assert found["pairs/layer"] == pytest.approx(weights[1] + 2 * weights[2])


def test_labels_without_a_reason_are_not_learned(suite, write):
    draw = np.random.default_rng(0)
    for name, count in (("train", 80), ("valid", 80)):
        lines = sentences(count, count)
        for line in lines:
            for target in line["targets"]:
                target["label"] = draw.choice(["early", "late"])
        folder = write(f"chance/{name}.jsonl", *lines)
    assert 0.3 < suite("edges", folder, "seeds=1", "width=16", "lr=0.01", "device=cpu")["chance/f1"] < 0.7


def test_a_seed_gives_one_result_and_the_model_stays_as_it_is(suite, task, trained):
    options = "seeds=1", "width=16", "epochs=2", "device=cpu"
    before = (trained / "final/model.safetensors").read_bytes()
    assert suite("edges", task("kinds"), *options) == suite("edges", task("kinds"), *options)
    assert (trained / "final/model.safetensors").read_bytes() == before


@pytest.fixture(scope="session")
def tokenizer(text) -> Tokenizer:
    documents = text.read_text(encoding="utf-8").split("\n\n")
    return Tokenizer.train(documents, TokenizerSettings(kind="bpe", size=404))


SIZES = {"hidden": 32, "layers": 3, "heads": 2, "intermediate": 48, "max_length": 64}


@pytest.mark.parametrize("kind", files("models"))
def test_layers_are_those_that_the_model_has_without_the_later_ones(kind, tokenizer, write, task):
    settings, _ = load("models", kind)
    known = {name: size for name, size in SIZES.items() if name in settings.__dataclass_fields__}
    model = settings(**known).build(tokenizer.vocabulary.size, torch.Generator().manual_seed(0))
    folder = task("kinds")
    task_ = edges(folder / "kinds/train.jsonl", folder / "kinds/valid.jsonl", 20)
    prober = EdgeProbe(model, tokenizer, None, task_, Probing(layers=2))
    ids = prober.train.ids[:3]
    layers = prober._layers(ids)
    assert layers.shape[:2] == (3, 3)
    tokens, seen, inside = padded(ids, tokenizer.vocabulary.pad, BOTH, torch.device("cpu"))
    norm = getattr(model, "final_norm", torch.nn.Identity())
    for count in (1, 2):
        with first_layers(model, count), torch.no_grad():
            assert torch.allclose(norm(layers[count])[inside], model(tokens, seen)[inside], atol=1e-5)


def test_a_probe_sees_its_spans_alone():
    torch.manual_seed(0)
    probe = Probe(2, 8, 2, 5, Probing(width=16))
    probe.begin(0)
    layers, owner = torch.randn(2, 3, 9, 8), torch.tensor([2, 0, 2])
    spans = torch.tensor([[[1, 3], [4, 5]], [[0, 1], [2, 9]], [[5, 6], [5, 6]]])
    found = probe(layers, owner, spans)
    assert found.shape == (3, 5)
    other = layers.clone()
    other[:, 1] += 1
    other[:, 2, 3] += 1
    other[:, 2, 6:] += 1
    assert torch.equal(found, probe(other, owner, spans))
    other[:, 2, 4] += 1
    changed = (found != probe(other, owner, spans)).any(1)
    assert changed.tolist() == [True, False, False]


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "unigram", "character"])
def test_spans_of_words_are_the_tokens_that_touch_them(text, kind):
    documents = text.read_text(encoding="utf-8").split("\n\n")
    tokenizer = Tokenizer.train(documents, TokenizerSettings(kind=kind, size=404))
    line = " ".join(documents[0].split()[:40])
    starts = [0, *(i + 1 for i, sign in enumerate(line) if sign == " ")]
    words = np.array([[begin, end - 1] for begin, end in pairwise([*starts, len(line) + 1])])
    (ends,), slices = tokenizer.ends([line]), tokenizer.slices(line)
    for (begin, end), (first, last) in zip(words, tokens_of(words[:, None], ends)[:, 0], strict=True):
        assert line[begin:end] in "".join(slices[first:last])
        assert line[begin:end] not in "".join(slices[first + 1 : last])
        assert line[begin:end] not in "".join(slices[first : last - 1])
        assert first < last <= len(ends)


def test_f1_counts_every_label_alike():
    truth = np.array([[1, 1, 0], [0, 0, 1]], bool)
    found = np.array([[1, 0, 1], [0, 0, 1]], bool)
    assert micro(found, truth) == pytest.approx({"precision": 2 / 3, "recall": 2 / 3, "f1": 2 / 3})
    assert micro(~truth & False, truth) == {"precision": 0, "recall": 0, "f1": 0}


GOOD = {"text": "a b c", "targets": [{"span1": [0, 1], "label": "x"}]}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ({"text": "a b c"}, "no field 'targets'"),
        (GOOD | {"targets": [{"span1": [0, 1]}]}, "a target has span1 and label"),
        (GOOD | {"targets": ["x"]}, "a target has span1 and label"),
        (GOOD | {"targets": [{"span1": [2, 4], "label": "x"}]}, r"span \[2, 4\]: give the first word .* from 0 to 3"),
        (GOOD | {"targets": [{"span1": [1, 1], "label": "x"}]}, r"span \[1, 1\]"),
        (GOOD | {"targets": [{"span1": "ab", "label": "x"}]}, "span 'ab'"),
        (
            GOOD | {"targets": [{"span1": [0, 1], "span2": [1, 2], "label": "x"}]},
            "2 spans, where the first target has 1",
        ),
        (GOOD | {"targets": [{"span1": [0, 1], "label": "y"}]}, "label='y' is not among those of train.jsonl"),
        (GOOD | {"targets": []}, "is empty: it contains no targets"),
        (GOOD | {"text": "a " * 99}, "tokens: the model takes max_length=64"),
    ],
)
def test_a_target_that_does_not_fit_is_one_sentence(suite, write, line, complaint):
    write("t/train.jsonl", *[GOOD] * 20)
    folder = write("t/valid.jsonl", line)
    with pytest.raises(ValueError, match=complaint):
        suite("edges", folder, "device=cpu", "epochs=1", "seeds=1")


def test_names_and_depths_that_are_not_there_are_refused(suite, task):
    with pytest.raises(ValueError, match=r"no task 'kind' in .*: did you mean 'kinds'"):
        suite("edges", task("kinds"), "tasks=kind")
    with pytest.raises(ValueError, match="layers=3: the model has 2"):
        suite("edges", task("kinds"), "layers=3")


def test_lines_may_lack_targets(tmp_path):
    lines = [GOOD | {"targets": []}, GOOD, GOOD | {"targets": []}, GOOD | {"targets": GOOD["targets"] * 2}]
    for name in ("train", "valid"):
        (tmp_path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    found = edges(tmp_path / "train.jsonl", tmp_path / "valid.jsonl")
    assert found.train.owner.tolist() == [1, 3, 3]
    tokenizer = SimpleNamespace(
        vocabulary=SimpleNamespace(cls=0, sep=1),
        encode_batch=lambda texts: [(np.arange(3), None)] * len(texts),
        ends=lambda texts: [np.array([1, 3, 5])] * len(texts),
    )
    model = torch.nn.Linear(1, 1)
    model.layers, model.max_length = torch.nn.ModuleList(), 9
    read = EdgeProbe(model, tokenizer, None, found, Probing()).train
    assert [some.tolist() for some in read.batches(np.array([3, 0, 1, 2]), 1)] == [[3], [1]]
    assert read.targets(np.array([3, 1])).tolist() == [1, 2, 0]
    assert read.spans[:, 0].tolist() == [[1, 2]] * 3
