"""Every option of fine-tuning and of edge probing has an effect: each has a case that fails when it does nothing."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from maskwright.evaluate.finetuning import finetune, grid, targets
from maskwright.evaluate.finetuning.edge_data import edges
from maskwright.evaluate.finetuning.edge_probe import EdgeProbe, Probing
from maskwright.evaluate.finetuning.finetune import FineTuner, Finetuning
from maskwright.evaluate.suites import classification
from maskwright.evaluate.suites import edges as edge_suite
from maskwright.objectives.causal import Causal
from maskwright.objectives.mlm import Mlm
from maskwright.run import saved
from maskwright.settings import field_names

from .test_classification import lines, toy
from .test_edges import sentences

FIELDS = [f"classification_{name}" for name in field_names(classification.Options)]
FIELDS += [f"edges_{name}" for name in field_names(edge_suite.Options)]
CASES = {}


def case(test):
    """Register the test of an option by the option's name."""
    CASES[test.__name__] = test
    return test


@pytest.mark.parametrize("option", FIELDS)
def test_every_option_of_fine_tuning_has_an_effect(option, given):
    assert option in CASES, f"write a case for {option}: what is it that this option alone brings about?"
    CASES[option](given)


def test_every_case_is_of_an_option_of_fine_tuning():
    assert CASES.keys() == set(FIELDS)


@pytest.fixture
def given(trained, suite, write, tmp_path, monkeypatch):
    return SimpleNamespace(
        loaded=saved.load(trained), suite=suite, write=write, folder=tmp_path, patch=monkeypatch, run=trained
    )


class Watched(torch.optim.AdamW):
    """AdamW that remembers the learning rate and the weights of every step."""

    def __init__(self, parameters, **options):
        super().__init__(parameters, **options)
        self.rates, self.before, self.after = [], [], []
        Watched.last = self

    def step(self, closure=None):
        weights = [parameter for group in self.param_groups for parameter in group["params"]]
        self.rates.append(self.param_groups[0]["lr"])
        self.before.append([weight.detach().clone() for weight in weights])
        super().step(closure)
        self.after.append([weight.detach().clone() for weight in weights])


def tuned(given, count=32, **options):
    """What an optimizer saw while the toy task was learned, and the result."""
    given.patch.setattr(torch.optim, "AdamW", Watched)
    settings = Finetuning(**{"train": "probe", "epochs": 1, "held_out": 0.25, "batch": 8} | options)
    tuner = FineTuner(*given.loaded, Mlm(), toy(count), settings)
    result = tuner(0)
    return SimpleNamespace(result=result, tuner=tuner, optimizer=Watched.last)


@case
def classification_train(given):
    shapes = {}
    for train in ("full", "head", "probe"):
        seen = tuned(given, train=train, epochs=1, lr=0.01).optimizer
        moved = [not torch.equal(one, other) for one, other in zip(seen.before[0], seen.after[-1], strict=True)]
        shapes[train] = sum(moved)
    body = len(list(given.loaded[0].parameters()))
    assert shapes["probe"] == 2, "one matrix and its bias"
    assert shapes["head"] == 4
    assert 4 < shapes["full"] <= 4 + body


@case
def classification_protocol(given):
    given.patch.setattr(torch.optim, "AdamW", Watched)
    task = replace(toy(40), name="mrpc")
    for protocol, rate, steps in ((None, 5e-4, 4), ("babylm", 3e-5, 2)):
        tuner = FineTuner(*given.loaded, Mlm(), task, Finetuning(protocol=protocol, epochs=2, held_out=0.0))
        tuner(0)
        assert (len(Watched.last.rates), max(Watched.last.rates)) == (steps, pytest.approx(rate))


@case
def classification_epochs(given):
    assert [len(tuned(given, epochs=epochs, patience=9).optimizer.rates) for epochs in (1, 3)] == [3, 9]


@case
def classification_batch(given):
    assert [len(tuned(given, batch=batch).optimizer.rates) for batch in (6, 12)] == [4, 2]


@case
def classification_lr(given):
    assert max(tuned(given, lr=0.123, warmup=0.3).optimizer.rates) == pytest.approx(0.123)
    for train, rate in {"full": 5e-4, "head": 1e-3, "probe": 3e-3}.items():
        assert max(tuned(given, train=train, warmup=0.3).optimizer.rates) == pytest.approx(rate)


