"""Low-rank adapters: the matrices of the layers stay as they are, and a product of two narrow ones is added to each.

Hu et al. 2021, LoRA (arXiv 2106.09685), section 4.1: W + (alpha / rank) · B A, with B at zero in the beginning. The
layers are those of the library `peft`; checkpoints hold the adapters, and a finished model has them added to its
matrices, so that it is the model that it began as, under the same names.

Shapes: D inputs, W outputs of a matrix, r its rank.
"""

from collections.abc import Iterator
from copy import copy
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from pydantic import Field
from torch import Tensor, nn

from ...layers.linear import Linear, linear
from ...noise import address
from ...settings import Names, settings
from ...settings.bounds import Size
from ...storage.atomic import atomic_folder

NAME = "default"
"""Of the one adapter, as `peft` has it."""


@settings
class Lora:
    """Which matrices get adapters, and how wide these are."""

    rank: Size = 8
    """Inner width of an adapter."""
    alpha: float = Field(16.0, gt=0)
    """What an adapter adds is multiplied by alpha / rank."""
    dropout: float = Field(0.0, ge=0, lt=1)
    """Probability of dropout before an adapter; for models of `transformers` alone."""
    targets: Names = ()
    """How the names of the matrices end that get one, such as query or attention.out; empty for all of the layers."""
    embeddings: bool = False
    """Whether the table of tokens, and a decoder tied to it, learn as a whole beside the adapters: new tokens need
    it."""


def add(model: nn.Module, lora: Lora, seed: int, above: int) -> None:
    """Put adapters into the layers of `model` above the first `above`, in place; nothing else of it learns any more.

    Raises ValueError without `peft`, for targets that no layer has, for dropout in a model of ours, and for a model
    that does not pass its vectors through what gets an adapter.
    """
    if find_spec("peft") is None:
        raise ValueError("training.lora needs peft: pip install 'maskwright[lora]'")
    from peft import LoraConfig, inject_adapter_in_model

    found = matrices(model, above)
    ours = any(isinstance(module, Linear) for module in found.values())
    if ours and lora.dropout:
        raise ValueError(f"training.lora.dropout={lora.dropout:g}: a model of ours has adapters without dropout")
    config = LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=chosen(found, lora.targets),
        fan_in_fan_out=not all(isinstance(module, nn.Linear) for module in found.values()),
    )
    if ours:
        config._register_custom_module({Linear: _whole()})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(address(seed, "lora") % 2**63)
        inject_adapter_in_model(config, model)
    if lora.embeddings:
        model.embedding.weight.requires_grad_(True)  # type: ignore[union-attr]
    _check(model)


def matrices(model: nn.Module, above: int) -> dict[str, nn.Module]:
    """The linear layers within the layers of `model` above the first `above`, by their names in the model."""
    names = {id(module): name for name, module in model.named_modules()}
    inside = [module for layer in list(model.layers)[above:] for module in layer.modules()]  # type: ignore[arg-type]
    return {names[id(m)]: m for m in inside if isinstance(m, nn.Linear) or type(m).__name__ == "Conv1D"}


def chosen(found: dict[str, nn.Module], targets: tuple[str, ...]) -> list[str]:
    """Those of the names `found` that end with one of `targets`, or all. Raises ValueError for one that none does."""
    ends = {target: [name for name in found if f".{name}".endswith(f".{target}")] for target in targets}
    if unknown := [target for target, names in ends.items() if not names]:
        there = ", ".join(sorted({_last(name) for name in found})) or "none"
        raise ValueError(f"training.lora.targets={unknown[0]}: no matrix that learns is called so; there are {there}")
    return [name for names in ends.values() for name in names] if targets else list(found)


def _last(name: str) -> str:
    """What follows the number of the layer."""
    parts = name.split(".")
    return ".".join(parts[max(place for place, part in enumerate(parts) if part.isdecimal()) + 1 :])


def _whole() -> type:
    """The layer of `peft` for matrices of ours, whose weights are read in more places than one: it is W + B A."""
    from peft.tuners.lora import Linear as Adapted

    class Whole(Adapted):
        @property
        def weight(self) -> Tensor:
            """[W, D], with a gradient for A [r, D] and B [W, r]."""
            return self.get_base_layer().weight + self.get_delta_weight(NAME)

        def forward(self, vectors: Tensor) -> Tensor:
            return linear(vectors, self.weight, self.bias)

    return Whole


@torch.enable_grad()
def _check(model: nn.Module) -> None:
    """Raises ValueError when a class does not compute with its linear layers, but with their weights alone."""
    was, device = model.training, next(model.parameters()).device
    model.eval()(torch.ones(1, 4, dtype=torch.int64, device=device)).sum().backward()
    for name, layer in adapted(model):
        if layer.lora_B[NAME].weight.grad is None:
            raise ValueError(f"training.lora: {name} would have no effect, as the class reads its weights by itself")
    model.train(was).zero_grad()


def adapted(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """The linear layers with an adapter, by name."""
    return ((name, module) for name, module in model.named_modules() if hasattr(module, "lora_A"))


@torch.no_grad()
def merged(model: nn.Module) -> dict[str, Tensor]:
    """The state of `model` with adapters added to their matrices, under the names of a model without any."""
    state = model.state_dict()
    for name, layer in adapted(model):
        state[f"{name}.base_layer.weight"] = layer.get_base_layer().weight + layer.get_delta_weight(NAME)
    return {name.replace(".base_layer.", "."): tensor for name, tensor in state.items() if ".lora_" not in name}


def write(model: Any, base: str, out: Path) -> None:
    """Write the adapters of `model`, of `transformers`, to the folder `out` as `peft` puts them on the model `base`."""
    from peft import get_peft_model_state_dict

    config, prefix = copy(model.peft_config[NAME]), "network."
    config.base_model_name_or_path, config.inference_mode = base, True
    config.target_modules = sorted(name.removeprefix(prefix) for name, _ in adapted(model))
    learned = get_peft_model_state_dict(model, adapter_name=NAME, save_embedding_layers=False)
    weights = {
        f"base_model.model.{name.removeprefix(prefix)}": weight.cpu().contiguous() for name, weight in learned.items()
    }
    with atomic_folder(out) as aside:
        config.save_pretrained(aside)
        safetensors.torch.save_file(weights, aside / "adapter_model.safetensors")


def describe(model: nn.Module) -> str:
    """How many adapters there are and what of the model learns; empty without any."""
    if not (count := len(list(adapted(model)))):
        return ""
    learns = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    share = learns / sum(weight.numel() for weight in model.parameters())
    return f"\nlora       {count} adapters: {learns:,} parameters learn, {share:.1%}; final/ has them merged"
