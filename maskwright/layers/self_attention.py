"""Self-attention whose queries, keys and values are one product (Vaswani et al. 2017, section 3.2.2).

Where n places of each row are asked, only their queries are computed.
"""

from torch import Tensor

from ..attention import Mask
from .attend import attend
from .joint import Joint
from .linear import linear
from .pick import in_rows, of_asked, pick
from .rotary import turn


def self_attend(
    joint: Joint,
    heads: int,
    hidden: Tensor,
    mask: Mask,
    asked: Tensor | None,
    dropout: float = 0.0,
    turns: Tensor | None = None,
) -> Tensor:
    """`hidden` [B, L, D] → what it attends to, [B, L, D]; or [N, D] at `asked`, as in `pick`.

    joint: the matrices of queries, keys and values, [3·D, D], and their biases, if any.
    mask, dropout: as in `attend`.  turns: [B or 1, L, 2, D / H], those of rotary positions, or None.
    """
    if asked is None or asked.ndim == 1:
        return pick(attend(*_everywhere(joint, heads, hidden, turns), mask, dropout), asked)
    return attend(*_asking(joint, heads, hidden, turns, asked), of_asked(mask, asked), dropout).flatten(0, 1)


def _everywhere(joint: Joint, heads: int, hidden: Tensor, turns: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Queries, keys and values, each [B, H, L, D / H]."""
    query_key, values = joint(hidden).unflatten(-1, (3, heads, -1)).split([2, 1], dim=2)  # [B, L, 2 or 1, H, D / H]
    queries, keys = _turned(query_key, turns).transpose(1, 3).unbind(2)
    return queries, keys, values.transpose(1, 3)[:, :, 0]


def _asking(
    joint: Joint, heads: int, hidden: Tensor, turns: Tensor | None, asked: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The same with queries at `asked` [B, n] alone, [B, H, n, D / H]."""
    width = hidden.shape[-1]
    query, others = joint.weight.tensor_split([width])
    query_bias, other_biases = (None, None) if joint.bias is None else joint.bias.tensor_split([width])
    queries = linear(in_rows(hidden, asked), query, query_bias).unflatten(-1, (heads, -1))  # [B, n, H, D / H]
    keys, values = linear(hidden, others, other_biases).unflatten(-1, (2, heads, -1)).unbind(2)  # [B, L, H, D / H]
    there = None if turns is None else in_rows(turns, asked)
    queries, keys = _turned(queries, there), _turned(keys, turns)
    return queries.transpose(1, 2), keys.transpose(1, 2), values.transpose(1, 2)


def _turned(vectors: Tensor, turns: Tensor | None) -> Tensor:
    return vectors if turns is None else turn(vectors, turns)