@case
def classification_rates(given):
    """The best of those tried is taken, and what is trained with it is what lr gives by hand."""
    learning = {"train": "full", "count": 64, "epochs": 2}
    scores = [tuned(given, lr=rate, **learning).result.score for rate in (1e-6, 0.03)]
    assert scores[1] > scores[0]
    tuner = tuned(given, rates=(1e-6, 0.03), **learning).tuner
    assert grid.search(tuner, 0) == {"lr": 0.03}
    assert tuner(0).numbers == tuned(given, lr=0.03, **learning).result.numbers
    with pytest.raises(ValueError, match=r"rates=\[0.1\] are tried in place of lr=0.2: give one of the two"):
        Finetuning(rates=(0.1,), lr=0.2)


@case
def classification_batches(given):
    """Every pair is tried: one update of many examples learns nothing at either rate."""
    learning = {"train": "full", "count": 64, "epochs": 2}
    tuner = tuned(given, rates=(1e-6, 0.03), batches=(48, 4), **learning).tuner
    assert grid.search(tuner, 0) == {"lr": 0.03, "batch": 4.0}
    assert tuner(0).numbers == tuned(given, lr=0.03, batch=4, **learning).result.numbers
    with pytest.raises(ValueError, match="protocol=babylm has a rate and a batch of its own"):
        Finetuning(batches=(4,), protocol="babylm")


@case
def classification_warmup(given):
    rates = tuned(given, warmup=0.5, epochs=4, patience=9, lr=1.0).optimizer.rates
    assert rates[:6] == pytest.approx([(step + 1) / 6 for step in range(6)])
    assert rates[-1] < 0.3


@case
def classification_weight_decay(given):
    """Decoupled: what a first step takes off more with it is rate · decay · weight (Loshchilov and Hutter 2019)."""
    plain, decayed = (tuned(given, weight_decay=decay, lr=0.1, warmup=0.01).optimizer for decay in (0.0, 0.5))
    for start, without, with_ in zip(plain.before[0], plain.after[0], decayed.after[0], strict=True):
        assert torch.allclose(with_ - without, -plain.rates[0] * 0.5 * start, atol=1e-6)
    assert plain.before[0][0].abs().max() > 0.01


@case
def classification_dropout(given):
    layers = []
    made = finetune.head
    given.patch.setattr(finetune, "head", lambda *rest: layers.append(made(*rest)) or layers[-1])
    for dropout in (0.0, 0.7):
        tuned(given, train="head", dropout=dropout)
        top = layers[-1].train()
        inside = [layer for layer in top if isinstance(layer, torch.nn.Dropout)]
        assert [layer.p for layer in inside] == [dropout]
        assert (inside[0](torch.ones(1000)) == 0).float().mean() == pytest.approx(dropout, abs=0.08)


@case
def classification_patience(given):
    """A rate so small that no score changes: the first epoch stays the best."""
    for patience in (1, 3):
        seen = tuned(given, lr=1e-12, epochs=9, patience=patience)
        assert seen.result.numbers["epoch"] == 1
        assert len(seen.optimizer.rates) == 3 * (1 + patience)


@case
def classification_metric(given):
    """Scores that disagree about the best epoch; each metric keeps its own."""
    scores = {"accuracy": [3, 1, 2], "f1": [1, 3, 2], "mcc": [1, 2, 3]}
    for metric, column in scores.items():
        turns = iter(range(9))

        def agreed(*_, turns=turns):
            turn = min(next(turns), 2)
            return {name: values[turn] for name, values in scores.items()}

        given.patch.setattr(targets, "agreement", agreed)
        assert tuned(given, metric=metric, epochs=3, patience=9).result.numbers["epoch"] == 1 + column.index(3)


@case
def classification_held_out(given):
    for share, kept in [(0.25, 8), (0.5, 16)]:
        learned, deciding = tuned(given, held_out=share).tuner._split(0)
        assert (len(learned), len(deciding)) == (32 - kept, kept)


@case
def classification_pool(given):
    model, tokenizer = given.loaded

    def vector(pool, objective=None):
        tuner = FineTuner(model, tokenizer, objective or Mlm(), toy(4), Finetuning(train="probe", pool=pool))
        return tuner.vectors[0][0], torch.from_numpy(tuner.rows.ids[0])[None]

    with torch.no_grad():
        hidden = model(vector("first")[1])[0]
    for pool, wanted in {"first": hidden[0], "last": hidden[-1], "mean": hidden.mean(0), "auto": hidden[0]}.items():
        assert torch.allclose(vector(pool)[0], wanted, atol=1e-5)
    assert torch.equal(vector("auto", Causal())[0], vector("last", Causal())[0])


@case
def classification_length(given):
    for length in (5, 8):
        assert max(map(len, tuned(given, length=length).tuner.rows.ids)) == length


def folder(given, name="one"):
    given.write(f"{name}/train.jsonl", *lines(24))
    return given.write(f"{name}/valid.jsonl", *lines(12, 1))


