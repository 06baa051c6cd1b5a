"""Rates of their own for the parts of a model: matrices, embeddings, vectors, and the head."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ._by_layer import depths

PARTS = "matrix", "embedding", "vector", "head"


def part_rates(optimizer: torch.optim.Optimizer, model: nn.Module, ratios: Mapping[str, float]) -> None:
    """Split the groups of a new optimizer by part, named in `part`, and multiply their rates by those of `ratios`.

    The head is what follows the last layer; a tied decoder is the table of embeddings, and belongs to those. Other
    parts are the roles of `parameters_by_role`.
    """
    depth = depths(model)
    top = len(list(model.layers)) + 1  # type: ignore[arg-type]
    made: list[dict[str, Any]] = []
    for group in optimizer.param_groups:
        for part in PARTS:
            chosen = [
                place
                for place, weight in enumerate(group["params"])
                if part == ("head" if depth[id(weight)] == top else group["role"])
            ]
            lists: dict[str, Any] = {
                name: [group[name][place] for place in chosen] for name in ("params", "parts") if name in group
            }
            if chosen:
                made.append({**group, **lists, "part": part, "lr": group["lr"] * ratios[part]})
    optimizer.param_groups[:] = made
