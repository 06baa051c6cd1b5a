"""How well a detector finds wrong tokens: random ones, other rows', and with `--data RUN` the errors of that model."""

from dataclasses import replace
from functools import partial
from pathlib import Path

from ...objectives.base.detector import Mixture, detector
from ...run import load
from ...run.token_scorer import token_scorer
from ..validation.detection import detection


def evaluate(run: Path, data: Path | None) -> dict[str, float]:
    """`own/auroc`, `random/recall` … of the detector `run`; `synthetic/…` where `data` is the folder of an unmasker.

    Raises ValueError when the run never learned to judge.
    """
    trained = load.trained(run)
    judge = detector(trained.config.objective)
    if judge is None:
        raise ValueError(f"{run} was not trained to find wrong tokens: train with objective.name=remask")
    kinds = {"own": judge} | {
        kind: replace(judge, corruption=Mixture(**{kind: 1.0}), generator_run=str(data))
        for kind in ("random", "fragment", *(["synthetic"] if data else []))
    }
    numbers: dict[str, float] = {}
    for kind, asker in kinds.items():
        asker.equip(partial(token_scorer, tokenizer=trained.data.shards.tokenizer))
        found = detection(trained.model, trained.data.valid, asker, trained.config.evaluation.batch_tokens)
        numbers |= {f"{kind}/{name}": number for name, number in found.items()}
    return numbers
