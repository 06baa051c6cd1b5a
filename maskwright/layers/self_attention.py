"""Self-attention whose queries, keys and values are one product (Vaswani et al. 2017, section 3.2.2).

With n target positions in each row, only their queries are computed.
"""

from torch import Tensor

from ..attention import KeyValueCache, Mask
from .attend import attend
from .joint import Joint
from .linear import linear
from .local_attention import Window, attend_locally
from .pick import in_rows, mask_of_targets, pick
from .rotary import rotate


def self_attend(
    joint: Joint,
    heads: int,
    hidden: Tensor,
    mask: Mask,
    target_positions: Tensor | None,
    dropout: float = 0.0,
    rotations: Tensor | None = None,
    near: Window | None = None,
) -> Tensor:
    """`hidden` [B, L, D] → the attention output, [B, L, D]; or [N, D] at `target_positions`, as in `pick`.

    joint: the matrices of queries, keys and values, [3·D, D], and their biases, if any.
    mask, dropout: as in `attend`.  rotations: [B or 1, L, 2, D / H], those of rotary positions, or None.
    near: the window of local attention; None for global.
    """
    if isinstance(mask, KeyValueCache):
        queries, *new = _everywhere(joint, heads, hidden, rotations)
        return pick(attend(queries, *mask.extend(joint, *new), mask.mask, dropout), target_positions)
    if target_positions is None or target_positions.ndim == 1:
        vectors = _everywhere(joint, heads, hidden, rotations)
        mixed = attend(*vectors, mask, dropout) if near is None else attend_locally(*vectors, mask, dropout, near)
        return pick(mixed, target_positions)
    seen = mask_of_targets(mask, target_positions)
    if near is not None:
        seen = near.near(target_positions) if seen is None else seen & near.near(target_positions)
    return attend(*_at_targets(joint, heads, hidden, rotations, target_positions), seen, dropout).flatten(0, 1)


def _everywhere(joint: Joint, heads: int, hidden: Tensor, rotations: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values, each [B, H, L, D / H]."""
    query_key, values = joint(hidden).unflatten(-1, (3, heads, -1)).split([2, 1], dim=2)  # [B, L, 2 or 1, H, D / H]
    queries, keys = _rotated(query_key, rotations).transpose(1, 3).unbind(2)
    return queries, keys, values.transpose(1, 3)[:, :, 0]


def _at_targets(
    joint: Joint, heads: int, hidden: Tensor, rotations: Tensor | None, target_positions: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The same with queries at `target_positions` [B, n] alone, [B, H, n, D / H]."""
    width = hidden.shape[-1]
    query, others = joint.weight.tensor_split([width])
    query_bias, other_biases = (None, None) if joint.bias is None else joint.bias.tensor_split([width])
    queries = linear(in_rows(hidden, target_positions), query, query_bias).unflatten(
        -1, (heads, -1)
    )  # [B, n, H, D / H]
    keys, values = linear(hidden, others, other_biases).unflatten(-1, (2, heads, -1)).unbind(2)  # [B, L, H, D / H]
    query_rotations = None if rotations is None else in_rows(rotations, target_positions)
    queries, keys = _rotated(queries, query_rotations), _rotated(keys, rotations)
    return queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2)


def _rotated(vectors: Tensor, rotations: Tensor | None) -> Tensor:
    return vectors if rotations is None else rotate(vectors, rotations)
