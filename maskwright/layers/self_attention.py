"""Self-attention whose queries, keys and values are one product (Vaswani et al. 2017, section 3.2.2).

With n target positions in each row, only their queries are computed.
"""

from dataclasses import dataclass

from torch import Tensor

from ..attention import KeyValueCache, Mask
from .attend import attend
from .joint import Joint
from .linear import linear
from .local_attention import Window, attend_locally
from .pick import in_rows, mask_of_targets, pick
from .positions.rotary import rotate_for_scores
from .variants.heads import HeadNorm, ValueMix


@dataclass(frozen=True)
class Heads:
    """How the queries, keys and values of all heads come from vectors [B, L, D]."""

    joint: Joint
    """Their matrices, [3·D, D], and their biases, if any; with a mix there are none."""
    heads: int
    rotations: Tensor | None = None
    """[B or 1, L, 2, D / H], those of rotary positions."""
    norm: HeadNorm | None = None
    """Of queries and keys."""
    mix: tuple[ValueMix, Tensor] | None = None
    """What values are mixed with, by itself and its source [B, L, D]."""

    def everywhere(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries, keys and values, each [B, H, L, D / H]."""
        joined = self.joint(hidden) if self.mix is None else self._mixed(hidden, self.joint.weight)
        query_key, values = joined.unflatten(-1, (3, self.heads, -1)).split([2, 1], dim=2)  # [B, L, 2 or 1, H, D / H]
        if self.norm is not None:
            query_key = self.norm(query_key)
        queries, keys = _rotated(query_key, self.rotations).transpose(1, 3).unbind(2)
        return queries, keys, values.transpose(1, 3)[:, :, 0]

    def at_targets(self, hidden: Tensor, target_positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The same with queries at `target_positions` [B, n] alone, [B, H, n, D / H]."""
        width = hidden.shape[-1]
        query, others = self.joint.weight.tensor_split([width])
        query_bias, biases = (None, None) if self.joint.bias is None else self.joint.bias.tensor_split([width])
        queries = linear(in_rows(hidden, target_positions), query, query_bias)
        queries = queries.unflatten(-1, (self.heads, -1))  # [B, n, H, D / H]
        joined = linear(hidden, others, biases) if self.mix is None else self._mixed(hidden, others)
        keys, values = joined.unflatten(-1, (2, self.heads, -1)).unbind(2)  # [B, L, H, D / H]
        if self.norm is not None:
            queries, keys = self.norm.queries(queries), self.norm.keys(keys)
        query_rotations = None if self.rotations is None else in_rows(self.rotations, target_positions)
        queries, keys = _rotated(queries, query_rotations), _rotated(keys, self.rotations)
        return queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2)

    def _mixed(self, hidden: Tensor, weight: Tensor) -> Tensor:
        assert self.mix is not None
        mix, source = self.mix
        joined: Tensor = mix(weight, hidden, source)
        return joined


def self_attend(
    heads: Heads,
    hidden: Tensor,
    mask: Mask,
    target_positions: Tensor | None,
    dropout: float = 0.0,
    near: Window | None = None,
) -> Tensor:
    """`hidden` [B, L, D] → the attention output, [B, L, D]; or [N, D] at `target_positions`, as in `pick`.

    mask, dropout: as in `attend`.  near: the window of local attention; None for global.
    """
    if isinstance(mask, KeyValueCache):
        queries, *new = heads.everywhere(hidden)
        return pick(attend(queries, *mask.extend(heads.joint, *new), mask.mask, dropout), target_positions)
    if target_positions is None or target_positions.ndim == 1:
        vectors = heads.everywhere(hidden)
        mixed = attend(*vectors, mask, dropout) if near is None else attend_locally(*vectors, mask, dropout, near)
        return pick(mixed, target_positions)
    seen = mask_of_targets(mask, target_positions)
    if near is not None:
        seen = near.near(target_positions) if seen is None else seen & near.near(target_positions)
    return attend(*heads.at_targets(hidden, target_positions), seen, dropout).flatten(0, 1)


def _rotated(vectors: Tensor, rotations: Tensor | None) -> Tensor:
    return vectors if rotations is None else rotate_for_scores(vectors, rotations)
