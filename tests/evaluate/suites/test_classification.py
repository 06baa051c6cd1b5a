"""Fine-tuning: what is learned, what stays, and what comes out."""

import json

import numpy as np
import pytest
import torch

from maskwright.attention import BACKWARD, BOTH, FORWARD
from maskwright.evaluate.finetuning.classification_data import Examples, Task
from maskwright.evaluate.finetuning.encoder import Encoder, encoded
from maskwright.evaluate.finetuning.finetune import FineTuner, Finetuning
from maskwright.objectives.base.capabilities import reading_direction
from maskwright.objectives.causal import Causal
from maskwright.objectives.hybrid import Hybrid
from maskwright.objectives.mlm import Mlm
from maskwright.run import saved

WORDS = ["names", "values", "objects", "rules", "lists"]


def lines(count: int, seed: int = 0) -> list[dict]:
    """Texts in which one of two words says the class, among others that say nothing."""
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        label = int(draw.integers(2))
        text = [WORDS[i] for i in draw.integers(5, size=4)]
        text[draw.integers(4)] = ("assignment", "expression")[label]
        found.append({"sentence": " ".join(text), "label": label})
    return found


def toy(count: int = 96) -> Task:
    parts = [lines(count, seed) for seed in (0, 1)]
    made = [
        Examples([(line["sentence"],) for line in part], np.array([line["label"] for line in part])) for part in parts
    ]
    return Task("toy", ("0", "1"), *made)


@pytest.fixture(scope="module")
def loaded(trained):
    return saved.load(trained)


def tuned(loaded, seed=0, objective=None, **options):
    return FineTuner(*loaded, objective or Mlm(), toy(), Finetuning(**options))(seed)


@pytest.mark.parametrize("train", ["full", "head", "probe"])
def test_a_task_that_can_be_learned_is(loaded, train) -> None:
    before = {name: weight.clone() for name, weight in loaded[0].state_dict().items()}
    options = {"lr": 0.01, "epochs": 12, "patience": 12, "pool": "mean"}
    assert tuned(loaded, train=train, **options).numbers["accuracy"] > 0.9
    for name, weight in loaded[0].state_dict().items():
        assert torch.equal(weight, before[name])


def test_the_same_seed_gives_the_same_result_and_another_not(loaded) -> None:
    options = {"epochs": 1, "lr": 0.001, "train": "probe", "pool": "mean"}
    one, again, other = (tuned(loaded, seed, **options) for seed in (0, 0, 1))
    assert one.numbers == again.numbers
    assert (one.found == again.found).all()
    assert (one.found != other.found).any()


def test_it_stops_when_nothing_improves(loaded) -> None:
    result = tuned(loaded, train="probe", epochs=40, patience=1, lr=1e-9)
    assert result.numbers["epoch"] <= 2


def test_held_out_examples_are_never_learned(loaded) -> None:
    tuner = FineTuner(*loaded, Mlm(), toy(), Finetuning(train="probe", held_out=0.25))
    for seed in range(3):
        learned, deciding = tuner._split(seed)
        assert len(deciding) == 24
        assert sorted([*learned, *deciding]) == list(range(96))
    learned, deciding = FineTuner(*loaded, Mlm(), toy(), Finetuning(train="probe", held_out=0.0))._split(0)
    assert (len(learned), deciding.min(), len(deciding)) == (96, 96, 96)


@torch.no_grad()
def test_a_vector_is_that_of_the_example_alone(loaded) -> None:
    model, tokenizer = loaded
    ids = [np.array([1, 30, 31, 2]), np.array([1, 30, 40, 50, 60, 61, 2]), np.array([1, 2])]
    for view in (BOTH, FORWARD, BACKWARD):
        for pool, take in (("first", lambda h: h[0]), ("last", lambda h: h[-1]), ("mean", lambda h: h.mean(0))):
            encoder = Encoder(model, tokenizer.vocabulary.pad, view, pool)
            for one, vector in zip(ids, encoder(ids), strict=True):
                seen = torch.ones(len(one), len(one)).bool()
                seen = {BOTH: seen, FORWARD: seen.tril(), BACKWARD: seen.triu()}[view]
                hidden = model(torch.from_numpy(one)[None], seen[None, None])[0]
                assert torch.allclose(vector, take(hidden), atol=1e-5)


