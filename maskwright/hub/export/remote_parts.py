"""What the classes of a modelling file are made of: masks, states of layers, tables of the vocabulary."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, get_args, get_type_hints

import torch
from torch import Tensor, nn

from ...attention import KeyValueCache


def plain(settings: Any) -> dict[str, Any]:
    """Settings as JSON takes them."""
    return {
        field.name: plain(value) if dataclasses.is_dataclass(value := getattr(settings, field.name)) else value
        for field in dataclasses.fields(settings)
        if field.init
    }


def structured(kind: type, given: dict[str, Any]) -> Any:
    """Settings of `kind` from what `plain` made of them."""
    hints = get_type_hints(kind)
    nested = {name: held(hints[name]) for name, value in given.items() if isinstance(value, dict)}
    return kind(**given | {name: structured(inner, given[name]) for name, inner in nested.items()})


def held(hint: Any) -> Any:
    """The settings that a field of this type may hold."""
    return next(each for each in (hint, *get_args(hint)) if dataclasses.is_dataclass(each))


def fill(module: nn.Module) -> None:
    """Compute a table that is not part of the weights."""
    if any(name not in module.state_dict() for name, _ in module.named_buffers(recurse=False)):
        module.fill()  # type: ignore[operator]


def resized(old: Tensor, new: Tensor, mean: bool) -> Tensor:
    """`old` with as many rows as `new`; those that it has not are the mean of its own, its last, or those of `new`."""
    if len(old.shape) == 0 or len(old) >= len(new):
        return old[: len(new)] if old.ndim else old
    if old.is_floating_point():
        rest = old.mean(0, keepdim=True).expand(len(new) - len(old), *old.shape[1:]) if mean else new[len(old) :]
    else:
        rest = old[-1:].expand(len(new) - len(old))  # where the parts of a token end: new ones have none
    return torch.cat([old, rest])


class NHotEmbedding(nn.Module):
    """Tokens as the first layer takes them: their embeddings combined with those of their parts."""

    network: Any

    def __init__(self, network: Any):
        super().__init__()
        self.__dict__["network"] = network  # it belongs to the model

    @property
    def weight(self) -> Tensor:
        weight: Tensor = self.network.embedding.weight
        return weight

    def forward(self, input_ids: Tensor) -> Tensor:
        """[B, L] → [B, L, D]."""
        vectors: Tensor = self.network.embed(input_ids)
        return vectors


@contextmanager
def watched(layers: Any) -> Iterator[list[Tensor]]:
    """The input of each layer, in order, as they are computed within the block: [B, L, D] each."""
    found: list[Tensor] = []
    hooks = [layer.register_forward_pre_hook(lambda _, inputs: found.append(inputs[0])) for layer in layers]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def checkpointed(layers: Any, save: Any) -> Iterator[None]:
    """Within the block, layers keep only their input: `save` calls them."""
    own = [vars(layer).get("forward") for layer in layers]  # where a tool has put one in place of the class's
    for layer in layers:
        layer.forward = partial(save, layer.forward)
    try:
        yield
    finally:
        for layer, forward in zip(layers, own, strict=True):
            del layer.forward
            if forward is not None:
                layer.forward = forward


class KeptBefore(KeyValueCache):
    """A cache of `transformers` as the network takes it."""

    def __init__(self, kept: Any, mask: Tensor):
        """mask: [B, 1, n, length + n] bool."""
        self.kept, self.mask = kept, mask
        self._numbers: dict[int, int] = {}

    def extend(self, layer: object, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and values of a layer with those before them."""
        number = self._numbers.setdefault(id(layer), len(self._numbers))
        whole: tuple[Tensor, Tensor] = self.kept.update(keys, values, number)
        return whole


def everywhere(inputs: Tensor, before: int = 0) -> Tensor:
    """[B, before + L] ones, for tokens [B, L] or vectors [B, L, D]."""
    return torch.ones(len(inputs), before + inputs.shape[1], dtype=torch.int64, device=inputs.device)


def sight(seen: Tensor, causal: bool) -> Tensor:
    """[B, L] bool, False for padding, or a full mask [B, L, L] → [B, 1, L, L]; all attend to themselves."""
    pairs = seen[:, None] if seen.ndim == 2 else seen
    itself = torch.eye(seen.shape[-1], dtype=torch.bool, device=seen.device)
    pairs = pairs.expand(-1, seen.shape[-1], -1) | itself
    return (pairs.tril() if causal else pairs)[:, None]
