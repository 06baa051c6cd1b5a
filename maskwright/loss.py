"""Cross-entropy, and the divergence from a teacher, in float32: one value per target, unreduced.

The trainer divides once, by the weight of all targets over all micro-batches and ranks. `z` adds z · ln²Z, which keeps
the softmax normaliser Z near 1 (Chowdhery et al. 2022, PaLM, section 5).

Where tokens may have been replaced by random ones, the bound on the likelihood is more than a cross-entropy
(`noised_loss`).
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor


def cross_entropy(logits: Tensor, targets: Tensor, z: float = 0.0) -> Tensor:
    """−ln p(target) + z · ln²Z, in nats.

    logits: [N, V], any float dtype; the log-sum-exp is computed in float32.  targets: [N] int64 in [0, V). Returns [N]
    float32, unreduced.
    """
    loss, normaliser = _CrossEntropy.apply(logits, targets)
    return loss + z * normaliser.square() if z else loss


class Noised(NamedTuple):
    """How the tokens at N asked positions were noised, with random tokens among them."""

    seen: Tensor
    """[N] int64, the token in the input."""
    clean: Tensor
    """[N] float32, α: the probability that the token was left alone."""
    other: Tensor
    """[N] float32, u: the probability of each ordinary token to be put there; 0 where there are none at random."""
    special: Tensor
    """[V] bool, the tokens that are never put there and never stand behind one."""

    def part(self, some: slice, device: torch.device) -> "Noised":
        """Those at some of the positions, on a device."""
        seen, clean, other = (column[some].to(device) for column in self[:3])
        return Noised(seen, clean, other, self.special.to(device))


def noised_loss(logits: Tensor, targets: Tensor, noised: Noised, z: float = 0.0) -> Tensor:
    """What a position adds to the bound of mixed noise, over α and before its weight, in nats; [N] float32.

    KL(q(·|x) ‖ q(·|p)) + D(q(seen|x) / q(seen|p)) over α, where D(r) = r − ln r − 1 (Itakura-Saito), x is the target
    and q(y|p) = α p(y) + u (von Rütte et al. 2025, "Generalized interpolating discrete diffusion", arXiv 2503.04482,
    section 3). [MASK] is as likely by x as by p, and adds nothing. It is −ln p(target) where u is 0.

    logits: [N, V], any float dtype; the softmax is over ordinary tokens.  targets: [N] int64.
    """
    plain, mixed = cross_entropy(logits, targets), noised.other > 0
    k = torch.where(mixed, noised.other / noised.clean, 1.0)  # u / α
    p = logits.float().masked_fill(noised.special, -torch.inf).softmax(-1)  # [N, V]
    p = p.where(mixed[:, None], 0.0)
    right, here = (p.gather(-1, ids[:, None])[:, 0] for ids in (targets, noised.seen))
    off = ((1 + k) / (right + k)).log()
    apart = off + k * ((1 / k).log1p() - (p / k[:, None]).log1p().sum(-1))
    ratio = torch.where(noised.seen == targets, (1 + k) / (right + k), k / (here + k))
    ratio = ratio.where(~noised.special[noised.seen], 1.0)
    loss = torch.where(mixed, apart + (ratio - ratio.log() - 1) / noised.clean, plain)
    return loss + z * logits.float().logsumexp(-1).square() if z else loss


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


def divergence(logits: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """T² · KL(q ‖ p) in nats, where q and p are the softmax of the teacher's scores and of `logits`, both divided by T.

    T² keeps the size of the gradient, whatever T is (Hinton et al. 2015, arXiv 1503.02531, section 2).
    logits: [N, V], any float dtype.  teacher: [N, V], logits or log-probabilities; no gradient flows there. Returns [N]
    float32, unreduced.
    """
    loss: Tensor = _Divergence.apply(logits, teacher, temperature)
    return loss


class _Divergence(torch.autograd.Function):
    """Saves both scores as they are given, and no float32 copy of either."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        ctx.save_for_backward(logits, teacher)
        ctx.temperature = temperature
        pairs = zip(_parts(logits), _parts(teacher), strict=True)
        return torch.cat([_kl(own, wanted, temperature) for own, wanted in pairs])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        logits, teacher = ctx.saved_tensors
        parts = zip(_parts(logits), _parts(teacher), _parts(gradients[0]), strict=True)
        return torch.cat([_pull(*part, ctx.temperature) for part in parts]), None, None


def _kl(logits: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """[n], the divergence of rows [n, V]."""
    own, wanted = ((scores.float() / temperature).log_softmax(-1) for scores in (logits, teacher))
    return temperature**2 * (wanted.exp() * (wanted - own)).sum(-1)


def _pull(logits: Tensor, teacher: Tensor, gradient: Tensor, temperature: float) -> Tensor:
    """[n, V], the gradient of the logits: T · (p − q), for each unit of the loss."""
    own, wanted = ((scores.float() / temperature).softmax(-1) for scores in (logits, teacher))
    return (temperature * gradient[:, None] * (own - wanted)).to(logits.dtype)


def _parts(rows: Tensor) -> tuple[Tensor, ...]:
    """Split rows on a CPU, so that their float32 copy stays in cache; compiled code makes no copy."""
    whole = torch.compiler.is_compiling() or rows.device.type != "cpu"
    return rows.split(len(rows) if whole else 32)
