"""Ask a model what stands where: the one place that scores the vocabulary from a model's hidden vectors.

Only asked positions go through the head. Shapes: B rows, L positions, N asked positions, D dimensions, V tokens.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from .attention import Mask, mask, positions
from .loss import Noised, cross_entropy, divergence, noised_loss
from .masking.select import IGNORE

CHUNK = 4096
"""Positions whose logits are computed at once, where nothing else bounds them."""


def logits(model: nn.Module, hidden: Tensor) -> Tensor:
    """[N, V], the unnormalised scores of all tokens by hidden vectors [N, D], in the dtype of the computation."""
    scores: Tensor = model.logits(hidden)  # type: ignore[operator]
    return scores


def logits_in_chunks(model: nn.Module, hidden: Tensor, size: int = CHUNK) -> Iterator[Tensor]:
    """The float32 logits [n, V] of hidden vectors [N, D], at most `size` rows at a time, so that memory stays small."""
    return (logits(model, part).float() for part in hidden.split(size))


class Lesson(NamedTuple):
    """What teachers say of the asked positions."""

    scores: Tensor
    """[N, V], logits or log-probabilities."""
    share: float
    """Weight of the divergence from them; the targets weigh the rest."""
    temperature: float
    """What the scores of both are divided by."""


def problem_loss(
    model: nn.Module,
    inputs: Tensor,
    mask: Mask,
    positions: Tensor | None,
    asked: Tensor,
    targets: Tensor,
    z: float = 0.0,
    noised: Noised | None = None,
    lesson: Lesson | None = None,
) -> tuple[Tensor, Tensor]:
    """The loss of `model` at the asked positions; the vocabulary is scored only there.

    inputs: [B, L] int64.  mask: [B, 1, L, L] bool, blocks or None.  positions: [B, L] int64 or None.
    asked: [N] int64, indices into the flattened [B·L].  targets: [N] int64, the tokens to predict there.
    noised: what random tokens may stand at the asked positions; by default none.
    lesson: what teachers say there, where the model has some.
    Returns the loss [N] float32 and whether the best guess was the target [N] bool.

    Compile it whole, `torch.compile(problem_loss, dynamic=False)`: one graph then fuses casts, norms and the softmax of
    the vocabulary, and recompiles only for a new shape. Mark the length of `asked` and `targets` as dynamic where it
    varies.
    """
    hidden = model(inputs, mask, positions, asked)  # [N, D]
    scores = logits(model, hidden)  # [N, V]
    loss = cross_entropy(scores, targets, z) if noised is None else noised_loss(scores, targets, noised, z)
    if lesson is not None:
        taught = divergence(scores, lesson.scores, lesson.temperature)
        loss = (1 - lesson.share) * loss + lesson.share * taught
    return loss, scores.max(dim=-1).indices == targets


LossFn = Callable[..., tuple[Tensor, Tensor]]
"""`problem_loss`, or its compiled twin."""


class Question(Protocol):
    """What `predict` reads of a `Problem`, which is defined further up."""

    @property
    def inputs(self) -> Tensor: ...
    @property
    def targets(self) -> Tensor: ...
    @property
    def weights(self) -> Tensor: ...
    def sight(self, document: Tensor) -> dict[str, Tensor | None]: ...
    def laid_out(self, of_text: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Predictions:
    """What a model predicts at the N positions that a problem asks about, in the order of the flattened rows."""

    logits: Tensor
    """[N, V] float32, with the gradient of the model unless that was switched off."""
    targets: Tensor
    """[N] int64, the tokens that stand there."""
    weights: Tensor
    """[N] float32, the weight of each in the loss."""

    @cached_property
    def losses(self) -> Tensor:
        """[N] float32, −ln p of each target, in nats: the loss of every objective but diffusion with random tokens."""
        return cross_entropy(self.logits, self.targets)

    @property
    def loss(self) -> Tensor:
        """The weighted mean of `losses`, one number; 0 where nothing is asked."""
        return (self.losses * self.weights).sum() / self.weights.sum().clamp(min=torch.finfo(torch.float32).tiny)

    @property
    def accuracy(self) -> float:
        """The weighted share of targets that are the best guess; NaN where nothing is asked."""
        correct = self.logits.argmax(-1) == self.targets
        return float((correct * self.weights).sum() / self.weights.sum())


def predict(model: nn.Module, problem: Question, document: Tensor | None = None) -> Predictions:
    """The predictions of `model` for a problem of any objective: masked, causal, backward or diffusion.

    document: [B, L] int32, which document of its row a position belongs to, as `Rows.document` has it; by default each
        row is one document.
    Gradients flow, and the model stays in the mode that it is in: call it under `torch.no_grad()` to evaluate.
    """
    device = next(model.parameters()).device
    document = torch.zeros_like(problem.inputs) if document is None else document
    seen = mask(**problem.sight(document))  # type: ignore[arg-type]
    asked = torch.nonzero(problem.targets.flatten() != IGNORE)[:, 0]  # [N]
    sent: tuple[Any, ...] = (problem.inputs, seen, problem.laid_out(positions(document)), asked)
    hidden = model(*(None if part is None else part.to(device) for part in sent))  # [N, D]
    targets, weights = (part.flatten()[asked].to(device) for part in (problem.targets, problem.weights))
    return Predictions(logits(model, hidden).float(), targets, weights)


class Ensemble(nn.Module):
    """Several models of one vocabulary as one, whose probabilities are the mean of theirs.

    It takes what each of them takes; D is the sum of their widths.
    """

    def __init__(self, models: Sequence[nn.Module]):
        super().__init__()
        self.models, self.widths = nn.ModuleList(models), [0] * len(models)
        self.max_length = min(int(model.max_length) for model in models)  # type: ignore[arg-type]
        for what in ("takes_block_mask", "reads_positions"):
            setattr(self, what, all(getattr(model, what, False) for model in models))

    def forward(self, *inputs: Any) -> Tensor:
        """[…, D], the hidden vectors of all models side by side."""
        hidden = [model(*inputs) for model in self.models]
        self.widths = [each.shape[-1] for each in hidden]
        return torch.cat(hidden, -1)

    def logits(self, hidden: Tensor) -> Tensor:
        """[N, V] float32, the logarithm of the mean probability, of hidden vectors [N, D]."""
        parts = zip(self.models, hidden.split(self.widths, -1), strict=True)
        each = [logits(model, part).float().log_softmax(-1) for model, part in parts]
        return torch.stack(each).logsumexp(0) - log(len(each))
