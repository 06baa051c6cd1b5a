"""Fine-tuning as the official BabyLM evaluation does it: options, rates, padding, and the epoch."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from maskwright.attention import BOTH, FORWARD
from maskwright.evaluate.finetuning import targets
from maskwright.evaluate.finetuning.encoder import Encoder, padded
from maskwright.evaluate.finetuning.finetune import FineTuner, Finetuning
from maskwright.evaluate.finetuning.protocol import TASKS, from_zero, of_task
from maskwright.objectives.mlm import Mlm
from maskwright.run import saved
from tests.evaluate.suites.test_classification import lines, toy

OFFICIAL = {"lr": 3e-5, "batch": 32, "epochs": 10, "length": 512, "metric": None, "weight_decay": 0.01}
OFFICIAL |= {"warmup": 0.06, "dropout": 0.1, "held_out": 0.0, "pool": "last", "train": "full"}
DIFFERENT = {"boolq": {"batch": 16}, "multirc": {"batch": 16}, "wsc": {"epochs": 30}}
DIFFERENT |= {"mrpc": {"metric": "f1"}, "qqp": {"metric": "f1"}}


@pytest.mark.parametrize("task", ["boolq", "mnli", "mrpc", "multirc", "qqp", "rte", "wsc"])
def test_every_task_has_the_official_options(task) -> None:
    found = of_task(Finetuning(protocol="babylm"), task)
    assert {name: getattr(found, name) for name in OFFICIAL} == OFFICIAL | DIFFERENT.get(task, {})
    assert found.patience > found.epochs
    assert of_task(Finetuning(protocol="babylm", lr=1e-3), task).lr == 1e-3
    assert of_task(Finetuning(), task) == Finetuning()


def test_other_tasks_are_not_of_the_protocol() -> None:
    assert set(TASKS) == {"boolq", "mnli", "mrpc", "multirc", "qqp", "rte", "wsc"}
    with pytest.raises(ValueError, match=r"protocol=babylm has no task 'cola'"):
        of_task(Finetuning(protocol="babylm"), "cola")


@pytest.mark.parametrize("steps", [10, 40, 333])
def test_rates_rise_from_zero_and_fall_to_a_tenth(steps) -> None:
    rising = int(0.06 * steps)
    for step in range(steps):
        progress = (step - rising) / (steps - rising)
        plain = step / rising if step < rising else max(0.1, 0.1 + 0.9 * 0.5 * (1.0 + math.cos(math.pi * progress)))
        assert from_zero(step, steps, 0.06) == pytest.approx(plain)


def test_padding_on_the_left_ends_every_text_at_the_last_position() -> None:
    ids = [np.array([1, 30, 31, 2]), np.array([1, 30, 40, 50, 2])]
    tokens, _, inside = padded(ids, 0, BOTH, torch.device("cpu"), left=True)
    assert tokens.tolist() == [[0, 1, 30, 31, 2], [1, 30, 40, 50, 2]]
    assert inside.tolist() == [[False, True, True, True, True], [True] * 5]


@torch.no_grad()
@pytest.mark.parametrize("view", [BOTH, FORWARD])
def test_a_text_padded_on_the_left_has_the_vector_of_itself_alone(trained, view) -> None:
    model, tokenizer = saved.load(trained)
    ids = [np.array([1, 30, 31, 2]), np.array([1, 30, 40, 50, 60, 61, 2])]
    for pool in ("first", "last"):
        alone = [Encoder(model, tokenizer.vocabulary.pad, view, pool)([one])[0] for one in ids]
        together = Encoder(model, tokenizer.vocabulary.pad, view, pool, left=True)(ids)
        assert torch.allclose(together, torch.stack(alone), atol=1e-5)


def test_the_head_of_the_protocol_begins_as_linear_layers_of_pytorch_do(trained, monkeypatch) -> None:
    begun = []
    monkeypatch.setattr(FineTuner, "train", lambda _, network, seed: begun.append(network.top))
    for protocol in (None, "babylm"):
        FineTuner(*saved.load(trained), Mlm(), replace(toy(40), name="rte"), Finetuning(protocol=protocol))(42)
    ours, official = (torch.cat([one.detach().flatten() for one in top.parameters()]) for top in begun)
    bound = begun[1][1].weight.shape[1] ** -0.5
    assert 0.9 * bound < official.abs().max() <= bound
    assert float(official.std()) == pytest.approx(bound / 3**0.5, rel=0.1)
    assert float(ours.std()) == pytest.approx(0.02, rel=0.2)


def test_the_epoch_is_chosen_by_f1_on_the_examples_that_are_reported_and_none_is_skipped(trained, monkeypatch) -> None:
    asked = []
    scores = iter([{"accuracy": 0, "f1": f1, "mcc": 0} for f1 in (1, 3, 2, 0)])
    monkeypatch.setattr(targets, "agreement", lambda found, truth, _: asked.append(len(truth)) or next(scores))
    task = replace(toy(40), name="mrpc")
    result = FineTuner(*saved.load(trained), Mlm(), task, Finetuning(protocol="babylm", epochs=3))(42)
    assert result.numbers["epoch"] == 2
    assert asked == [40] * 4


def test_predictions_and_results_lie_where_the_official_program_writes_them(suite, write, trained, tmp_path) -> None:
    pairs = [{"sentence1": line["sentence"], "sentence2": "It is.", "label": line["label"]} for line in lines(34)]
    write("full_eval/glue_filtered/rte.train.jsonl", *pairs)
    data = write("full_eval/glue_filtered/rte.valid.jsonl", *pairs[:9])
    options = ["protocol=babylm", "epochs=1", "tasks=rte", f"predictions={tmp_path}"]
    numbers = suite("classification", data, *options)
    assert numbers["rte/seeds"] == 1
    assert "rte/accuracy_sd" not in numbers
    made = json.loads((tmp_path / "run/main/finetune/rte/predictions.json").read_text())["rte"]["predictions"]
    assert [line["id"] for line in made] == [f"rte_{i}" for i in range(9)]
    said = (tmp_path / "run/main/finetune/rte/results.txt").read_text().splitlines()
    assert [line.partition(":")[0] for line in said] == ["accuracy", "f1", "mcc"]
    assert float(said[0].partition(": ")[2]) == numbers["rte/accuracy"]
    with pytest.raises(ValueError, match=r"rte has 34 examples to train on, fewer than batch=64"):
        suite("classification", data, *options, "batch=64")
