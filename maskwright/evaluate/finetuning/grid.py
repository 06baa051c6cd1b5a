"""Hyperparameters of fine-tuning by a small grid, as papers on GLUE choose them (Devlin et al. 2019, appendix A.3)."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import TypeVar

from ...progress import through
from .finetune import FineTuner, Finetuning

S = TypeVar("S", bound=Finetuning)


def best(settings: S, score: Callable[[S], float]) -> S:
    """`settings` with the one of `rates` and the one of `batches` that score best, the first of equals; as they are
    where neither is given."""
    if not (settings.rates or settings.batches):
        return settings
    pairs = product(settings.rates or (settings.lr,), settings.batches or (settings.batch,))
    tried = [replace(settings, rates=(), batches=(), lr=rate, batch=batch) for rate, batch in pairs]
    return max(through(tried), key=score)


def chosen(asked: Finetuning, found: Finetuning) -> dict[str, float]:
    """`lr` and `batch` as found, where several were asked for."""
    rate = {"lr": found.lr} if asked.rates and found.lr else {}
    return rate | ({"batch": float(found.batch)} if asked.batches else {})


def search(tuner: FineTuner, seed: int) -> dict[str, float]:
    """Leave `tuner` with the best settings by its score for early stopping from `seed`; what was chosen."""
    asked = tuner.settings

    def score(some: Finetuning) -> float:
        tuner.settings = some
        return tuner(seed).score

    tuner.settings = best(asked, score)
    return chosen(asked, tuner.settings)
