"""The network of `electra`: a small masked language model whose guesses are judged, and which learns from every step.

Shapes: B rows, L positions, N places, V tokens.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ...attention import BOTH, mask, positions
from ...prediction import logits
from ..base.adam_state import load_moments, moments


class Generator:
    """A model of `models/`, its Adam, and what it heard of a step."""

    def __init__(self, model: nn.Module, lr: float):
        self.model = model.eval()
        self.optimizer = torch.optim.Adam(model.parameters(), lr)
        self.observed = torch.zeros(3, dtype=torch.float64)
        """The sum of the losses of this step, the right guesses and the questions."""

    @torch.no_grad()
    def score_tokens(self, inputs: Tensor, document: Tensor, asked: Tensor) -> Tensor:
        """[N, V] float32, the scores of the tokens behind the masks: a `TokenScorer`."""
        return self._scores(inputs, document, asked)

    def learn(self, inputs: Tensor, document: Tensor, asked: Tensor, tokens: Tensor) -> None:
        """Add to the gradient of what it costs to name `tokens`, [N] int64, at the places asked."""
        with torch.enable_grad():
            scores = self._scores(inputs, document, asked)
            loss = cross_entropy(scores, tokens, reduction="sum")
            loss.backward()
        right = (scores.argmax(1) == tokens).sum()
        self.observed += torch.tensor([loss.detach(), right, len(tokens)], dtype=torch.float64)

    def _scores(self, inputs: Tensor, document: Tensor, asked: Tensor) -> Tensor:
        seen = mask(document, torch.full((len(inputs),), BOTH))
        return logits(self.model, self.model(inputs, seen, positions(document), asked))

    def step(self) -> tuple[float, float] | None:
        """Take a step on the mean over all questions. Returns their loss and the share that was right, if any was."""
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
        """Take up what `state` gave."""
        parts = {name.removeprefix("model."): part for name, part in state.items() if name.startswith("model.")}
        self.model.load_state_dict(parts)
        load_moments(self.optimizer, state)
