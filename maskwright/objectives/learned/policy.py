"""The network of `learned`: it maps a clean row to the probability of masking each position.

An embedding table and two convolutions over neighbours, trained by policy gradient.

Shapes: B rows, L positions, D channels. free: [B, L] bool, True where a token may be masked.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from ..base.adam_state import load_moments, moments

KERNEL_SIZE = 5
"""Positions that a convolution sees, its own included."""
ENTROPY_PENALTY = 10.0
"""Weight of entropy below the floor, relative to a nat of the model's loss."""
BASELINE_MOMENTUM = 0.9
"""Momentum of the baseline, a moving average over steps."""


class Masker(nn.Module):
    """Scores positions. Initially all scores are 0, so that masking is uniform."""

    def __init__(self, size: int, channels: int, seed: int = 0):
        super().__init__()
        self.embedding = nn.Embedding(size, channels)
        shape = channels, channels, KERNEL_SIZE
        self.convolutions = nn.ModuleList([nn.Conv1d(*shape, padding=KERNEL_SIZE // 2) for _ in range(2)])
        self.score = nn.Linear(channels, 1, bias=False)
        generator = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            deviation = parameter[0].numel() ** -0.5 if parameter.ndim > 2 else float(parameter.ndim > 1)
            nn.init.normal_(parameter, 0.0, deviation, generator)
        nn.init.zeros_(self.score.weight)

    def forward(self, tokens: Tensor, free: Tensor) -> Tensor:
        """[B, L] float32. Special tokens and padding are zeroed in every layer: padding changes no score."""
        hidden = self.embedding(tokens) * free[..., None]  # [B, L, D]
        for convolution in self.convolutions:
            changed = gelu(convolution(hidden.transpose(1, 2))).transpose(1, 2)
            hidden = (hidden + changed) * free[..., None]
        scores: Tensor = self.score(hidden)[..., 0]
        return scores


def policy(scores: Tensor, free: Tensor, uniform: float) -> Tensor:
    """[B, L] float32, the probability that a position is masked next: softmax of the scores, mixed with the fraction
    `uniform` of a uniform distribution; 0 where a token may not be masked."""
    count = free.sum(1, keepdim=True).clamp(min=1)
    preferred = scores.masked_fill(~free, -1e9).softmax(1)
    return ((1 - uniform) * preferred + uniform / count) * free


def entropy(probs: Tensor, free: Tensor) -> Tensor:
    """[B] the entropy of `policy` as a fraction of that of a uniform distribution; 1 where there is no choice."""
    value = -(probs * probs.clamp(min=1e-30).log()).sum(1)
    maximum = free.sum(1).clamp(min=1).float().log()
    return torch.where(maximum > 0, value / maximum.clamp(min=1e-9), 1.0)


def inclusion_probs(probs: Tensor, k: Tensor) -> Tensor:
    """[B, L] float32, the probability of being among `k` ([B]) masked positions: min(1, c · probs), which add up to `k`
    (or to the number of positions that can be masked).

    c grows as positions that are certain leave their surplus to the others, until no more become certain.
    """
    included, certain = torch.zeros_like(probs), torch.zeros_like(probs, dtype=torch.bool)
    while True:
        left = (k[:, None] - certain.sum(1, keepdim=True)).clamp(min=0)
        others = probs.masked_fill(certain, 0)
        scaled = left * others / others.sum(1, keepdim=True).clamp(min=1e-30)
        included = torch.where(certain, 1.0, scaled.clamp(max=1.0))
        if not (more := (scaled >= 1) & ~certain).any():
            return included
        certain |= more


def policy_loss(probs: Tensor, free: Tensor, chosen: Tensor, reward: Tensor, floor: float) -> Tensor:
    """The loss of the policy: minus the expected reward of a position drawn from it, summed over rows; and a penalty
    for entropy below `floor`.

    chosen: [B, L] bool, the masked positions. reward: [B, L] float32, the model's loss there less the baseline, else 0.
    A masked position is weighted by its probability over its inclusion probability (Horvitz and Thompson 1952).
    """
    with torch.no_grad():
        # importance weights: without them, positions that are nearly always masked would count too often
        weighted = reward * chosen / inclusion_probs(probs, chosen.sum(1)).clamp(min=1e-6)
    return ENTROPY_PENALTY * (floor - entropy(probs, free)).clamp(min=0).sum() - (weighted * probs).sum()


class PolicyState:
    """The network, its optimizer and its baseline, a moving average of the loss: all state of `learned`."""

    def __init__(self, masker: Masker, lr: float):
        self.masker, self.baseline = masker, torch.full((), torch.nan)
        self.optimizer = torch.optim.Adam(masker.parameters(), lr)
        self.observed = torch.zeros(2, dtype=torch.float64)
        """The sum and number of the losses of this step."""

    def advantage(self, losses: Tensor) -> Tensor:
        """[N] losses minus the baseline; in the first step, minus their mean."""
        self.observed += torch.tensor([losses.sum(), len(losses)], dtype=torch.float64)
        return losses - (losses.mean() if self.baseline.isnan() else self.baseline)

    def step(self) -> None:
        """Take an optimizer step, and move the baseline towards the mean loss of the step."""
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.observed[1] > 0:
            mean = (self.observed[0] / self.observed[1]).float()
            kept = BASELINE_MOMENTUM * self.baseline + (1 - BASELINE_MOMENTUM) * mean
            self.baseline = mean if self.baseline.isnan() else kept
        self.observed.zero_()

    def state_dict(self) -> dict[str, Tensor]:
        """Everything by name."""
        parts = {f"masker.{name}": part for name, part in self.masker.state_dict().items()}
        return moments(self.optimizer) | parts | {"baseline": self.baseline}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state_dict` returned."""
        parts = {name.removeprefix("masker."): part for name, part in state.items() if name.startswith("masker.")}
        self.masker.load_state_dict(parts)
        load_moments(self.optimizer, state)
        self.baseline = state["baseline"].clone()
