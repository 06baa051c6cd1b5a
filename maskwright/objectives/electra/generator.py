"""The generator of `electra`: a small masked language model that is sampled from, and trained in every step.

Shapes: B rows, L positions, N target positions, V tokens.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ...attention import BOTH, mask, positions
from ...prediction import logits
from ..base.adam_state import load_moments, moments


class Generator:
    """A model of `models/`, its Adam, and its losses in the current step."""

    def __init__(self, model: nn.Module, lr: float):
        self.model = model.eval()  # no dropout: samples are a function of weights and address alone
        self.optimizer = torch.optim.Adam(model.parameters(), lr)
        self.observed = torch.zeros(3, dtype=torch.float64)
        """Sum of losses, correct predictions and number of targets of this step."""

    @torch.no_grad()
    def score_tokens(self, inputs: Tensor, document: Tensor, target_positions: Tensor) -> Tensor:
        """[N, V] float32, the logits at the masks: a `TokenScorer`."""
        return self._scores(inputs, document, target_positions)

    def learn(self, inputs: Tensor, document: Tensor, target_positions: Tensor, tokens: Tensor) -> None:
        """Accumulate the gradient of the summed loss of `tokens`, [N] int64, at the target positions."""
        with torch.enable_grad():
            scores = self._scores(inputs, document, target_positions)
            loss = cross_entropy(scores, tokens, reduction="sum")
            loss.backward()
        right = (scores.argmax(1) == tokens).sum()
        self.observed += torch.tensor([loss.detach(), right, len(tokens)], dtype=torch.float64)

    def _scores(self, inputs: Tensor, document: Tensor, target_positions: Tensor) -> Tensor:
        seen = mask(document, torch.full((len(inputs),), BOTH))
        return logits(self.model, self.model(inputs, seen, positions(document), target_positions))

    def step(self) -> tuple[float, float] | None:
        """Take a step on the mean over all targets. Returns their loss and accuracy; None without targets."""
        if not (count := float(self.observed[2])):
            return None
        for parameter in self.model.parameters():
            if parameter.grad is not None:
                parameter.grad /= count
        self.optimizer.step()
        self.optimizer.zero_grad()
        loss, right = (self.observed[:2] / count).tolist()
        self.observed.zero_()
        return loss, right

    def state_dict(self) -> dict[str, Tensor]:
        """Everything by name."""
        return moments(self.optimizer) | {f"model.{name}": part for name, part in self.model.state_dict().items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore what `state_dict` returned."""
        parts = {name.removeprefix("model."): part for name, part in state.items() if name.startswith("model.")}
        self.model.load_state_dict(parts)
        load_moments(self.optimizer, state)
