"""The network of `learned`: it reads a clean row and says how often each position should be hidden.

A table of embeddings and two convolutions over neighbours, trained by policy gradient.

Shapes: B rows, L positions, D channels. free: [B, L] bool, True where a token may be hidden.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from ..base.adam_state import load_moments, moments

WIDTH = 5
"""How many neighbours, itself included, a convolution sees."""
ENTROPY_PENALTY = 10.0
"""Weight of missing entropy, beside a nat of the model's loss."""
BASELINE_MOMENTUM = 0.9
"""What the baseline keeps of itself from step to step."""


class Masker(nn.Module):
    """Scores positions. At its start all scores are 0, which hides every position alike."""

    def __init__(self, size: int, channels: int, seed: int = 0):
        super().__init__()
        self.embedding = nn.Embedding(size, channels)
        shape = channels, channels, WIDTH
        self.convolutions = nn.ModuleList([nn.Conv1d(*shape, padding=WIDTH // 2) for _ in range(2)])
        self.score = nn.Linear(channels, 1, bias=False)
        generator = torch.Generator().manual_seed(seed)
        for parameter in self.parameters():
            deviation = parameter[0].numel() ** -0.5 if parameter.ndim > 2 else float(parameter.ndim > 1)
            nn.init.normal_(parameter, 0.0, deviation, generator)
        nn.init.zeros_(self.score.weight)

    def forward(self, tokens: Tensor, free: Tensor) -> Tensor:
        """[B, L] float32. What may not be hidden is not seen: as if the row ended there."""
        hidden = self.embedding(tokens) * free[..., None]  # [B, L, D]
        for convolution in self.convolutions:
            changed = gelu(convolution(hidden.transpose(1, 2))).transpose(1, 2)
            hidden = (hidden + changed) * free[..., None]
        scores: Tensor = self.score(hidden)[..., 0]
        return scores


def policy(scores: Tensor, free: Tensor, uniform: float) -> Tensor:
    """[B, L] float32, the chance that each position is the next to be hidden: softmax of the scores, of which the share
    `uniform` is spread evenly; 0 where nothing is free."""
    count = free.sum(1, keepdim=True).clamp(min=1)
    wanted = scores.masked_fill(~free, -1e9).softmax(1)
    return ((1 - uniform) * wanted + uniform / count) * free


def entropy(chance: Tensor, free: Tensor) -> Tensor:
    """[B] the entropy of `policy` as a share of that of an even choice; 1 where there is no choice."""
    found = -(chance * chance.clamp(min=1e-30).log()).sum(1)
    most = free.sum(1).clamp(min=1).float().log()
    return torch.where(most > 0, found / most.clamp(min=1e-9), 1.0)


def included(chance: Tensor, many: Tensor, rounds: int = 12) -> Tensor:
    """[B, L] how likely each position is among `many` ([B]) drawn without replacement: 1 − exp(−chance · τ).

    τ is what makes them add up to `many`, found by Newton's method from below (Rosén 1997, "Asymptotic theory for order
    sampling", for the exponential race).
    """
    time = many[:, None].float()
    for _ in range(rounds):
        left = (-chance * time).exp()
        missing = many[:, None] - ((1 - left) * (chance > 0)).sum(1, keepdim=True)
        time = time + missing / (chance * left).sum(1, keepdim=True).clamp(min=1e-6)
    return 1 - (-chance * time).exp()


def policy_loss(chance: Tensor, free: Tensor, asked: Tensor, reward: Tensor, floor: float) -> Tensor:
    """The loss of the masker: minus the expected reward of a position drawn from the policy, summed over rows, and a
    penalty for entropy below `floor`.

    asked: [B, L] bool, what was hidden. reward: [B, L] float32, the model's loss there less the baseline, 0 elsewhere.
    A hidden position stands for chance / (chance of being among the hidden) of them (Kool et al. 2020, "Estimating
    gradients for discrete random variables by sampling without replacement", section 4).
    """
    with torch.no_grad():
        worth = reward * asked / included(chance, asked.sum(1)).clamp(min=1e-6)
    return ENTROPY_PENALTY * (floor - entropy(chance, free)).clamp(min=0).sum() - (worth * chance).sum()


class PolicyState:
    """A masker, its optimizer and its baseline, a running mean of the loss: all that `learned` learns."""

    def __init__(self, masker: Masker, lr: float):
        self.masker, self.baseline = masker, torch.full((), torch.nan)
        self.optimizer = torch.optim.Adam(masker.parameters(), lr)
        self.observed = torch.zeros(2, dtype=torch.float64)
        """The sum of the losses of this step, and their number."""

    def advantage(self, losses: Tensor) -> Tensor:
        """[N] losses less the baseline; in the first step, less their mean."""
        self.observed += torch.tensor([losses.sum(), len(losses)], dtype=torch.float64)
        return losses - (losses.mean() if self.baseline.isnan() else self.baseline)

    def step(self) -> None:
        """Take a step, and move the baseline towards the mean loss of the step."""
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
        """Take over what `state_dict` gave."""
        parts = {name.removeprefix("masker."): part for name, part in state.items() if name.startswith("masker.")}
        self.masker.load_state_dict(parts)
        load_moments(self.optimizer, state)
        self.baseline = state["baseline"].clone()
