"""Quality of generated texts: by an independent causal model, by their own statistics, and against held-out text.

Perplexity alone rewards repetition (repeating one word for ever is very likely), so `evaluate_texts` always reports it
with entropy and repetition. The scorer must not be the sampled model, whose own confidence proves nothing.

Shapes: N samples, M references, L tokens in each, without [CLS] and [SEP]; D dimensions of the scorer, R resamples.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import log
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ...attention import mask
from ...data.rows import Rows
from ...loss import cross_entropy
from ...noise import address
from ...objectives.base.objective import IGNORE
from ...prediction import logits_in_chunks
from ...run.load import LoadedRun, load
from ...text.shards.shards import Split
from ...text.tokenizers.tokenizer import Tokenizer
from ..scoring.backends import Questions, choose
from ..statistics.bootstrap import interval, resampled
from .divergence import divergence
from .diversity import WINDOW, distinct, entropy, overlap, rep, repetition
from .mauve import clustered
from .novelty import copied

RESAMPLES = 1000
MIN_LENGTH = 5
"""Tokens of a text, so that it has two 4-grams."""
COPIED = (4, 8)
"""The lengths of n-grams that are looked for in the training text."""
MIN_FOR_MAUVE = 100
"""Texts; with fewer, MAUVE has too few clusters to mean anything."""
LOGITS = 1 << 24
"""Logits computed at once."""


@dataclass(frozen=True)
class TextScores:
    """Scores of N texts by a causal model."""

    nats: np.ndarray
    """[N] float64, −ln p of the whole text after [CLS]."""
    vectors: np.ndarray
    """[N, D] float32, hidden states averaged over positions."""
    bytes: np.ndarray
    """[N] int64, length in UTF-8."""


@dataclass(frozen=True)
class CausalScorer:
    """A causal model that scores generated texts."""

    model: nn.Module
    tokenizer: Tokenizer
    questions: Questions
    """The backend `causal`, in the model's own input format."""
    batch_tokens: int = 8192

    def __call__(self, tokens: np.ndarray) -> TextScores:
        """Score tokens [N, L] int64. Raises ValueError when they are longer than the model's maximum."""
        longest = int(self.model.max_length)  # type: ignore[arg-type]
        if tokens.shape[1] + 2 > longest:
            raise ValueError(f"texts of {tokens.shape[1]} tokens: the scorer takes at most {longest - 2}")
        size = max(1, self.batch_tokens // (tokens.shape[1] + 2))
        parts = [self._read(self._rows(tokens[begin : begin + size])) for begin in range(0, len(tokens), size)]
        nats, vectors = (np.concatenate(column) for column in zip(*parts, strict=True))
        return TextScores(nats, vectors, np.array([len(self.tokenizer.decode(text).encode()) for text in tokens]))

    def _rows(self, tokens: np.ndarray) -> Rows:
        known, (count, length) = self.tokenizer.vocabulary, tokens.shape
        frame = np.full((count, 1), known.cls), tokens, np.full((count, 1), known.sep)
        whole = torch.from_numpy(np.concatenate(frame, 1))
        word = torch.zeros(whole.shape, dtype=torch.int32)
        word[:, 1:-1] = torch.arange(1, length + 1)
        nought = torch.zeros(count, dtype=torch.int64)
        return Rows(whole, torch.zeros_like(word), word, nought, nought, 1.0, known)

    @torch.no_grad()
    def _read(self, rows: Rows) -> tuple[np.ndarray, np.ndarray]:
        (problem,) = self.questions(rows)
        asked = torch.nonzero(problem.targets.flatten() != IGNORE)[:, 0]
        device = next(self.model.parameters()).device
        seen = mask(rows.document, problem.view, problem.prefix_mask)
        hidden = self.model(problem.inputs.to(device), None if seen is None else seen.to(device), None)  # [B, L + 2, D]
        lost = self._losses(hidden.flatten(0, 1)[asked.to(device)], problem.targets.flatten()[asked].to(device))
        nats = np.bincount((asked // hidden.shape[1]).numpy(), lost.cpu().numpy(), len(rows))
        return nats, hidden.float().mean(1).cpu().numpy()

    def _losses(self, vectors: Tensor, targets: Tensor) -> Tensor:
        """[n] float64 −ln p of the targets [n] from vectors [n, D], in chunks to bound the memory for logits."""
        size = max(1, LOGITS // self.tokenizer.vocabulary.size)
        chunks = zip(logits_in_chunks(self.model, vectors, size), targets.split(size), strict=True)
        return torch.cat([cross_entropy(logits, expected).double() for logits, expected in chunks])


Figure = tuple[float, np.ndarray]
"""A metric, and [R] its bootstrap resamples."""


def evaluate_texts(
    samples: np.ndarray, reference: np.ndarray, scorer: CausalScorer, train: Split | None = None
) -> dict[str, float]:
    """Metrics of samples [N, L] against reference [M, L], ids of ordinary tokens; each with `…_low` and `…_high`.

    `perplexity` and `bits_per_byte` under the scorer; `entropy` (nats) of the tokens within a text; `distinct_1` to
    `distinct_4`, `repetition` (seq-rep-4), `rep_16`; `overlap`, the 4-grams shared with another sample; `unigram_js`
    and `bigram_js`, divergences from the reference in bits; `mauve` by the scorer's vectors, left out of fewer than 100
    texts, beside `mauve_same`, what two sets of one law and of this size come to. The last five depend on the number of
    texts, so they use equally many samples and references. With the training text `train` also `copied_4` and
    `copied_8`, the share of the n-grams that stand in it. Intervals are 95 % bootstraps over the samples, of `mauve`
    over the references too.

    Raises ValueError when the texts are too few, too short or of different lengths.
    """
    return _numbers(_figures(samples, reference, scorer, train, RESAMPLES))


def measure_texts(
    samples: np.ndarray, reference: np.ndarray, scorer: CausalScorer, train: Split | None = None
) -> dict[str, float]:
    """The metrics of `evaluate_texts` without their intervals, but for those of MAUVE."""
    return _numbers(_figures(samples, reference, scorer, train, 0))


def _numbers(figures: Mapping[str, Figure]) -> dict[str, float]:
    """Each metric, with `…_low` and `…_high` where it was resampled."""
    numbers: dict[str, float] = {}
    for name, (value, redrawn) in figures.items():
        low_high = interval(value, redrawn) if len(redrawn) else ()
        numbers |= dict(zip((name, f"{name}_low", f"{name}_high"), (value, *low_high), strict=False))
    return numbers


def _figures(
    samples: np.ndarray, reference: np.ndarray, scorer: CausalScorer, train: Split | None, resamples: int
) -> dict[str, Figure]:
    _check(samples, reference)
    again = resampled(len(samples), resamples, "texts")
    read = scorer(samples)
    found = _likelihoods(read, samples.shape[1], again) | _varieties(samples, train, again)
    return found | _as_sets(samples, reference, read.vectors, scorer, resamples)


def shuffled(tokens: np.ndarray) -> np.ndarray:
    """The tokens of all texts [N, L] shuffled: correct frequencies and nothing else."""
    draw = np.random.default_rng(address(0, "shuffled texts"))
    return draw.permutation(tokens.ravel()).reshape(tokens.shape)


def _check(samples: np.ndarray, reference: np.ndarray) -> None:
    if samples.shape[1] != reference.shape[1] or samples.shape[1] < MIN_LENGTH:
        raise ValueError(
            f"texts of {samples.shape[1]} tokens against texts of {reference.shape[1]}: "
            f"give equal lengths of at least {MIN_LENGTH}"
        )
    if min(len(samples), len(reference)) < 2:
        raise ValueError(f"{len(samples)} texts against {len(reference)}: give at least two of both")


def _likelihoods(read: TextScores, length: int, again: np.ndarray) -> dict[str, Figure]:
    mean, redrawn = _share(read.nats, np.full(len(read.nats), length), again)
    bits = _share(read.nats / log(2), read.bytes, again)
    return {"perplexity": (float(np.exp(mean)), np.exp(redrawn)), "bits_per_byte": bits}


def _varieties(samples: np.ndarray, train: Split | None, again: np.ndarray) -> dict[str, Figure]:
    each = {"entropy": entropy(samples)} | {f"distinct_{n}": distinct(samples, n) for n in (1, 2, 3, 4)}
    each |= {"repetition": repetition(samples), f"rep_{WINDOW}": rep(samples)}
    if train is not None:
        each |= {f"copied_{n}": copied(samples, train, n) for n in COPIED if n <= samples.shape[1]}
    return {name: _share(column, np.ones(len(column)), again) for name, column in each.items()}


def _as_sets(
    samples: np.ndarray, reference: np.ndarray, vectors: np.ndarray, scorer: CausalScorer, resamples: int
) -> dict[str, Figure]:
    """Metrics that need equally many samples and references."""
    many = min(len(samples), len(reference))
    some, others, again = samples[:many], reference[:many], resampled(many, resamples, "texts")
    found = {"overlap": _share(overlap(some), np.ones(many), again)}
    found |= {name: divergence(some, others, n, again) for name, n in (("unigram_js", 1), ("bigram_js", 2))}
    if many >= MIN_FOR_MAUVE:
        sets = clustered(vectors[:many], scorer(others).vectors)
        both = (resampled(many, RESAMPLES, name) for name in ("texts", "references"))
        found |= {"mauve": sets.mauve(*both), "mauve_same": sets.same()}
    return found


def _share(above: np.ndarray, below: np.ndarray, again: np.ndarray) -> Figure:
    """The ratio of the sums of `above` [N] and `below` [N]."""
    return float(above.sum() / below.sum()), (again @ above) / (again @ below)


def causal_scorer(run: LoadedRun, tokenizer: Tokenizer) -> CausalScorer:
    """The causal model of a run as a scorer for texts of `tokenizer`.

    Raises ValueError when it is not causal, or has another tokenizer: perplexity is per token of one tokenizer.
    """
    objective = run.objective
    if objective is None or "forward" not in objective.capabilities:
        raise ValueError(f"{run.path} does not read forward: name a run with objective.name=causal")
    if run.tokenizer.fingerprint != tokenizer.fingerprint:
        raise ValueError(
            f"{run.path} has another tokenizer: train a causal model with the tokenizer of the sampled run"
        )
    return CausalScorer(run.model, run.tokenizer, choose("causal", objective)[1])


def independent_scorer(run: LoadedRun, scorer: Path) -> CausalScorer:
    """The causal model of the run `scorer` as a scorer for texts of `run`.

    Raises ValueError when it is the sampled run or part of it, is not causal, or was trained on other text.
    """
    evaluated, scored_by = run.path.resolve(), scorer.resolve()
    if evaluated.is_relative_to(scored_by) or scored_by.is_relative_to(evaluated):
        raise ValueError(f"scorer={str(scorer)!r} is the model that is evaluated: give an independent causal model")
    shards, causal = run.data.shards, load(scorer)
    causal.check_text(shards.fingerprint)
    return causal_scorer(causal, shards.tokenizer)
