"""Fine-tuned for a task and written as `transformers` opens it: by its auto class, with the head and the labels."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoTokenizer, pipeline

from maskwright.evaluate.finetuning.classification_data import Examples, Task
from maskwright.evaluate.finetuning.tag_data import TaggedSentences, Tagging
from maskwright.hub.export.finetuned import Options, finetune, read_task
from maskwright.models.transformers import Transformers
from maskwright.models.transformers.quiet import silence
from maskwright.run.load import load
from maskwright.text.tokenizers.tokenizer import Tokenizer

from ..families import needs

QUICK = {"epochs": 16, "patience": 16, "lr": 0.005, "length": 32}
TAGS = {"rule": "A", "value": "A", "list": "A", "name": "B", "object": "B"}
FAMILIES = ["bert", "roberta", "distilbert", "electra", "albert", "mpnet", "modernbert", "deberta-v2", "gpt2", "llama"]


def texts(pairs: bool = False, numbers: bool = False) -> Task:
    """The first word says the class."""
    draw, parts = np.random.default_rng(0), []
    for count in (64, 40):
        labels = draw.integers(2, size=count)
        rest = [" ".join(draw.choice(["rule", "list", "value"], size=3)) for _ in labels]
        found = [
            (f"{('object', 'name')[i]} {text} {('object', 'name')[i]}",) for i, text in zip(labels, rest, strict=True)
        ]
        found = [(*one, "the value") for one in found] if pairs else found
        parts.append(Examples(found, labels * 1.5 if numbers else labels))
    return Task("toy", () if numbers else ("no", "yes"), *parts)


def words() -> Tagging:
    draw, parts = np.random.default_rng(0), []
    for count in (64, 30):
        found = [tuple(map(str, draw.choice(list(TAGS), size=4))) for _ in range(count)]
        parts.append(
            TaggedSentences(found, [np.array([("A", "B").index(TAGS[word]) for word in one]) for one in found])
        )
    return Tagging("toy", ("A", "B"), *parts)


@pytest.fixture
def family(tokenizer: Tokenizer, tmp_path: Path) -> Callable[[str], Path]:
    """A small model of a family with random weights, in a folder of `transformers`."""

    def made(name: str) -> Path:
        needs(name)
        sizes = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 40}
        head = "causal" if name in ("gpt2", "llama") else "masked"
        settings = Transformers(architecture=name, head=head, dropout=0.0, **sizes)
        network: Any = settings.build(tokenizer.vocabulary.size, torch.Generator().manual_seed(0)).network
        if head == "causal":
            network.config.pad_token_id = tokenizer.vocabulary.pad
        with silence():
            network.save_pretrained(tmp_path / name)
        tokenizer.save(tmp_path / name)
        return tmp_path / name

    return made


@torch.no_grad()
def agrees(out: Path, task: Task | Tagging, numbers: dict[str, float], trust: bool = False) -> None:
    """The folder, opened by its auto class, gives the accuracy that was printed, and has the labels by name."""
    auto = AutoModelForTokenClassification if isinstance(task, Tagging) else AutoModelForSequenceClassification
    model = auto.from_pretrained(out, trust_remote_code=trust).eval()
    tokenizer = AutoTokenizer.from_pretrained(out)
    assert [model.config.id2label[i] for i in range(len(task.classes))] == list(task.classes)
    right = []
    if isinstance(task, Tagging):
        for sentence, labels in zip(task.valid.words, task.valid.labels, strict=True):
            made = tokenizer(" ".join(sentence), return_tensors="pt", return_offsets_mapping=True)
            offsets = made.pop("offset_mapping")[0].tolist()
            starts = np.cumsum([0, *(len(word) + 1 for word in sentence)])[:-1]
            firsts = [next(i for i, (_, end) in enumerate(offsets) if end > start) for start in starts]
            right += (model(**made).logits[0, firsts].argmax(-1).numpy() == labels).tolist()
    else:
        for text, label in zip(task.valid.texts, task.valid.labels, strict=True):
            right.append(int(model(**tokenizer(*text, return_tensors="pt")).logits.argmax()) == label)
    assert np.mean(right) == pytest.approx(numbers["accuracy"], abs=0.03)


@pytest.mark.parametrize("name", FAMILIES)
def test_what_is_written_is_what_was_measured(family, tmp_path, name) -> None:
    run = load(family(name), "cpu")
    for task in (texts(pairs=True), words()):
        out = tmp_path / f"out-{type(task).__name__}"
        numbers = finetune(run, task, Options(**QUICK), out)
        assert numbers["accuracy"] > 0.8
        agrees(out, task, numbers)


@pytest.mark.parametrize(("name", "objective", "options"), [
    ("modern", "mlm", {}), ("modern", "causal", {}), ("deberta", "mlm", {}), ("ltg-bert", "mlm", {}),
    ("minigpt", "causal", {}), ("modern", "mlm", {"nhot": {"fusion": "add"}}),
])  # fmt: skip
def test_models_of_ours_go_out_under_a_native_class_or_with_our_file(
    source, tmp_path, name, objective, options
) -> None:
    run = source(name, objective, **options)
    before = {key: value.clone() for key, value in run.model.state_dict().items()}
    for task in (texts(), words()):
        out = tmp_path / f"out-{type(task).__name__}"
        numbers = finetune(run, task, Options(**QUICK | {"lr": 0.003}), out)
        agrees(out, task, numbers, trust=(out / "modeling_maskwright.py").exists())
        if name == "modern" and not options and objective == "mlm":
            assert numbers["accuracy"] > 0.9
            kind = "TokenClassification" if isinstance(task, Tagging) else "SequenceClassification"
            assert json.loads((out / "config.json").read_text())["architectures"] == [f"ModernBertFor{kind}"]
    for key, value in run.model.state_dict().items():
        assert torch.equal(value, before[key]), key


def test_scores_and_the_pipelines(source, tmp_path) -> None:
    run = source("modern", "mlm")
    numbers = finetune(run, texts(numbers=True), Options(**QUICK | {"epochs": 30, "patience": 30}), tmp_path / "scores")
    assert numbers["spearman"] > 0.8
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "scores")
    assert (model.config.num_labels, model.config.problem_type) == (1, "regression")
    finetune(run, words(), Options(**QUICK), tmp_path / "tags")
    found = pipeline("token-classification", str(tmp_path / "tags"), aggregation_strategy="simple")("name rule")
    assert {one["entity_group"] for one in found} <= {"A", "B"}
    assert "token-classification" in (tmp_path / "tags/README.md").read_text()
    finetune(run, texts(), Options(**QUICK, pool="mean"), tmp_path / "mean")
    assert json.loads((tmp_path / "mean/config.json").read_text())["classifier_pooling"] == "mean"
    (asked,) = pipeline("text-classification", str(tmp_path / "mean"))("name value name")
    assert asked["label"] in ("no", "yes")


def test_the_seed_decides_the_head_and_the_dropout_is_the_heads(source, tmp_path) -> None:
    run = source("modern", "mlm")
    for number, options in enumerate([{}, {}, {"seed": 1}, {"dropout": 0.4}]):
        finetune(run, texts(), Options(**{**QUICK, "epochs": 1}, **options), tmp_path / str(number))
    heads = [
        AutoModelForSequenceClassification.from_pretrained(tmp_path / str(number)).classifier.weight
        for number in range(4)
    ]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])
    assert json.loads((tmp_path / "3/config.json").read_text())["classifier_dropout"] == 0.4


def test_what_is_exported_has_the_rate_that_did_best(source, tmp_path) -> None:
    run, quick = source("modern", "mlm"), {**QUICK, "lr": None, "epochs": 6}
    numbers = finetune(run, texts(), Options(**quick, rates=(1e-7, 0.005)), tmp_path / "best")
    assert numbers["lr"] == 0.005
    by_hand = finetune(run, texts(), Options(**quick | {"lr": 0.005}), tmp_path / "by_hand")
    assert numbers == by_hand | {"lr": 0.005}
    agrees(tmp_path / "best", texts(), numbers)


def test_the_task_is_known_by_its_files(tmp_path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for part in ("train", "valid"):
            (tmp_path / name / f"{part}.jsonl").write_text('{"text": "x", "label": 0}\n{"text": "y", "label": 1}\n')
    (tmp_path / "pos").mkdir()
    (tmp_path / "pos/train.txt").write_text("a_X b_Y\n" * 500)
    assert isinstance(read_task(tmp_path / "pos", None), Tagging)
    assert len(read_task(tmp_path / "a", 1 + 1).train) == 2
    with pytest.raises(ValueError, match=r"holds 2 tasks: pass the folder of one, such as .*/a"):
        read_task(tmp_path, None)
    with pytest.raises(ValueError, match="evaluation data not found: pass --data FOLDER"):
        read_task(None, None)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"train": "probe"}, "train=probe: what is exported is trained as a whole"),
        ({"protocol": "babylm"}, "protocol=babylm: what is exported"),
        ({"pool": "last"}, "pool=last: the class for modernbert has a place of its own"),
    ],
)
def test_what_a_class_has_not_is_refused(source, tmp_path, options, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        finetune(source("modern", "mlm"), texts(), Options(**options), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_with_something_in_it_is_not_written_over(source, tmp_path) -> None:
    (tmp_path / "kept").write_text("mine")
    with pytest.raises(ValueError, match="is not empty: choose another folder"):
        finetune(source("modern", "mlm"), texts(), Options(), tmp_path)
