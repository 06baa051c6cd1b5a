"""Validation: the whole held-out set, one fixed exam, float32.

Every checkpoint, whatever its seed, is asked about the same hidden tokens: by its own objective, and in the common
exams that it has the skill for, which compare objectives with each other.

Shapes: B rows, L positions, N asked positions, V tokens of the vocabulary, K domains.
"""

from dataclasses import dataclass
from math import exp, log

import numpy as np
import torch
from torch import Tensor, nn

from ...attention import mask, positions
from ...data.loader import exam
from ...data.pack import Pack
from ...data.rows import Rows
from ...loss import cross_entropy
from ...objectives.base.detector import detector
from ...objectives.base.objective import IGNORE, Objective
from ...objectives.base.problem import Problem
from ...prediction import CHUNK, logits_in_chunks
from .common import exams
from .detection import detection

EXAM = 0
"""The seed of every exam."""


@dataclass(frozen=True)
class Answers:
    """How N questions were answered."""

    loss: np.ndarray
    """[N] float64, nats."""
    weight: np.ndarray
    """[N] float64."""
    first: np.ndarray
    """[N] bool, whether the target was the best guess."""
    five: np.ndarray
    """[N] bool, whether it was among the best five."""
    document: np.ndarray
    """[N] int64, which document of the split was asked about."""

    def mean(self, where: np.ndarray | slice = slice(None)) -> dict[str, float]:
        """Weighted means over the questions at `where`."""
        weight = self.weight[where]
        parts = {"loss": self.loss, "accuracy": self.first, "top5": self.five}
        return {name: float((part[where] * weight).sum() / weight.sum()) for name, part in parts.items()}


def validate(
    model: nn.Module, pack: Pack, objective: Objective, domains: list[str], batch_tokens: int = 16384
) -> dict[str, float]:
    """Loss (nats), perplexity, accuracy, top-5 accuracy and bits per byte, over all and by domain.

    Names are `loss`, `accuracy` … for the objective's own exam, `masked/…`, `forward/…` and `backward/…` for the common
    ones, `detection/…` where wrong tokens are to be found, and `…/domain/NAME/…` for a domain of the corpus. Bits per
    byte spread the mean loss of the questions over all tokens of the split.
    """
    numbers: dict[str, float] = {}
    for prefix, answered in examined(model, pack, objective, batch_tokens).items():
        numbers |= {prefix + name: number for name, number in _score(answered, pack, domains).items()}
    if judge := detector(objective.fixed()):
        found = detection(model, pack, judge, batch_tokens)
        numbers |= {f"detection/{name}": number for name, number in found.items()}
    return numbers


def examined(model: nn.Module, pack: Pack, objective: Objective, batch_tokens: int = 16384) -> dict[str, Answers]:
    """The answers of a model trained by `objective` to its own exam, "", and to the common ones, "masked/" and so on.

    An objective whose own exam is a common one is asked once.
    """
    own = objective.fixed()
    found = {"": answers(model, pack, own, batch_tokens)}
    for name, common in exams(objective).items():
        found[f"{name}/"] = found[""] if common.exam_of == own else answers(model, pack, common, batch_tokens)
    return found


def _score(answered: Answers, pack: Pack, domains: list[str]) -> dict[str, float]:
    numbers = answered.mean()
    numbers["perplexity"] = exp(min(numbers["loss"], 700.0))
    numbers["bits_per_byte"] = numbers["loss"] / log(2) * len(pack.split.tokens) / int(pack.split.bytes.sum())
    domain = np.asarray(pack.split.domains)[answered.document]
    for index in np.unique(domain):
        means = answered.mean(domain == index)
        numbers |= {f"domain/{domains[index]}/{name}": number for name, number in means.items()}
    return numbers


def answers(model: nn.Module, pack: Pack, objective: Objective, batch_tokens: int = 16384) -> Answers:
    """Ask `model` the fixed exam of `objective` over all rows of `pack`."""
    training = model.training
    model.eval()
    parts = [
        _answer(model, rows, objective(rows, EXAM), pack) for rows in exam(pack, max(1, batch_tokens // pack.length))
    ]
    model.train(training)
    return Answers(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@torch.no_grad()
def _answer(model: nn.Module, rows: Rows, problem: Problem, pack: Pack) -> tuple[np.ndarray, ...]:
    asked = torch.nonzero(problem.targets.flatten() != IGNORE)[:, 0]  # [N]
    targets, weights = problem.targets.flatten()[asked], problem.weights.flatten()[asked]
    document = rows.document[problem.row]
    loss, first, five = (part.cpu().numpy() for part in ask(model, document, problem, asked, targets))
    numbers = (rows.ids[problem.row] & 0xFFFFFFFF).numpy()
    documents = pack.documents(numbers, document.numpy()).ravel()[asked.numpy()]
    return loss.astype(np.float64), weights.double().numpy(), first, five, documents


def ask(
    model: nn.Module, document: Tensor, problem: Problem, asked: Tensor, targets: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """[N] loss float32, [N] bool best guess right, [N] bool among the best five, for the places `asked` of [B * L]."""
    device = next(model.parameters()).device
    seen = mask(document, problem.view, problem.shown)
    hidden = model(problem.inputs.to(device), None if seen is None else seen.to(device), positions(document).to(device))
    chunks = logits_in_chunks(model, hidden.flatten(0, 1)[asked.to(device)])
    columns = []
    for logits, expected in zip(chunks, targets.to(device).split(CHUNK), strict=True):  # [n, V], [n]
        best = logits.topk(min(5, logits.shape[1])).indices == expected[:, None]
        columns.append((cross_entropy(logits, expected), best[:, 0], best.any(1)))
    loss, first, five = (torch.cat(column) for column in zip(*columns, strict=True))
    return loss, first, five
