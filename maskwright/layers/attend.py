"""Softmax attention over what a mask allows (Vaswani et al. 2017, section 3.2.1)."""

from collections.abc import Callable
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.nn.attention.flex_attention import BlockMask, flex_attention

from ..hardware import quickest
from .dropout import drop

NARROWEST = 16
"""Smallest head width that FlexAttention's kernels support."""
MEASURED_HEADS = 4
"""Rows times heads of the attention that is timed to choose a kernel."""

Kernel = Callable[[Tensor, Tensor, Tensor, Tensor | None, float], Tensor]


def attend(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | BlockMask | None, dropout: float) -> Tensor:
    """Softmax attention: the mean of `values` weighted by softmax(queries · keys / sqrt(width)).

    queries, keys, values: [B, H, L, width].  mask: [B, 1, L, L] bool, True = may attend, a BlockMask, or None for full
    attention; every query must have at least one key.  dropout: on the attention weights; must be 0 with a BlockMask,
    and is 0 outside training.  Returns [B, L, H·width].

    On a CPU, bfloat16 matrix products may be much faster than the fused kernel; there the two products are written out,
    with a float32 softmax between them. BlockMask is meant for compiled code, where it becomes one kernel that skips
    fully masked blocks; uncompiled, all scores are computed as with a dense mask.
    """
    if isinstance(mask, BlockMask):
        assert not dropout
        return flex_attention(queries, keys, values, block_mask=mask).transpose(1, 2).flatten(2)
    by_hand = attention_kernel(queries.device, queries.dtype, keys.shape[-2], dropout) == "two products"
    kernel = _two_products if by_hand else F.scaled_dot_product_attention
    return kernel(queries, keys, values, mask, dropout).transpose(1, 2).flatten(2)


def attention_kernel(device: torch.device, dtype: torch.dtype, length: int, dropout: float = 0.0) -> str:
    """How rows of `length` positions are attended to.

    `fused` keeps no scores, so two products must be clearly faster: in bfloat16 on a CPU, where compiled code always
    has them, and other code up to the length at which a measurement says so. With dropout no fused kernel of a CPU can
    do without the scores.
    """
    if device.type != "cpu" or (dtype != torch.bfloat16 and not dropout):
        return "fused"
    if dropout or torch.compiler.is_compiling():
        return "two products"
    return _quickest_kernel(1 << (length - 1).bit_length())


@cache
def _quickest_kernel(length: int) -> str:
    head = torch.ones(1, MEASURED_HEADS, length, 64, dtype=torch.bfloat16, requires_grad=True)

    def step(kernel: Kernel) -> None:
        with torch.enable_grad():
            kernel(head, head, head, None, 0.0).backward(head.detach())

    ways = {"fused": lambda: step(F.scaled_dot_product_attention), "two products": lambda: step(_two_products)}
    return quickest("attention", ways, length)


def _two_products(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, dropout: float) -> Tensor:
    scores = (queries * queries.shape[-1] ** -0.5) @ keys.mT  # [B, H, L, L]
    if mask is not None:
        scores = scores.masked_fill(~mask, -torch.inf)
    weights = scores.softmax(dim=-1, dtype=torch.float32).to(values.dtype)
    return drop(weights, dropout) @ values
