"""The loss, one number a question: cross-entropy in float32, reduced by nobody here.

A trainer divides once, by the weight of all questions over all micro-steps and ranks. `z` adds z · ln²Z, which keeps
the normaliser Z near 1 (Chowdhery et al. 2022, PaLM, section 5).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .attention import Mask


def cross_entropy(logits: Tensor, targets: Tensor, z: float = 0.0) -> Tensor:
    """−ln p(target) + z · ln²Z at every position.

    logits: [N, V], any float dtype; the logarithm is taken in float32.  targets: [N] int64 in [0, V).
    Returns [N] float32, unreduced.
    """
    loss, normaliser = _CrossEntropy.apply(logits, targets)
    return loss + z * normaliser.square() if z else loss


class _CrossEntropy(torch.autograd.Function):
    """Keeps the logits and their normaliser, and not a float32 copy of either: the gradient is computed from them."""

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
    """both · softmax − loss at the target, [n, V], of the gradients `loss` of −ln p and `both` of ln Z in all."""
    chances = (logits.float() - normaliser[:, None]).exp()  # [n, V]
    named = torch.arange(logits.shape[-1], device=logits.device) == targets[:, None]  # [n, V]
    return torch.where(named, chances * both[:, None] - loss[:, None], chances * both[:, None]).to(logits.dtype)


def _parts(rows: Tensor) -> tuple[Tensor, ...]:
    """A few rows at a time on a CPU, so that their float32 copy stays in its cache; compiled code makes no copy."""
    whole = torch.compiler.is_compiling() or rows.device.type != "cpu"
    return rows.split(len(rows) if whole else 32)


def problem_loss(
    model: nn.Module,
    inputs: Tensor,
    mask: Mask,
    positions: Tensor | None,
    asked: Tensor,
    targets: Tensor,
    z: float = 0.0,
) -> tuple[Tensor, Tensor]:
    """Ask `model` a batch of questions; the vocabulary is scored only where something is asked.

    inputs: [B, L] int64.  mask: [B, 1, L, L] bool, blocks or None.  positions: [B, L] int64 or None.
    asked: [N] int64, places in the flattened [B·L].  targets: [N] int64, the tokens to name there.
    Returns the loss [N] float32 and whether the best guess was the target [N] bool.

    Compile it whole, `torch.compile(problem_loss, dynamic=False)`: one graph then fuses casts, norms and the softmax of
    the vocabulary, and recompiles only for a new shape. Mark the length of `asked` and `targets` as dynamic where it
    varies.
    """
    hidden = model(inputs, mask, positions, asked)  # [N, D]
    logits = model.logits(hidden)  # type: ignore[operator]  # [N, V]
    return cross_entropy(logits, targets, z), logits.max(dim=-1).indices == targets


Ask = Callable[..., tuple[Tensor, Tensor]]
"""`problem_loss`, or its compiled twin."""
