"""A block that is computed again changes memory alone: gradients and losses are bit for bit those without."""

from pathlib import Path

import pytest
import torch
from torch import nn

from maskwright.prediction import problem_loss
from maskwright.run.config import Config
from maskwright.run.metrics_log import read_lines
from maskwright.settings import from_mapping, registry
from maskwright.training.activation_checkpointing import checkpoint_activations
from maskwright.training.trainer import Trainer

SIZES = {"hidden": 32, "layers": 3, "heads": 2, "intermediate": 48, "max_length": 32, "dropout": 0.1}
MODELS = sorted({registry.name_of(registry.load("models", name)[0](**SIZES)) for name in registry.names("models")})


def build(name: str) -> nn.Module:
    kind, _ = registry.load("models", name)
    return from_mapping(kind, SIZES, "model").build(300, torch.Generator().manual_seed(0))


def gradients(model: nn.Module, ask=problem_loss) -> dict[str, torch.Tensor]:
    inputs, places = torch.arange(64).view(4, 16), torch.arange(0, 64, 3)
    positions = torch.arange(16).expand(4, 16)
    with torch.random.fork_rng():
        torch.manual_seed(7)
        loss, _ = ask(model, inputs, None, positions, places, places)
        loss.sum().backward()
    return {name: weight.grad for name, weight in model.named_parameters()}


def kept(model: nn.Module) -> int:
    """The bytes that wait for the backward pass, each storage once, without those of the weights."""
    weights = {weight.untyped_storage().data_ptr() for weight in model.parameters()}
    storages: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            storages[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        gradients(model)
    return sum(storages.values())


@pytest.mark.parametrize("name", MODELS)
def test_gradients_are_the_same_bit_for_bit(name: str) -> None:
    plain, again = build(name), build(name)
    checkpoint_activations(again)
    expected, found = gradients(plain), gradients(again)
    assert expected.keys() == found.keys()
    assert all(torch.equal(found[weight], gradient) for weight, gradient in expected.items())


@pytest.mark.parametrize("name", MODELS)
def test_less_waits_for_the_backward_pass(name: str) -> None:
    plain, again = build(name), build(name)
    checkpoint_activations(again)
    assert kept(again) < 0.5 * kept(plain)


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
@pytest.mark.parametrize("name", ["modern", "ltg_bert", "deberta"])
def test_a_checkpointed_step_can_be_traced_whole(name: str) -> None:
    """Dropout included: what is computed again is dropped as it was."""
    model, traced = build(name), build(name)
    checkpoint_activations(traced)
    ask = torch.compile(problem_loss, backend="aot_eager", dynamic=False, fullgraph=True)
    expected, found = gradients(model), gradients(traced, ask)
    for weight, gradient in expected.items():
        torch.testing.assert_close(found[weight], gradient, atol=1e-5, rtol=1e-4)


def test_a_run_is_the_same_run(settings: dict, tmp_path: Path) -> None:
    settings["model"]["dropout"] = 0.1
    settings["training"] |= {"steps": 4, "micro_batch_tokens": 512}
    losses = []
    for again in (False, True):
        settings["training"]["activation_checkpointing"] = again
        Trainer(Config.of(settings), tmp_path / str(again), show=False).train()
        losses.append([line["loss"] for line in read_lines(tmp_path / str(again) / "metrics.jsonl") if "loss" in line])
    assert losses[0] == losses[1]
