"""Positions of a model that begins from another, stretched so that it reads longer rows than that one was trained on.

Rotary positions get a larger base, so that the longest wavelength grows by the factor and the shortest stays (the
NTK-aware way; Peng et al. 2023, YaRN, arXiv 2309.00071, section 3.1). Learned positions are interpolated linearly.
Relative ones, as of DeBERTa, need nothing.
"""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...layers.positions.learned import LearnedPositions
from ...models.transformers import TransformersModel
from ...models.transformers.family import first_position

TABLES = ("position_embeddings", "wpe", "embed_positions")
"""How classes of `transformers` call a table of learned positions."""
PLACES = ("max_length", "theta")
"""Settings of our models that say which positions there are; a stretched one may have others."""
OPTIONS = ("max_position_embeddings", "n_positions", "rope_parameters", "rope_theta", "global_rope_theta")
"""The same of configurations of `transformers`."""


def stretched(model: Mapping[str, Any], factor: float, length: int) -> dict[str, Any]:
    """The settings of a model, given as a mapping, with positions stretched by `factor` and enough for rows of
    `length`.

    Raises ValueError for rotary positions that are scaled already.
    """
    changed = {"max_length": max(model["max_length"], length)}
    if model.get("theta") and model.get("positions", "rotary") == "rotary":
        changed["theta"] = raised(model["theta"], factor, model["hidden"] // model["heads"])
    if options := model.get("options"):
        more = changed["max_length"] - model["max_length"]
        counts = {name: options[name] + more for name in ("max_position_embeddings", "n_positions") if name in options}
        width = options.get("head_dim") or options.get("hidden_size", 0) // options.get("num_attention_heads", 1)
        bases = {name: _raised(options[name], factor, width) for name in OPTIONS[2:] if options.get(name)}
        changed["options"] = {**options, **counts, **bases}
    return {**model, **changed}


def raised(theta: float, factor: float, width: int) -> float:
    """The base of rotary wavelengths whose longest, of a head of `width`, is `factor` times that of `theta`."""
    return float(theta * factor ** (width / max(width - 2, 1)))


def _raised(base: Any, factor: float, width: int) -> Any:
    """A base, or the parameters of a kind of layer, or those of each kind; local layers stay as they are."""
    if not isinstance(base, Mapping):
        return raised(base, factor, width)
    if "rope_theta" not in base:
        return {kind: of if kind == "sliding_attention" else _raised(of, factor, width) for kind, of in base.items()}
    if base.get("rope_type", "default") != "default":
        raise ValueError(f"training.stretch={factor:g}: the model's positions are scaled already, {dict(base)}")
    return {**base, "rope_theta": raised(base["rope_theta"], factor, width)}


@torch.no_grad()
def stretch(model: nn.Module, factor: float, longest: int) -> None:
    """Put longer tables of learned positions, for `longest` of them, into `model`, in place."""
    first = first_position(model.network) if isinstance(model, TransformersModel) else 0
    for name, module in list(model.named_modules()):
        inside = isinstance(model, TransformersModel) and name.rpartition(".")[2] in TABLES
        table = module.table if isinstance(module, LearnedPositions) else module if inside else None
        if isinstance(table, nn.Embedding):
            own, places = table.weight.split([first, len(table.weight) - first])
            table.weight = nn.Parameter(torch.cat([own, interpolated(places, factor, longest)]))


def interpolated(table: Tensor, factor: float, rows: int) -> Tensor:
    """[rows, D], row p what `table` [R, D] has at p / factor, between two rows their mean by distance."""
    places = (torch.arange(rows, device=table.device) / factor).clamp(max=len(table) - 1)
    below = places.long()
    above, share = (below + 1).clamp(max=len(table) - 1), (places - below)[:, None]
    return torch.lerp(F.embedding(below, table), F.embedding(above, table), share)


def without_places(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings, or options of a configuration, without those that a stretched model may have otherwise."""
    return {name: value for name, value in values.items() if name not in (*PLACES, *OPTIONS)}
