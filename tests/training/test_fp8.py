"""Products in 8 bits: near those in 16, of weights with the same names; and what they need is said."""

from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from maskwright.layers.joint import parts
from maskwright.models.modern import Modern
from maskwright.prediction import problem_loss
from maskwright.run.config import Config
from maskwright.training import fp8
from maskwright.training.trainer import Trainer

from .test_trainer import interrupted, losses, same, weights


@pytest.fixture
def emulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor does what a GPU would, slower."""
    pytest.importorskip("torchao", reason="torchao is an extra: pip install 'maskwright[fp8]'")
    monkeypatch.setattr(fp8, "check", lambda device: None)
    monkeypatch.setattr(fp8, "convert", partial(fp8.convert, emulate=True))


def build(intermediate: int = 48, layers: int = 2) -> nn.Module:
    """A model whose branches all have something to say."""
    model = Modern(hidden=32, layers=layers, heads=2, intermediate=intermediate).build(100, torch.Generator())
    generator = torch.Generator().manual_seed(1)
    for weight in model.parameters():
        if weight.ndim == 2:
            nn.init.normal_(weight, std=0.2, generator=generator)
    return model


def asked(model: nn.Module, ask=problem_loss) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """The loss of rows whose number of positions 16 does not divide, and its gradients."""
    inputs, places = torch.arange(99).view(3, 33), torch.arange(0, 99, 3)
    loss, _ = ask(model, inputs, None, torch.arange(33).expand(3, 33), places, places)
    model.zero_grad()
    loss.mean().backward()
    return loss.detach(), {name: weight.grad.clone() for name, weight in model.named_parameters()}


def apart(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> list[float]:
    """How far gradients are from what they should be, as a share of its length."""
    return [float((found[name] - gradient).norm() / gradient.norm()) for name, gradient in expected.items()]


def test_what_learns_is_rounded_and_what_is_read_is_not(emulated: None) -> None:
    model, names = build(), set(build().state_dict())
    exact, gradients = asked(model)
    stacked = parts(model)
    fp8.convert(model)
    assert model.state_dict().keys() == names
    assert parts(model) == stacked
    rounded, found = asked(model)
    shares = apart(found, gradients)
    assert 1e-3 < max(shares) < 0.3, shares
    assert 0 < float((rounded - exact).abs().max()) < 0.5
    assert torch.equal(asked(model.eval())[0], exact)


def test_a_run_learns_as_in_bf16_and_goes_on_where_it_was(settings: dict, emulated: None, tmp_path: Path) -> None:
    settings["optimizer"] = {"name": "muon"}
    settings["training"]["steps"] = 20
    found = {}
    for precision in ("bf16", "fp8"):
        settings["training"]["precision"] = precision
        found[precision] = Trainer(Config.of(settings), tmp_path / precision, show=False).train().metrics["valid/loss"]
    first = losses(tmp_path / "fp8")[0]["loss"]
    assert 0 < abs(found["fp8"] - found["bf16"]) < 0.05 * (first - found["bf16"])
    interrupted(Config.of(settings), broken := tmp_path / "broken", 14)
    Trainer(Config.of(settings), broken, resume=True, show=False).train()
    assert losses(broken) == losses(tmp_path / "fp8")
    assert same(weights(broken), weights(tmp_path / "fp8"))
    assert weights(broken).keys() == weights(tmp_path / "bf16").keys()


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_a_step_in_fp8_can_be_traced_whole(emulated: None) -> None:
    model = build(layers=1)
    fp8.convert(model)
    loss, gradients = asked(model)
    traced, found = asked(model, torch.compile(problem_loss, backend="aot_eager", dynamic=False, fullgraph=True))
    torch.testing.assert_close(traced, loss, atol=1e-4, rtol=1e-4)
    assert max(apart(found, gradients)) < 1e-2


def test_sides_that_do_not_fit_are_refused(emulated: None) -> None:
    with pytest.raises(
        ValueError, match=r"^training\.precision=fp8: 16 must divide both sides of layers\.0\.\w+\.\w+, "
    ):
        fp8.convert(build(intermediate=40))


def refused(settings: dict, kind: type[Exception], sentence: str, out: Path) -> None:
    settings["training"]["precision"] = "fp8"
    with pytest.raises(kind, match=sentence):
        Trainer(Config.of(settings), out, show=False)


def test_what_it_needs_is_said(settings: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fp8, "find_spec", lambda name: None)
    refused(
        settings, ImportError, r"^training\.precision=fp8 needs torchao: pip install 'maskwright\[fp8\]'$", tmp_path
    )
    monkeypatch.setattr(fp8, "find_spec", lambda name: name)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 6))
    sentence = "^training.precision=fp8 needs a GPU of compute capability 8.9, not {}: use bf16$"
    refused(settings, ValueError, sentence.format("cpu"), tmp_path)
    with pytest.raises(ValueError, match=sentence.format("cuda:1")):
        fp8.check(torch.device("cuda", 1))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    fp8.check(torch.device("cuda", 1))
