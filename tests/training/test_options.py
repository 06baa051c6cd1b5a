"""Every option of `training` and `evaluation` has an effect: each field has a case that fails when it does nothing."""

import json
from dataclasses import dataclass
from functools import cached_property
from math import cos, pi, sqrt
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from maskwright.cli.commands import train
from maskwright.distributed import ranks
from maskwright.optimizers._by_layer import depths
from maskwright.run import saved
from maskwright.run.config import Config, Evaluation, Training
from maskwright.run.metrics_log import read_lines
from maskwright.settings import field_names
from maskwright.training import fit
from maskwright.training import step as steps
from maskwright.training.step import micro_batch
from maskwright.training.trainer import Trainer

FIELDS = [*field_names(Training), *(f"evaluation_{name}" for name in field_names(Evaluation))]
CASES = {}
PLAIN = {"steps": 4, "batch_tokens": 256, "log_every": 1, "precision": "fp32", "compile": False, "checkpoint_every": 99}
BY_HAND = {"warmup": 0.0, "decay": "constant", "clip": None}
SGD = {"name": "sgd", "lr": 1.0, "momentum": 0.0}


def case(test):
    """Register the test of an option by the option's name."""
    CASES[test.__name__] = test
    return test


@pytest.mark.parametrize("option", FIELDS)
def test_every_option_of_training_has_an_effect(option, runs):
    assert option in CASES, f"write a case for {option}: what is it that this option alone brings about?"
    CASES[option](runs)


def test_every_case_is_of_an_option():
    assert CASES.keys() == set(FIELDS)


@dataclass
class Done:
    """A run that was trained."""

    trainer: Trainer
    numbers: dict

    @property
    def out(self) -> Path:
        return self.trainer.out

    @cached_property
    def lines(self) -> list[dict]:
        return read_lines(self.out / "metrics.jsonl")

    def column(self, name: str) -> list[float]:
        return [line[name] for line in self.lines if name in line]


class Runs:
    """Makes small runs, each in a folder of its own."""

    def __init__(self, settings: dict, folder: Path, patch: pytest.MonkeyPatch):
        self.settings, self.folder, self.patch, self.count = settings, folder, patch, 0

    def config(self, optimizer: dict | None = None, evaluation: dict | None = None, **training) -> Config:
        tree = self.settings | {"training": PLAIN | training, "optimizer": optimizer or self.settings["optimizer"]}
        tree["evaluation"] = {"held_out": 0.2, "every": 99} | (evaluation or {})
        return Config.of(tree)

    def trainer(self, *sections, **options) -> Trainer:
        self.count += 1
        return Trainer(self.config(*sections, **options), self.folder / str(self.count), show=False)

    def __call__(self, **options) -> Done:
        trainer = self.trainer(**options)
        return Done(trainer, trainer.train().metrics)

    def rates(self, **training) -> list[float]:
        """The learning rate of each of four steps, as a share of its peak."""
        trainer, found = self.trainer(**training), []
        for rows in trainer.data.loader.batches(0, trainer.steps):
            trainer.update(rows)
            found.append(trainer.state.optimizer.param_groups[0]["lr"] / trainer.config.optimizer.lr)
        return found


