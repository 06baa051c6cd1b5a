"""Layers that learn slower the further down they are, and layers that do not learn at all.

Depth 0 is what comes before the first layer (embeddings), n that of the nth layer, and one more what
follows the last; a tied decoder is the table of embeddings, and so of depth 0.
"""

from typing import Any

import torch
from torch import nn


def depths(model: nn.Module) -> dict[int, int]:
    """The depth of each parameter of `model`, by its `id`; its `layers` are its blocks, in order."""
    layers: list[nn.Module] = list(model.layers)  # type: ignore[arg-type]
    inside = {id(weight): number for number, layer in enumerate(layers, 1) for weight in layer.parameters()}
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    found, seen = {}, False
    for weight in model.parameters():
        seen = seen or id(weight) in inside
        outside = 0 if id(weight) in tables or not seen else len(layers) + 1
        found[id(weight)] = inside.get(id(weight), outside)
    return found


def decay_rates(optimizer: torch.optim.Optimizer, model: nn.Module, decay: float) -> None:
    """Split each group of a new optimizer by depth: what is d below the top has its rate times decay^d.

    Clark et al. 2020, ELECTRA (arXiv 2003.10555), appendix B: 0.8 for small models, 0.9 for base ones, in fine-tuning.
    """
    depth = depths(model)
    top = max(depth.values())
    made: list[dict[str, Any]] = []
    for group in optimizer.param_groups:
        for level in sorted({depth[id(weight)] for weight in group["params"]}):
            chosen = [place for place, weight in enumerate(group["params"]) if depth[id(weight)] == level]
            lists: dict[str, Any] = {
                name: [group[name][place] for place in chosen] for name in ("params", "parts") if name in group
            }
            made.append({**group, **lists, "lr": group["lr"] * decay ** (top - level)})
    optimizer.param_groups[:] = made


def freeze_below(model: nn.Module, layers: int) -> None:
    """Stop the embeddings and the first `layers` layers from learning. Raises ValueError when there are not as many."""
    there = len(list(model.layers))  # type: ignore[arg-type]
    if layers > there:
        raise ValueError(f"training.freeze_layers={layers}: the model has {there} layers")
    depth = depths(model)
    for weight in model.parameters():
        if depth[id(weight)] <= layers:
            weight.requires_grad_(False)
