"""The body of a model stays as it was for a share of the run, and learns after that."""

from pathlib import Path

import pytest
import torch

from maskwright.run import checkpoint
from maskwright.run.config import Config
from maskwright.settings import registry
from maskwright.training.trainer import Trainer
from maskwright.training.updates.freeze import HEAD, Freeze, body

from .test_trainer import interrupted, losses, same, weights

SIZES = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 64}


@pytest.fixture
def first(settings: dict, tmp_path: Path) -> Path:
    """An unmasker."""
    settings["objective"], settings["training"]["steps"] = {"name": "diffusion"}, 6
    Trainer(Config.of(settings), tmp_path / "first", show=False).train()
    return tmp_path / "first"


def following(settings: dict, first: Path, *overrides: str) -> Config:
    """A remasker that begins with it: frozen for four of ten steps."""
    changes = (
        "objective.name=remask training.steps=10 training.freeze=0.35 training.checkpoint_every=1 training.keep=20"
    )
    return Config.of(settings, [*changes.split(), f"training.init_from={first}", "training.ema=0.5", *overrides])


def loaded(out: Path, step: int) -> dict[str, dict[str, torch.Tensor]]:
    return checkpoint.load(out / "checkpoints" / f"step-{step}")[0]


def at(out: Path, step: int) -> dict[str, torch.Tensor]:
    return loaded(out, step)["model"]


def of_the_head(name: str) -> bool:
    return name.partition(".")[0] in HEAD


@pytest.mark.parametrize("optimizer", registry.entries("optimizers"))
def test_the_body_stays_until_the_boundary_and_all_moves_after(
    settings: dict, first: Path, tmp_path: Path, optimizer: str
) -> None:
    config = following(settings, first, f"optimizer.name={optimizer}", "optimizer.lr=0.01", "training.warmup=0")
    trainer = Trainer(config, tmp_path / "second", show=False)
    assert "frozen     all but the head until step 4" in trainer.describe()
    trainer.train()
    begin, trained = weights(first), {name for name, _ in trainer.model.named_parameters()}
    for step in (1, 4):
        kept = {name for name, tensor in at(tmp_path / "second", step).items() if torch.equal(tensor, begin[name])}
        assert kept == {name for name in begin if not (name in trained and of_the_head(name))}
    after = at(tmp_path / "second", 5)
    assert not {name for name in trained if torch.equal(after[name], begin[name])}
    moved = loaded(tmp_path / "second", 4)["optimizer"].items()
    states = {name.partition(".")[0] for name, tensor in moved if tensor.any()}  # Adagrad's are there, as zeros
    assert 0 < len(states) <= sum(map(of_the_head, trained))  # those of the body have not begun


@pytest.mark.parametrize("optimizer", ["muon", "adamw", "lamb"])
@pytest.mark.parametrize("stop", [3, 4, 6])
def test_resumed_across_the_boundary_it_is_the_unbroken_run(
    settings: dict, first: Path, tmp_path: Path, stop: int, optimizer: str
) -> None:
    config = following(settings, first, f"optimizer.name={optimizer}", "model.dropout=0.1")
    Trainer(config, tmp_path / "whole", show=False).train()
    interrupted(config, tmp_path / "broken", stop)
    Trainer(config, tmp_path / "broken", resume=True, show=False).train()
    assert losses(tmp_path / "whole") == losses(tmp_path / "broken")
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "broken"))


@pytest.mark.parametrize("name", registry.files("models"))
def test_every_model_has_a_head_that_names_tokens(name: str) -> None:
    kind, _ = registry.load("models", name)
    known = {field: SIZES[field] for field in SIZES if field in kind.__dataclass_fields__}
    model = kind(**known).build(50, torch.Generator().manual_seed(0))
    frozen = {id(weight) for weight in body(model)}
    head = [weight for weight in model.parameters() if id(weight) not in frozen]
    hidden = model(torch.arange(8)[None]).detach()[0]
    model.logits(hidden).square().sum().backward()
    assert head
    assert all(weight.grad is not None for weight in head)
    asked = {id(weight) for weight in model.parameters() if weight.grad is not None}
    table = {id(model.embedding.weight)}
    assert asked - table == {id(weight) for weight in head}
    Freeze(model, 0.5, 4, ranks=1).at(1)
    model.zero_grad()
    model.logits(model(torch.arange(8)[None])[0]).square().sum().backward()
    assert all((weight.grad is None) == (id(weight) in frozen) for weight in model.parameters())


def test_freezing_that_is_refused(settings: dict, first: Path) -> None:
    with pytest.raises(ValueError, match=r"freeze=0.3 keeps what training.init_from has learned: name the run of it"):
        Config.of(settings, ["training.freeze=0.3"])
    with pytest.raises(ValueError, match=r"training\.freeze=1\.0"):
        following(settings, first, "training.freeze=1.0")
    with pytest.raises(ValueError, match=r"training.freeze=0.3 works with a single rank, not 2"):
        Freeze(torch.nn.Linear(2, 2), 0.3, 10, ranks=2)
