"""Validation: the whole held-out set, one fixed exam, float32.

An exam is a fixed set of questions, the same for every checkpoint of every seed: the objective's own questions, and the
common exams that any model with the capability can take, so that objectives can be compared.

Shapes: B rows, L positions, N target positions, V tokens of the vocabulary, K domains.
"""

from math import exp, log

import numpy as np
import torch
from torch import Tensor, nn

from ...attention import mask, positions
from ...data.loader import validation_batches
from ...data.pack import Pack
from ...data.rows import Rows
from ...loss import cross_entropy, noised_loss
from ...objectives.base.detector import detector
from ...objectives.base.objective import IGNORE, Objective
from ...objectives.base.problem import Problem
from ...prediction import CHUNK, logits_in_chunks
from ...progress import through
from ...text.shards.shards import Split
from .common import exams
from .detection import detection
from .exam_result import ExamResult
from .frequency import by_frequency
from .unigram import unigram

EXAM = 0
"""The seed of every exam."""
OF_TOKENS = {"top5", "perplexity", "bits_per_byte", "frequency"}
"""Numbers that say nothing where the answer is one of two, that a token is right or wrong."""


def validate(
    model: nn.Module,
    pack: Pack,
    objective: Objective,
    domains: list[str],
    batch_tokens: int = 16384,
    train: Split | None = None,
    stride: int = 1,
) -> dict[str, float]:
    """Loss (nats), perplexity, accuracy, top-5 accuracy and bits per byte, over every `stride`-th row of `pack` and by
    domain.

    Names are `loss`, `accuracy` … for the objective's own exam, `masked/…`, `forward/…` and `backward/…` for the common
    ones, `detection/…` if it detects wrong tokens, and `…/domain/NAME/…` for a domain of the corpus. `…/margin/…` is
    half the width of a mean's 95 % interval over documents. With the `train` split, `…/unigram/…` is what its token
    frequencies alone would score on the same questions, and `…/frequency/BAND/…` the targets that occur so often in it.
    Bits per byte assume the mean loss of the exam for every token of the split; a detector has no `OF_TOKENS`.
    """
    counts = train.counts(pack.vocabulary.size) if train else None
    numbers: dict[str, float] = {}
    for prefix, result in validate_all(model, pack, objective, batch_tokens, stride).items():
        if not len(result.target):  # its objective asked nothing of the few held-out rows
            continue
        numbers |= {prefix + name: number for name, number in _score(result, pack, domains).items()}
        numbers |= {f"{prefix}margin/{name}": number for name, number in result.margins().items()}
        if counts is not None:
            floor = unigram(result, counts, pack.vocabulary).mean()
            numbers |= {f"{prefix}unigram/{name}": number for name, number in floor.items()}
            bands = by_frequency(result, counts, pack.vocabulary)
            numbers |= {f"{prefix}frequency/{name}": number for name, number in bands}
    if objective.capabilities == {"detect"}:
        numbers = {name: number for name, number in numbers.items() if not OF_TOKENS.intersection(name.split("/"))}
    if wrong := detector(objective.for_validation()):
        found = detection(model, pack, wrong, batch_tokens, stride)
        numbers |= {f"detection/{name}": number for name, number in found.items()}
    return numbers


def validate_all(
    model: nn.Module, pack: Pack, objective: Objective, batch_tokens: int = 16384, stride: int = 1
) -> dict[str, ExamResult]:
    """The results of a model trained by `objective`: on its own exam, "", and on the common ones, "masked/" and so on.

    An own exam that equals a common one is run once.
    """
    own = objective.for_validation()
    common = {f"{name}/": exam for name, exam in exams(objective).items()}
    same = [name for name, exam in common.items() if exam.task == own]
    others = {name: exam for name, exam in common.items() if name not in same}
    asked = {"": own} | others
    found = {name: take_exam(model, pack, asked[name], batch_tokens, stride) for name in through([*asked])}
    return {"": found[""]} | {name: found.get(name, found[""]) for name in common}


def _score(result: ExamResult, pack: Pack, domains: list[str]) -> dict[str, float]:
    numbers = result.mean()
    numbers["perplexity"] = exp(min(numbers["loss"], 700.0))
    numbers["bits_per_byte"] = numbers["loss"] / log(2) * len(pack.split.tokens) / int(pack.split.bytes.sum())
    domain = np.asarray(pack.split.domains)[result.document]
    for index in np.unique(domain):
        means = result.mean(domain == index)
        numbers |= {f"domain/{domains[index]}/{name}": number for name, number in means.items()}
    return numbers


def take_exam(
    model: nn.Module, pack: Pack, objective: Objective, batch_tokens: int = 16384, stride: int = 1
) -> ExamResult:
    """The result of `model` on the exam of `objective` over every `stride`-th row of `pack`; a row always has the same
    questions."""
    training = model.training
    model.eval()
    batches = validation_batches(pack, max(1, batch_tokens // pack.length), stride)
    parts = [_answer_rows(model, rows, objective(rows, EXAM), pack) for rows in batches]
    model.train(training)
    return ExamResult(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@torch.no_grad()
def _answer_rows(model: nn.Module, rows: Rows, problem: Problem, pack: Pack) -> tuple[np.ndarray, ...]:
    asked = torch.nonzero(problem.targets.flatten() != IGNORE)[:, 0]  # [N]
    targets, weights = problem.targets.flatten()[asked], problem.weights.flatten()[asked]
    document = problem.laid_out(rows.document)
    loss, first, five = (part.cpu().numpy() for part in score_targets(model, rows, problem, asked, targets))
    numbers = (rows.ids[problem.source_row] & 0xFFFFFFFF).numpy()
    documents = pack.documents(numbers, document.numpy()).ravel()[asked.numpy()]
    place = problem.laid_out(positions(rows.document)).expand_as(problem.targets).flatten()[asked].numpy()
    return targets.numpy(), weights.double().numpy(), documents, loss.astype(np.float64), first, five, place


def score_targets(
    model: nn.Module, rows: Rows, problem: Problem, asked: Tensor, targets: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """[N] float32 loss, [N] bool top-1 hit, [N] bool top-5 hit, at the positions `asked` of [P * M]; rows: of text."""
    device = next(model.parameters()).device
    seen = mask(**problem.sight(rows.document))  # type: ignore[arg-type]
    places = problem.laid_out(positions(rows.document)).to(device)
    hidden = model(problem.inputs.to(device), None if seen is None else seen.to(device), places)
    chunks = logits_in_chunks(model, hidden.flatten(0, 1)[asked.to(device)])
    noised = problem.noised(asked, rows.vocabulary.is_special)
    columns = []
    for begin, logits in zip(range(0, len(asked), CHUNK), chunks, strict=True):  # [n, V]
        some = slice(begin, begin + CHUNK)
        expected = targets[some].to(device)
        best = logits.topk(min(5, logits.shape[1])).indices == expected[:, None]
        if noised is None:
            loss = cross_entropy(logits, expected)
        else:
            loss = noised_loss(logits, expected, noised.part(some, device))
        columns.append((loss, best[:, 0], best.any(1)))
    loss, first, five = (torch.cat(column) for column in zip(*columns, strict=True))
    return loss, first, five
