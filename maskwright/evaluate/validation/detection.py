"""How well wrong tokens are found: false alarms and misses, whatever the threshold, and whether P(wrong) is honest.

The loss of a detector does not tell: one that calls everything wrong can have a perfect loss.

Shapes: N judged tokens.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import nn

from ...attention import mask, positions
from ...data.loader import validation_batches
from ...data.pack import Pack
from ...data.rows import Rows
from ...noise import Noise
from ...objectives.base.detector import CorruptionDetector
from ...prediction import CHUNK, logits_in_chunks

THRESHOLD = 0.5
BINS = 10


def detection(
    model: nn.Module, pack: Pack, objective: CorruptionDetector, batch_tokens: int = 16384
) -> dict[str, float]:
    """The figures of `score` for every token of the rows of `pack`, corrupted as the objective does, always alike."""
    training = model.training
    model.eval()
    batches = validation_batches(pack, max(1, batch_tokens // pack.length))
    parts = [part for rows in batches for part in _judged(model, rows, objective)]
    model.train(training)
    doubts, wrong = (np.concatenate(column) for column in zip(*parts, strict=True))
    return score(doubts, wrong)


@torch.no_grad()
def _judged(model: nn.Module, rows: Rows, objective: CorruptionDetector) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """P(wrong) [n] and whether it is [n] of the tokens of a batch, so many at a time that scores stay few."""
    device = next(model.parameters()).device
    inputs = objective.corrupted(rows, Noise(0, rows.epoch, rows.ids))
    asked = torch.nonzero(rows.maskable.flatten())[:, 0]  # [N]
    seen = mask(rows.document, torch.zeros_like(rows.ids))
    places = (None if seen is None else seen.to(device)), positions(rows.document).to(device), asked.to(device)
    hidden = model(inputs.to(device), *places)  # [N, D]
    tokens, wrong = (values.flatten()[asked] for values in (inputs, inputs != rows.tokens))
    for scores, here, bad in zip(logits_in_chunks(model, hidden), tokens.split(CHUNK), wrong.split(CHUNK), strict=True):
        yield objective.p_corrupted(scores, here.to(device), rows.vocabulary).cpu().double().numpy(), bad.numpy()


def score(doubts: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    """The figures of N tokens: doubts [N] float64, their P(wrong); wrong [N] bool, whether they are.

    `share` wrong; `precision`, `recall` and `false_alarms` (of the right tokens) of calling wrong what has P ≥ 0.5;
    `auroc`, the chance that a wrong token has a higher P than a right one, ties half (Hanley and McNeil 1982); `brier`,
    the mean square of P − wrong; `calibration`, the mean distance of P from the share that is wrong, over ten bins of P
    (Naeini et al. 2015, expected calibration error). Precision is 0 where nothing is called wrong; what has no meaning,
    as recall where nothing is wrong, is left out.
    """
    called, bad, good = doubts >= THRESHOLD, int(wrong.sum()), int((~wrong).sum())
    found = {"share": bad / len(wrong), "brier": float(np.square(doubts - wrong).mean())}
    found["calibration"] = _gap(doubts, wrong)
    found["precision"] = float(wrong[called].mean()) if called.any() else 0.0
    if bad:
        found["recall"] = float(called[wrong].mean())
    if good:
        found["false_alarms"] = float(called[~wrong].mean())
    if bad and good:
        found["auroc"] = float((_ranks(doubts)[wrong].sum() - bad * (bad + 1) / 2) / (bad * good))
    return found


def _gap(doubts: np.ndarray, wrong: np.ndarray) -> float:
    place = np.minimum((doubts * BINS).astype(np.int64), BINS - 1)
    distance = np.bincount(place, doubts - wrong, BINS)
    return float(np.abs(distance).sum() / len(doubts))


def _ranks(values: np.ndarray) -> np.ndarray:
    """[N] float64, ranks from 1, the mean rank where values are equal."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (count.cumsum() - (count - 1) / 2)[place]