QUICK = ("train=probe", "epochs=1")


@case
def classification_seeds(given):
    for seeds in (1, 2):
        numbers = given.suite("classification", folder(given), *QUICK, f"seeds={seeds}")
        assert numbers["one/seeds"] == seeds
        assert ("one/accuracy_sd" in numbers) == (seeds > 1)


@case
def classification_tasks(given):
    folder(given), folder(given, "two")
    numbers = given.suite("classification", folder(given), *QUICK, "seeds=1", "tasks=two")
    assert {name.partition("/")[0] for name in numbers} == {"two", "accuracy", "commonest"}


@case
def classification_limit(given):
    assert given.suite("classification", folder(given), *QUICK, "seeds=1", "limit=7")["one/items"] == 7


@case
def classification_device(given):
    given.patch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match="this machine has 1 GPUs"):
        given.suite("classification", folder(given), *QUICK, "device=cuda:1")


@case
def classification_predictions(given):
    given.suite("classification", folder(given), *QUICK, "seeds=1", f"predictions={given.folder / 'kept'}")
    assert [path.parent.name for path in (given.folder / "kept").rglob("predictions.json")] == ["one"]


class Counted(torch.optim.Adam):
    """Adam that counts its steps."""

    def __init__(self, parameters, **options):
        super().__init__(parameters, **options)
        self.steps = 0
        Counted.last = self

    def step(self, closure=None):
        self.steps += 1
        super().step(closure)


def edge_folder(given, name="kinds"):
    given.write(f"{name}/train.jsonl", *sentences(20, 1))
    return given.write(f"{name}/valid.jsonl", *sentences(9, 2))


def probed(given, **options):
    """What an optimizer saw while spans were learned, and the numbers."""
    given.patch.setattr(torch.optim, "Adam", Counted)
    place = edge_folder(given) / "kinds"
    task = edges(place / "train.jsonl", place / "valid.jsonl")
    settings = Probing(**{"width": 8, "epochs": 1, "held_out": 0.2, "batch": 8} | options)
    numbers = EdgeProbe(*given.loaded, Mlm(), task, settings)(0)
    return SimpleNamespace(numbers=numbers, steps=Counted.last.steps, groups=Counted.last.param_groups)


@case
def edges_layers(given):
    for layers in (0, 1, 2):
        weights = [name for name in probed(given, layers=layers).numbers if name.endswith("/weight")]
        assert len(weights) == layers + 1


@case
def edges_width(given):
    for width in (4, 12):
        assert tuple(probed(given, width=width).groups[0]["params"][2].shape) == (width, 32)


@case
def edges_epochs(given):
    assert [probed(given, epochs=epochs, patience=9).steps for epochs in (1, 3)] == [2, 6]


@case
def edges_batch(given):
    assert [probed(given, batch=batch).steps for batch in (4, 16)] == [4, 1]


@case
def edges_lr(given):
    assert probed(given, lr=0.0123).groups[0]["lr"] == 0.0123


@case
def edges_patience(given):
    """A rate so small that F1 does not change: the first epoch stays the best."""
    for patience in (1, 3):
        seen = probed(given, lr=1e-12, epochs=9, patience=patience)
        assert (seen.numbers["epoch"], seen.steps) == (1, 2 * (1 + patience))


@case
def edges_held_out(given):
    """Of 20 sentences 16 or 10 are learned from."""
    assert [probed(given, held_out=share, batch=1).steps for share in (0.2, 0.5)] == [16, 10]


EDGE = ("width=8", "epochs=1", "device=cpu")


@case
def edges_seeds(given):
    for seeds in (1, 2):
        numbers = given.suite("edges", edge_folder(given), *EDGE, f"seeds={seeds}")
        assert ("kinds/f1_sd" in numbers) == (seeds > 1)


@case
def edges_tasks(given):
    edge_folder(given, "others")
    numbers = given.suite("edges", edge_folder(given), *EDGE, "seeds=1", "tasks=others")
    assert {name.partition("/")[0] for name in numbers} == {"others"}


@case
def edges_limit(given):
    sizes = []
    found = edge_suite.edges
    given.patch.setattr(edge_suite, "edges", lambda *rest: sizes.append(found(*rest)) or sizes[-1])
    given.suite("edges", edge_folder(given), *EDGE, "seeds=1", "limit=6")
    assert (len(sizes[0].train.texts), len(sizes[0].valid.texts)) == (6, 6)


@case
def edges_device(given):
    given.patch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match="this machine has 1 GPUs"):
        given.suite("edges", edge_folder(given), "device=cuda:1")