@pytest.fixture
def runs(settings: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runs:
    settings["model"] |= {"hidden": 16, "layers": 2, "heads": 1, "intermediate": 24}
    return Runs(settings, tmp_path, monkeypatch)


def flat(model: torch.nn.Module) -> torch.Tensor:
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


def one_step(trainer: Trainer) -> torch.Tensor:
    """How the weights move in a first step."""
    before = flat(trainer.model)
    trainer.update(next(iter(trainer.data.loader.batches(0, trainer.steps))))
    return flat(trainer.model) - before


@case
def steps_(runs):
    assert [runs(steps=count).numbers["step"] for count in (1, 3)] == [1, 3]


CASES["steps"] = CASES.pop("steps_")


@case
def epochs(runs):
    trainer = runs.trainer(steps=None, epochs=1.5)
    rows = len(trainer.data.loader.stages[0].pack)
    assert trainer.steps == -(-int(1.5 * rows) // 8)


@case
def tokens(runs):
    assert runs.trainer(steps=None, tokens=700).steps == 3


@case
def words(runs):
    seen = runs(steps=None, words=300).column("words")
    assert seen[-2] < 300 <= seen[-1]


@case
def minutes(runs):
    cut, whole = runs(minutes=1e-9), runs()
    assert (cut.numbers["step"], whole.numbers["step"]) == (1, 4)
    assert cut.column("lr") == whole.column("lr")[:1], "the schedule is that of the whole run"


@case
def fit_minutes(runs):
    runs.patch.setattr(fit, "seconds_of", lambda work, *arguments: 1.0)
    runs.patch.setattr(fit, "perf_counter", lambda: 0.0)
    assert fit.fit(runs.config(fit_minutes=2.5 / 60, steps=4), runs.folder).training.steps == 1


@case
def init_from(runs):
    first = runs()
    assert torch.equal(flat(runs.trainer(init_from=str(first.out)).model), flat(first.trainer.model))
    assert not torch.equal(flat(runs.trainer().model), flat(first.trainer.model))


@case
def new_tokens(runs):
    first = runs()
    runs.settings = runs.settings | {"tokenizer": runs.settings["tokenizer"] | {"size": 420}}
    begun = {how: runs.trainer(init_from=str(first.out), new_tokens=how) for how in ("pieces", "mean", "random")}
    assert len({float(trainer.model.embedding.weight.detach().sum()) for trainer in begun.values()}) == 3
    with pytest.raises(ValueError, match=r"or say by training\.new_tokens=pieces how tokens begin that it lacks"):
        runs.trainer(init_from=str(first.out))


@case
def stretch(runs):
    first = runs(steps=1)
    runs.settings = runs.settings | {"model": {}}
    theta = runs.trainer(init_from=str(first.out), stretch=4.0).config.model.theta
    assert theta == pytest.approx(10_000 * 4 ** (16 / 14))


@case
def freeze_layers(runs):
    trainer = runs.trainer(freeze_layers=1)
    before = {name: weight.clone() for name, weight in trainer.model.state_dict().items()}
    one_step(trainer)
    one_step(trainer)
    moved = {name for name, weight in trainer.model.state_dict().items() if not torch.equal(weight, before[name])}
    assert {name for name in moved if name.startswith("layers.1.")}
    assert not {name for name in moved if name.startswith(("layers.0.", "embedding."))}
    with pytest.raises(ValueError, match=r"training\.freeze_layers=99: the model has \d+ layers"):
        runs.trainer(freeze_layers=99)
    with pytest.raises(ValueError, match=r"freeze=0\.5 ends freezing that freeze_layers=1 asks for"):
        runs.config(init_from="x", freeze=0.5, freeze_layers=1)


@case
def layer_decay(runs):
    """Steps by plain gradient are in the ratio of the rates."""
    plain, decayed = (one_step(runs.trainer(optimizer=SGD, **BY_HAND, **more)) for more in ({}, {"layer_decay": 0.5}))
    trainer = runs.trainer(layer_decay=0.5)
    depth, sizes = depths(trainer.model), [weight.numel() for weight in trainer.model.parameters()]
    top = max(depth.values())
    pieces = zip(trainer.model.parameters(), plain.split(sizes), decayed.split(sizes), strict=True)
    for weight, one, other in pieces:
        assert_close(other, one * 0.5 ** (top - depth[id(weight)]), rtol=1e-3, atol=1e-7)
    assert {group["initial_lr"] for group in trainer.state.optimizer.param_groups} > {runs.settings["optimizer"]["lr"]}


@case
def lora(runs):
    """Tests of tests/run/test_lora.py are of each of its options."""
    pytest.importorskip("peft", reason="peft is an extra")
    trainer = runs.trainer(lora={"rank": 4})
    before = {name: weight.clone() for name, weight in trainer.model.state_dict().items()}
    one_step(trainer)
    moved = {name for name, weight in trainer.model.state_dict().items() if not torch.equal(weight, before[name])}
    assert moved
    assert all(".lora_" in name for name in moved)


@case
def freeze(runs):
    trainer = runs.trainer(init_from=str(runs().out), freeze=0.5)
    moved = []
    for rows in trainer.data.loader.batches(0, 4):
        before = {name: weight.detach().clone() for name, weight in trainer.model.named_parameters()}
        trainer.update(rows)
        after = trainer.model.named_parameters()
        moved.append({name for name, weight in after if not torch.equal(weight, before[name])})
    head = {name for name in before if name.startswith(("head", "decoder"))}
    assert moved[0] == moved[1] == head
    assert "embedding.weight" in moved[2]


@case
def batch_tokens(runs):
    batches = runs.trainer(steps=2, batch_tokens=512).data.loader.batches(0, 2)
    assert [rows.tokens.numel() for rows in batches] == [512, 512]


@case
def micro_batch_tokens(runs):
    trainer = runs.trainer(steps=1, micro_batch_tokens=96)
    shapes = []
    trainer.model.register_forward_pre_hook(lambda _, given: shapes.append(tuple(given[0].shape)))
    one_step(trainer)
    assert shapes == [(3, 32), (3, 32), (2, 32)]


@case
def warmup(runs):
    assert runs.rates(warmup=0.5, decay="constant") == pytest.approx([0.5, 1, 1, 1])
    assert runs.rates(warmup=0.75, decay="constant") == pytest.approx([1 / 3, 2 / 3, 1, 1])


@case
def stable(runs):
    assert runs.rates(warmup=0.0, stable=0.5, decay="linear", floor=0.0) == pytest.approx([1, 1, 1, 0.5])


@case
def decay(runs):
    falls = {
        "constant": [1, 1, 1, 1],
        "linear": [1, 0.75, 0.5, 0.25],
        "cosine": [(1 + cos(pi * share)) / 2 for share in (0, 0.25, 0.5, 0.75)],
        "sqrt": [1 - sqrt(share) for share in (0, 0.25, 0.5, 0.75)],
    }
    for name, rates in falls.items():
        assert runs.rates(warmup=0.0, decay=name, floor=0.0) == pytest.approx(rates)


@case
def floor(runs):
    assert runs.rates(warmup=0.0, decay="linear", floor=0.6) == pytest.approx([1, 0.9, 0.8, 0.7])


@case
def rates(runs):
    """Each part at its own rate, and by its own schedule; one number is a ratio."""
    moves = {}
    for name, given in {
        "same": None,
        "own": {"matrix": 2.0, "embedding": 3, "vector": {"ratio": 0.5}, "head": 5},
    }.items():
        trainer = runs.trainer(optimizer=SGD, rates=given, **BY_HAND)
        depth, before = depths(trainer.model), [p.detach().clone() for p in trainer.model.parameters()]
        trainer.update(next(iter(trainer.data.loader.batches(0, 4))))
        moves[name] = [p.detach() - old for p, old in zip(trainer.model.parameters(), before, strict=True)]
    for parameter, same, own in zip(trainer.model.parameters(), moves["same"], moves["own"], strict=True):
        table = parameter is trainer.model.embedding.weight
        part = 5 if depth[id(parameter)] == 3 else 3 if table else 2.0 if parameter.ndim > 1 else 0.5
        assert_close(own, part * same, rtol=1e-3, atol=1e-6)
    falling = {"embedding": {"decay": "linear", "floor": 0.0}, "head": {"ratio": 2.0, "floor": 0.5}}
    trainer, seen = runs.trainer(rates=falling, warmup=0.0, decay="cosine", floor=0.1), []
    for rows in trainer.data.loader.batches(0, trainer.steps):
        trainer.update(rows)
        seen.append({g["part"]: g["lr"] / trainer.config.optimizer.lr for g in trainer.state.optimizer.param_groups})
    down = [(1 + cos(pi * step / 4)) / 2 for step in range(4)]
    assert [each["embedding"] for each in seen] == pytest.approx([1, 0.75, 0.5, 0.25])
    assert [each["head"] for each in seen] == pytest.approx([2 * (0.5 + 0.5 * left) for left in down])
    assert [each["matrix"] for each in seen] == pytest.approx([0.1 + 0.9 * left for left in down])


@case
def clip(runs):
    free = one_step(runs.trainer(SGD, **BY_HAND))
    bound = one_step(runs.trainer(SGD, **BY_HAND | {"clip": 0.01}))
    assert free.norm() > 0.1
    assert bound.norm() == pytest.approx(0.01, rel=1e-3)
    assert_close(bound, free * 0.01 / free.norm(), rtol=1e-3, atol=1e-6)


@case
def z_loss(runs):
    """The gradient of a step of SGD at rate 1 has z times that of the mean of ln² Z."""
    plain, trainer = runs.trainer(SGD, **BY_HAND), runs.trainer(SGD, **BY_HAND | {"z_loss": 0.1})
    rows = next(iter(plain.data.loader.batches(0, 4)))
    asked = micro_batch(rows, plain.config.objective(rows, 0), plain.device, False)
    scores = plain.model.logits(plain.model(asked.inputs, asked.mask, asked.positions, asked.target_positions))
    (0.1 * (asked.weights * scores.logsumexp(-1) ** 2).sum() / asked.weight).backward()
    extra = torch.cat([weight.grad.flatten() for weight in plain.model.parameters()])
    plain.model.zero_grad()
    assert extra.norm() > 0.1
    assert_close(one_step(trainer) - one_step(plain), -extra, rtol=1e-3, atol=1e-5)


@case
def ema(runs):
    trainer = runs.trainer(ema=0.75)
    average = flat(trainer.model)
    update = trainer.update

    def followed(rows):
        nonlocal average
        update(rows)
        average = 0.75 * average + 0.25 * flat(trainer.model)

    trainer.update = followed
    trainer.train()
    kept = flat(saved.load(trainer.out)[0])
    assert_close(kept, average)
    assert not torch.allclose(kept, flat(trainer.model), atol=1e-4)


@case
def ema_span(runs):
    """The plain mean of all steps, until these are as many as its memory, a half of four."""
    trainer = runs.trainer(ema_span=0.5)
    after, update = [], trainer.update

    def followed(rows):
        update(rows)
        after.append(flat(trainer.model))

    trainer.update = followed
    trainer.train()
    mean = (after[0] + after[1]) / 2
    for later in after[2:]:
        mean = (mean + later) / 2
    assert_close(flat(saved.load(trainer.out)[0]), mean)
    with pytest.raises(ValueError, match=r"ema=0\.9 and ema_span=0\.5 say one thing in two ways"):
        runs.config(ema=0.9, ema_span=0.5)


@case
def best_weights(runs):
    for best, losses in {"last": [3, 4, 5], "average": [4, 3, 5], "ema": [4, 4, 3]}.items():
        given = iter(losses)
        runs.patch.setattr(Trainer, "validate", lambda *_, given=given: {"valid/loss": float(next(given, 9))})
        run = runs(average=0.6, ema_span=1.0, best_weights=True)
        assert [run.numbers[f"weights/{name}/loss"] for name in ("last", "average", "ema")] == losses
        kept = {"last": flat(run.trainer.model)}
        for name, average in run.trainer.state.averages.items():
            kept[name] = torch.cat([weight.flatten() for weight in average.weights.values()])
        equal = [name for name, weights in kept.items() if torch.equal(weights, flat(saved.load(run.out)[0]))]
        assert equal == [best]
    with pytest.raises(ValueError, match=r"ema=0\.9 and average=0\.5 are two averages"):
        runs.config(ema=0.9, average=0.5)
    with pytest.raises(ValueError, match="best_weights chooses among averages"):
        runs.config(best_weights=True)


@case
def average(runs):
    trainer = runs.trainer(steps=8, average=0.4)
    after, update = [], trainer.update

    def followed(rows):
        update(rows)
        after.append(flat(trainer.model))
        kept = torch.cat([weight.flatten() for weight in trainer.state.averages["average"].weights.values()])
        assert_close(kept, torch.stack(after[5:]).mean(0) if len(after) > 5 else after[-1])

    trainer.update = followed
    trainer.train()
    assert_close(flat(saved.load(trainer.out)[0]), torch.stack(after[-3:]).mean(0))
    assert not torch.allclose(after[-1], torch.stack(after[-3:]).mean(0), atol=1e-5)


@case
def precision(runs):
    auto = steps.resolve_matmul_dtype("auto", torch.device("cpu"))
    for name, dtype in {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16, "auto": auto}.items():
        trainer, products = runs.trainer(steps=1, precision=name), []
        product = trainer.model.layers[0].attention.out
        product.register_forward_hook(lambda _, given, made, products=products: products.append(made.dtype))
        one_step(trainer)
        assert products == [dtype]
        assert trainer.state.scaler.is_enabled() == (dtype == torch.float16)
        assert {weight.dtype for weight in trainer.model.parameters()} == {torch.float32}
    with pytest.raises((ValueError, ImportError), match="fp8"):
        runs.trainer(precision="fp8", device="cpu")


@case
def activation_checkpointing(runs):
    passes = {}
    for wanted in (False, True):
        trainer = runs.trainer(steps=1, activation_checkpointing=wanted)
        seen = []
        trainer.model.layers[1].feed_forward.register_forward_pre_hook(lambda *_, seen=seen: seen.append(1))
        one_step(trainer)
        passes[wanted] = len(seen)
    assert passes == {False: 1, True: 2}


@case
def compile(runs):
    compiled = []
    runs.patch.setattr(torch, "compile", lambda function, **_: compiled.append(function) or function)
    runs.trainer(compile=False)
    assert not compiled
    runs.trainer(compile=True)
    assert len(compiled) == 1


@case
def parallel(runs):
    """On one rank there is nothing to share; tests/distributed trains with both on two."""
    asked = []
    runs.patch.setattr(ranks, "PARALLEL", {name: lambda *_, name=name: asked.append(name) for name in ranks.PARALLEL})
    runs.patch.setattr(ranks, "join", lambda *_: ranks.World(0, 2))
    for name in ("ddp", "fsdp"):
        runs.trainer(parallel=name)
    assert asked == ["ddp", "fsdp"]


@case
def timeout(runs):
    """How long ranks wait; tests/distributed shows what comes of it."""
    asked = []
    runs.patch.setattr(ranks, "join", lambda _, minutes: (asked.append(minutes), ranks.World())[1])
    runs.trainer()
    runs.trainer(timeout=0.5)
    assert asked == [5.0, 0.5]


@case
def device(runs):
    assert runs.trainer(device="cpu").device == torch.device("cpu")
    runs.patch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(ValueError, match=r"training\.device='cuda:1': this machine has 1 GPUs"):
        runs.trainer(device="cuda:1")


def left(run: Done) -> list[str]:
    return sorted(path.name for path in (run.out / "checkpoints").iterdir())


@case
def checkpoint_every(runs):
    assert left(runs(checkpoint_every=2, keep=None)) == ["step-2", "step-4"]
    assert left(runs(checkpoint_every=3, keep=None)) == ["step-3", "step-4"]


@case
def keep(runs):
    assert left(runs(checkpoint_every=1, keep=1)) == ["step-4"]
    assert left(runs(checkpoint_every=1, keep=3)) == ["step-2", "step-3", "step-4"]


@case
def keep_at(runs):
    run = runs(keep_at=["100", "200"])
    kept = {path.name: json.loads((path / "final.json").read_text()) for path in (run.out / "words").iterdir()}
    seen = run.column("words")
    assert sorted(entry["words"] for entry in kept.values()) == [100, 200]
    for name, entry in kept.items():
        assert seen[entry["step"] - 1] >= entry["words"] > ([0, *seen])[entry["step"] - 1]
        assert (run.out / "words" / name / "final" / "model.safetensors").exists()


@case
def log_every(runs):
    lines = runs(steps=5, log_every=2).lines
    assert [line["step"] for line in lines if "loss" in line] == [2, 4, 5]


@case
def trackers(runs):
    pytest.importorskip("tensorboard", reason="TensorBoard is an extra")
    assert not list(runs().out.glob("tensorboard/*"))
    assert list(runs(trackers=["tensorboard"]).out.glob("tensorboard/*"))


@case
def evaluation_held_out(runs):
    counts = {}
    for share in (0.1, 0.5):
        shards = runs.trainer(evaluation={"held_out": share}).data.shards
        counts[share] = len(shards.valid.bytes) / (len(shards.valid.bytes) + len(shards.train.bytes))
    assert counts[0.1] < 0.3 < counts[0.5]


@case
def evaluation_knew(runs):
    first = runs()
    runs.config(init_from=str(first.out), evaluation={"knew": str(runs.settings["corpus"]["files"][0])}).write(
        runs.folder / "adapt.yaml"
    )
    train.command(str(runs.folder / "adapt.yaml"), [], runs.folder / "adapted", quiet=True)
    assert list((runs.folder / "adapted/evaluations").glob("adaptation*.json"))
    with pytest.raises(ValueError, match=r"evaluation\.knew=x\.txt needs what training\.init_from began with"):
        runs.config(evaluation={"knew": "x.txt"})


@case
def evaluation_every(runs):
    lines = runs(steps=5, evaluation={"every": 2}).lines
    assert [line["step"] for line in lines if "valid/loss" in line] == [2, 4, 5]


@case
def evaluation_batch_tokens(runs):
    trainer = runs.trainer(evaluation={"batch_tokens": 64})
    shapes = []
    trainer.model.register_forward_pre_hook(lambda _, given: shapes.append(given[0].numel()))
    trainer.validate()
    assert max(shapes) == 64
    assert len(shapes) > 3
