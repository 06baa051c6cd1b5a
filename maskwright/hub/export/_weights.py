"""Build a `transformers` model with given weights, without changing torch's global generator."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

Peer = TypeVar("Peer", bound=nn.Module)


def filled(make: Callable[[], Peer], weights: Mapping[str, Tensor], tied: set[str]) -> Peer:
    """What `make` gives, with `weights` under its own names; only what is `tied` to another weight may be left out."""
    with torch.random.fork_rng(devices=[]):
        peer = make()
    missing, unexpected = peer.load_state_dict(weights, strict=False)
    assert not unexpected, unexpected
    assert set(missing) <= tied, missing
    return peer
