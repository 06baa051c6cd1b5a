"""Detection of wrong tokens: precision, recall, AUROC, and whether P(wrong) is calibrated.

The loss is not enough, because a detector that calls every token wrong can have a perfect loss.

Shapes: N tokens.
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
from ...objectives.base.detector import CorruptionDetector, wrong_ids
from ...prediction import CHUNK, logits_in_chunks

THRESHOLD = 0.5
BINS = 10


def detection(
    model: nn.Module, pack: Pack, objective: CorruptionDetector, batch_tokens: int = 16384, stride: int = 1
) -> dict[str, float]:
    """The metrics of `score` over every `stride`-th row of `pack`, corrupted by the objective with fixed draws.

    With labels by kind also `kind_accuracy`, the share of the wrong tokens whose likeliest label names their kind.
    """
    training = model.training
    model.eval()
    batches = validation_batches(pack, max(1, batch_tokens // pack.length), stride)
    parts = [part for rows in batches for part in _predicted(model, rows, objective)]
    model.train(training)
    p_wrong, wrong, named = (np.concatenate(column) for column in zip(*parts, strict=True))
    kinds = objective.wrong_labels == "by_kind" and wrong.any()
    return score(p_wrong, wrong) | ({"kind_accuracy": float(named[wrong].mean())} if kinds else {})


@torch.no_grad()
def _predicted(model: nn.Module, rows: Rows, objective: CorruptionDetector) -> Iterator[tuple[np.ndarray, ...]]:
    """P(wrong) [n], the truth [n] and whether the kind is named [n] for the tokens of a batch, in chunks to bound the
    memory for logits."""
    device, noise, labels = next(model.parameters()).device, Noise(0, rows.epoch, rows.ids), wrong_ids(rows.vocabulary)
    inputs = objective.corrupted(rows, noise)
    kinds = objective.wrong_label(rows, noise).expand_as(inputs)
    asked = torch.nonzero((rows.maskable & (inputs != rows.vocabulary.mask)).flatten())[:, 0]  # [N]
    seen = mask(rows.document, torch.zeros_like(rows.ids))
    places = (None if seen is None else seen.to(device)), positions(rows.document).to(device), asked.to(device)
    hidden = model(inputs.to(device), *places)  # [N, D]
    columns = (values.flatten()[asked].split(CHUNK) for values in (inputs, inputs != rows.tokens, kinds))
    for scores, here, bad, kind in zip(logits_in_chunks(model, hidden), *columns, strict=True):
        p_wrong = objective.p_corrupted(scores, here.to(device), rows.vocabulary)
        named = labels[scores[:, labels].argmax(1).cpu()] == kind
        yield p_wrong.cpu().double().numpy(), bad.numpy(), named.numpy()


def score(p_wrong: np.ndarray, wrong: np.ndarray) -> dict[str, float]:
    """Metrics over N tokens: p_wrong [N] float64, predicted P(wrong); wrong [N] bool, the truth.

    `share` wrong; `precision`, `recall` and `false_alarms` (of the correct tokens) at the threshold P ≥ 0.5;
    `auroc`, the probability that a wrong token has a higher P than a correct one, ties half (Hanley and McNeil 1982);
    `brier`, the mean square of P − wrong; `calibration`, the mean distance of P from the share that is wrong, over ten
    bins of P (Naeini et al. 2015, expected calibration error). Precision is 0 if no token is called wrong; undefined
    metrics, such as recall if no token is wrong, are left out.
    """
    called, bad, good = p_wrong >= THRESHOLD, int(wrong.sum()), int((~wrong).sum())
    found = {"share": bad / len(wrong), "brier": float(np.square(p_wrong - wrong).mean())}
    found["calibration"] = _calibration_error(p_wrong, wrong)
    found["precision"] = float(wrong[called].mean()) if called.any() else 0.0
    if bad:
        found["recall"] = float(called[wrong].mean())
    if good:
        found["false_alarms"] = float(called[~wrong].mean())
    if bad and good:
        found["auroc"] = float((_ranks(p_wrong)[wrong].sum() - bad * (bad + 1) / 2) / (bad * good))
    return found


def _calibration_error(p_wrong: np.ndarray, wrong: np.ndarray) -> float:
    place = np.minimum((p_wrong * BINS).astype(np.int64), BINS - 1)
    distance = np.bincount(place, p_wrong - wrong, BINS)
    return float(np.abs(distance).sum() / len(p_wrong))


def _ranks(values: np.ndarray) -> np.ndarray:
    """[N] float64, ranks from 1, the mean rank where values are equal."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (count.cumsum() - (count - 1) / 2)[place]