def test_a_causal_model_reads_forward_and_is_asked_at_the_end() -> None:
    assert reading_direction(Causal()) == (FORWARD, "last")
    assert reading_direction(Causal(direction="backward")) == (BACKWARD, "first")
    assert reading_direction(Mlm()) == reading_direction(Hybrid()) == reading_direction(None) == (BOTH, "first")


@pytest.mark.parametrize(
    ("sizes", "kept"), [((3, 4), (3, 4)), ((30, 4), (13, 4)), ((4, 30), (4, 13)), ((30, 30), (9, 8))]
)
def test_the_longer_of_a_pair_is_cut(loaded, sizes, kept) -> None:
    vocabulary, unit = loaded[1].vocabulary, len(loaded[1].encode("a")[0])
    assert unit == 1
    texts = tuple("a" * size for size in sizes)
    assert [len(ids) for ids, _ in loaded[1].encode_batch(texts)] == list(sizes)
    (row,) = encoded(loaded[1], Examples([texts], np.zeros(1, int)), 20)
    ends = np.flatnonzero(row == vocabulary.sep)
    assert row[0] == vocabulary.cls
    assert (ends[0] - 1, ends[1] - ends[0] - 1, len(row)) == (*kept, sum(kept) + 3)


def test_tasks_give_means_and_spread(suite, write, tmp_path) -> None:
    for name in ("one", "two"):
        write(f"{name}/train.jsonl", *lines(40))
        folder = write(f"{name}/valid.jsonl", *lines(30, 1))
    options = ["train=probe", "seeds=2", "epochs=2", f"predictions={tmp_path / 'out'}"]
    numbers = suite("classification", folder, *options)
    assert {f"{task}/{name}" for task in ("one", "two") for name in ("accuracy", "f1_sd", "mcc")} <= numbers.keys()
    assert numbers["one/accuracy"] == numbers["two/accuracy"]
    assert numbers["one/items"] == 30
    made = json.loads((tmp_path / "out/run/main/finetune/one/predictions.json").read_text())["one"]["predictions"]
    assert len(made) == 30
    assert {line["pred"] for line in made} <= {0, 1}
    assert "two/accuracy" not in suite("classification", folder, "tasks=one", "seeds=1", "epochs=1", "train=probe")
    with pytest.raises(ValueError, match=r"no task 'thre' in .*: choose from one, two"):
        suite("classification", folder, "tasks=thre")


def test_the_mean_over_tasks_stands_beside_that_of_the_commonest_answers(suite, write) -> None:
    write("skewed/train.jsonl", *lines(40))
    write("skewed/valid.jsonl", *(line | {"label": 0} for line in lines(30, 1)))
    write("even/train.jsonl", *lines(40))
    folder = write("even/valid.jsonl", *lines(30, 1))
    numbers = suite("classification", folder, "train=probe", "seeds=1", "epochs=1")
    for name, of_task in (("accuracy", "accuracy"), ("commonest/accuracy", "commonest")):
        assert numbers["even/" + of_task] != numbers["skewed/" + of_task]
        assert numbers[name] == np.mean([numbers[f"{task}/{of_task}"] for task in ("even", "skewed")])


def test_scores_of_likeness_are_learned_and_correlated(suite, write) -> None:
    draw = np.random.default_rng(0)

    def alike(count: int) -> list[dict]:
        values = draw.integers(5, size=count)
        texts = [" ".join(["assignment"] * value + ["expression"] * (4 - value)) for value in values.tolist()]
        return [{"sentence1": t, "sentence2": "values", "score": v / 2} for t, v in zip(texts, values, strict=True)]

    write("sts/train.jsonl", *alike(80))
    folder = write("sts/valid.jsonl", *alike(30))
    options = ["lr=0.01", "epochs=30", "patience=30", "seeds=1", "pool=mean"]
    numbers = suite("classification", folder, *options)
    assert numbers["sts/spearman"] > 0.9
    assert suite("classification", folder, *options, "metric=pearson")["sts/pearson"] > 0.9
    assert numbers["spearman"] == numbers["sts/spearman"]
    assert {"accuracy", "sts/commonest"} & numbers.keys() == set()
    with pytest.raises(ValueError, match="metric=f1: sts has pearson, spearman"):
        suite("classification", folder, "metric=f1", "seeds=1", "epochs=1")
    write("sts/valid.jsonl", {"sentence1": "a", "sentence2": "b", "score": "much"})
    with pytest.raises(ValueError, match=r"valid\.jsonl:1: label=much: give a number, as the other lines do"):
        suite("classification", folder)
