"""Muon: matrices step by their orthogonalised momentum, everything else by AdamW.

Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks", with the arithmetic of torch.optim.Muon,
scaled so that a step is as long as AdamW's (Liu et al. 2025, "Muon is scalable for LLM training", arXiv 2502.16982,
section 2.2): one learning rate serves both. Matrices that are stored as one weight (queries, keys and values) are
orthogonalised one by one, and all matrices of equal shape in one batch.

Three refinements, each off unless asked for: `row_beta` makes it NorMuon, `entry_beta` AdaMuon, and `cautious_decay`
decays only what is not moving away from zero.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.optim.adamw import adamw

from ..distributed.dtensor import like, whole
from ..hardware import fast_bf16
from ..layers import joint
from ..settings import settings
from ..settings.schedule import Scheduled, Share, value
from ._parameter_groups import Decay, parameter_groups

QUINTIC = 3.4445, -4.7750, 2.0315
"""Coefficients of X, (X Xᵀ) X and (X Xᵀ)² X in one Newton-Schulz iteration (Jordan et al. 2024)."""
TINY = 1e-7
"""Smallest norm that a matrix is divided by."""
RMS = 0.2
"""The root mean square of AdamW's steps, which Muon's are scaled to (Liu et al. 2025, section 2.2)."""


@settings
class Muon:
    """Orthogonal steps for matrices, AdamW for everything else (Jordan et al. 2024).

    Matrices are decayed; embeddings only with `decay_embeddings`; vectors never.
    """

    lr: Annotated[float, Field(gt=0)] = 4e-3
    """Peak learning rate of the matrices."""
    adamw_lr_ratio: Annotated[float, Field(gt=0)] = 1.0
    """Learning rate of everything else, relative to `lr`."""
    momentum: Scheduled[Share] = 0.95
    """Decay per step of a matrix's mean gradient (Nesterov momentum), or a schedule of it: {start: 0.85, end: 0.95,
    until: 0.1} warms it up."""
    iterations: Annotated[int, Field(ge=1, lt=100)] = 5
    """Newton-Schulz iterations."""
    betas: tuple[Share, Share] = (0.9, 0.98)
    """Of AdamW: decay per step of the mean gradient and of its square."""
    eps: Annotated[float, Field(gt=0)] = 1e-8
    """Of AdamW: added to the root of the squares."""
    weight_decay: Decay = 0.1
    """Decoupled decay, or a schedule of it: w shrinks by lr · weight_decay per step."""
    row_beta: Share | None = None
    """NorMuon (Li et al. 2025, arXiv 2510.05491; 0.95 there): decay per step of each row's mean square, by the root of
    which the row is divided. None leaves rows as they are."""
    entry_beta: Share | None = None
    """AdaMuon (Si et al. 2025, arXiv 2507.11005; 0.95 there): the signs of the momentum are orthogonalised, and each
    entry is divided by the root of its mean square, of which this is the decay per step. None for neither."""
    cautious_decay: bool = False
    """Whether an entry of a matrix is decayed only while its step, too, is towards zero (Chen et al. 2025, arXiv
    2510.12402)."""
    decay_embeddings: bool = False
    """Whether embedding tables (a tied decoder is one) are decayed too."""

    def __post_init__(self) -> None:
        if self.row_beta is not None and self.entry_beta is not None:
            raise ValueError(f"row_beta={self.row_beta} and entry_beta={self.entry_beta}: choose one, or none")

    def build(self, model: nn.Module) -> torch.optim.Optimizer:
        """The optimizer of `model`, with one parameter group per role, each at its peak `lr`."""
        groups = parameter_groups(model, self.weight_decay, self.decay_embeddings)
        stacked = joint.parts(model)
        for group in groups:
            group["parts"] = [stacked.get(id(parameter), 1) for parameter in group["params"]]
            group["lr"] = self.lr * (1.0 if group["role"] == "matrix" else self.adamw_lr_ratio)
        of_matrices = ("lr", "iterations", "row_beta", "entry_beta", "cautious_decay")
        defaults = {name: getattr(self, name) for name in of_matrices} | {"momentum": value(self.momentum, 0.0)}
        return MuonOptimizer(groups, defaults | {"betas": self.betas, "eps": self.eps, "fused": True})


class MuonOptimizer(torch.optim.Optimizer):
    """The optimizer behind `Muon`: one rule for the group of matrices, one for the others."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient; there is no closure to call."""
        for group in self.param_groups:
            (self._muon_step if group["role"] == "matrix" else self._adamw_step)(group)

    def _muon_step(self, group: dict[str, Any]) -> None:
        """W −= lr · decay · W + lr · scale · orthogonalised momentum, for each of the matrices stored as one weight."""
        counts = {p: count for p, count in zip(group["params"], group["parts"], strict=True) if p.grad is not None}
        means = [self._momentum(parameter, group).chunk(count) for parameter, count in counts.items()]
        steps = iter(orthogonalised([mean for joint in means for mean in joint], group["iterations"]))
        for parameter, count in counts.items():
            pieces = list(islice(steps, count))
            length = max(pieces[0].shape) ** 0.5  # 1 / the root mean square of an orthogonal matrix
            if group["row_beta"] is not None or group["entry_beta"] is not None:
                pieces, length = self._evened(parameter, pieces, group), 1.0
            step = like(parameter, torch.cat(pieces).reshape(parameter.shape))
            decay = group["lr"] * group["weight_decay"]
            parameter.mul_(1 - decay * (step * parameter >= 0) if group["cautious_decay"] else 1 - decay)
            parameter.add_(step, alpha=-group["lr"] * RMS * length)

    def _evened(self, parameter: Tensor, pieces: Sequence[Tensor], group: dict[str, Any]) -> list[Tensor]:
        """Orthogonal matrices with each row, or each entry, divided by the root of its mean square over time, and the
        root mean square of each whole matrix brought to 1 (Li et al. 2025 and Si et al. 2025, algorithm 1 of both)."""
        joined = torch.cat(list(pieces)).float()
        squares = joined.square()
        if group["row_beta"] is not None:
            root = self._root_mean(parameter, "rows", squares.mean(1), group["row_beta"])[:, None]
        else:
            root = self._root_mean(parameter, "entries", squares, group["entry_beta"])
        even = joined / root
        return [each * (each.numel() ** 0.5 / each.norm().clamp(min=TINY)) for each in even.chunk(len(pieces))]

    def _root_mean(self, parameter: Tensor, name: str, squares: Tensor, beta: float) -> Tensor:
        """The root of the mean of `squares` over time, which is kept in the state as `name`."""
        state = self.state[parameter]
        state[name] = state[name].lerp(squares, 1 - beta) if name in state else (1 - beta) * squares
        return state[name].sqrt().clamp(min=TINY)

    def _momentum(self, parameter: Tensor, group: dict[str, Any]) -> Tensor:
        """Nesterov momentum as a matrix: [rows, everything else]; its signs for AdaMuon."""
        assert parameter.grad is not None
        state = self.state[parameter]
        if not state:
            state["mean"] = torch.zeros_like(parameter)
        mean = state["mean"].lerp_(parameter.grad, 1 - group["momentum"])
        direction = whole(parameter.grad.lerp(mean, group["momentum"])).flatten(1)
        return direction if group["entry_beta"] is None else direction.sign()

    def _adamw_step(self, group: dict[str, Any]) -> None:
        """AdamW (Loshchilov and Hutter 2019, algorithm 2), by torch's fused kernel."""
        trained = [parameter for parameter in group["params"] if parameter.grad is not None]
        for parameter in trained:
            if not self.state[parameter]:
                step = torch.zeros((), device=parameter.device)
                zeros = torch.zeros_like(parameter), torch.zeros_like(parameter)
                self.state[parameter] |= {"step": step, "mean": zeros[0], "square": zeros[1]}
        gradients = [parameter.grad for parameter in trained if parameter.grad is not None]
        means, squares, steps = ([self.state[p][key] for p in trained] for key in ("mean", "square", "step"))
        first, second = group["betas"]
        adamw(
            trained, gradients, means, squares, [], steps, fused=True, amsgrad=False, maximize=False,
            beta1=first, beta2=second, lr=group["lr"], weight_decay=group["weight_decay"], eps=group["eps"],
        )  # fmt: skip


