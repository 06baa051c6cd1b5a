"""Several trained models opened as one, whose probabilities are the mean of theirs."""

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..objectives.base.capabilities import CAPABILITIES
from ..prediction import Ensemble
from .load import LoadedRun, load

logger = logging.getLogger("maskwright")
FOLDER = "ensembles"
LONGEST = 100
"""Characters of the folder's name that are those of the models."""


def ensemble(folders: Sequence[str | Path], device: str = "auto") -> LoadedRun:
    """The runs, checkpoints or folders of `transformers` at `folders` as one; config and text are those of the first.

    Its path is FIRST/ensembles/NAMES, where results are kept. Raises ValueError when there are fewer than two, when one
    is named twice, and when tokenizers or what the models have learned to predict differ.
    """
    if len(folders) < 2:
        raise ValueError(f"an ensemble of {len(folders)} model: name two or more, as in evaluate a b c --ensemble")
    if len({Path(folder).resolve() for folder in folders}) < len(folders):
        raise ValueError("an ensemble counts a model twice: name each once")
    runs = [load(folder, device) for folder in folders]
    for run in runs[1:]:
        _check(runs[0], run)
    names = "+".join(run.path.resolve().name for run in runs)[:LONGEST]
    weights = hashlib.sha256("".join(run.weights for run in runs).encode()).hexdigest()
    path = runs[0].path / FOLDER / f"{names}-{weights[:8]}"
    return replace(
        runs[0], path=path, open_model=lambda: Ensemble([run.model for run in runs]), weights=weights, metrics={}
    )


def _check(first: LoadedRun, other: LoadedRun) -> None:
    if first.tokenizer.fingerprint != other.tokenizer.fingerprint:
        raise ValueError(
            f"{first.path} and {other.path} have different tokenizers, and so no probabilities of the same tokens"
        )
    learned = [run.known_objective.capabilities & CAPABILITIES.keys() for run in (first, other)]
    if learned[0] != learned[1]:
        said = [", ".join(sorted(each)) or "nothing" for each in learned]
        raise ValueError(f"{first.path} has learned {said[0]} and {other.path} {said[1]}: an ensemble needs the same")
    if first.text_fingerprint != other.text_fingerprint:
        logger.warning(
            f"{other.path} was trained on other text than {first.path}: what one holds out, the other may have seen"
        )
