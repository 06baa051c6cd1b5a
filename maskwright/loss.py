"""Cross-entropy in float32, one value per target, unreduced.

The trainer divides once, by the weight of all targets over all micro-batches and ranks. `z` adds z · ln²Z, which keeps
the softmax normaliser Z near 1 (Chowdhery et al. 2022, PaLM, section 5).
"""

from typing import Any

import torch
from torch import Tensor


def cross_entropy(logits: Tensor, targets: Tensor, z: float = 0.0) -> Tensor:
    """−ln p(target) + z · ln²Z, in nats.

    logits: [N, V], any float dtype; the log-sum-exp is computed in float32.  targets: [N] int64 in [0, V). Returns [N]
    float32, unreduced.
    """
    loss, normaliser = _CrossEntropy.apply(logits, targets)
    return loss + z * normaliser.square() if z else loss


class _CrossEntropy(torch.autograd.Function):
    """Saves the logits and their normaliser, and no float32 copy of either: the gradient is recomputed from them."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        normaliser = torch.cat([part.float().logsumexp(dim=-1) for part in _parts(logits)])  # [N]
        ctx.save_for_backward(logits, targets, normaliser)
        return normaliser - logits.gather(-1, targets[:, None])[:, 0].float(), normaliser

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        loss, both = gradients[0], gradients[0] + gradients[1]  # [N]
        columns = (*ctx.saved_tensors, loss, both)
        return torch.cat([_gradient(*parts) for parts in zip(*map(_parts, columns), strict=True)]), None


def _gradient(logits: Tensor, targets: Tensor, normaliser: Tensor, loss: Tensor, both: Tensor) -> Tensor:
    """The gradient of the logits, [n, V]: both · softmax − loss at the target; `loss` is the gradient of −ln p, `both`
    of ln Z."""
    probs = (logits.float() - normaliser[:, None]).exp()  # [n, V]
    is_target = torch.arange(logits.shape[-1], device=logits.device) == targets[:, None]  # [n, V]
    return torch.where(is_target, probs * both[:, None] - loss[:, None], probs * both[:, None]).to(logits.dtype)


def _parts(rows: Tensor) -> tuple[Tensor, ...]:
    """Split rows on a CPU, so that their float32 copy stays in cache; compiled code makes no copy."""
    whole = torch.compiler.is_compiling() or rows.device.type != "cpu"
    return rows.split(len(rows) if whole else 32)