def orthogonalised(matrices: Sequence[Tensor], iterations: int) -> list[Tensor]:
    """Each matrix U S Vᵀ, [m, n] float, becomes about U Vᵀ, [m, n]; equal shapes (or transposed) in one batch.

    In bfloat16, whose precision is enough for it, where the hardware multiplies that; else in float32.
    """
    dtype = torch.bfloat16 if fast_bf16(matrices[0].device) else torch.float32
    wide = [matrix.mT if matrix.shape[0] > matrix.shape[1] else matrix for matrix in matrices]
    alike = defaultdict(list)  # one batched product is much faster than many small ones
    for place, matrix in enumerate(wide):
        alike[matrix.shape].append(place)
    done: dict[int, Tensor] = {}
    for places in alike.values():
        stacked = torch.stack([wide[place].to(dtype) for place in places])
        done |= dict(zip(places, newton_schulz(stacked, iterations), strict=True))
    return [done[place].mT if wide[place] is not matrix else done[place] for place, matrix in enumerate(matrices)]


def newton_schulz(wide: Tensor, iterations: int) -> Tensor:
    """Push all singular values of `wide` [N, m, n], m ≤ n, towards 1: in five iterations into about [0.7, 1.2]."""
    linear, cubic, quintic = QUINTIC
    wide = wide / wide.norm(dim=(1, 2), keepdim=True).clamp(min=TINY)
    for _ in range(iterations):  # divided by the Frobenius norm first: the iteration needs singular values below 1
        gram = wide @ wide.mT  # [N, m, m]
        odd = torch.baddbmm(gram, gram, gram, beta=cubic, alpha=quintic)
        wide = torch.baddbmm(wide, odd, wide, beta=linear)
    return wide
