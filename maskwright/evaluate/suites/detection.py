"""How well a detector finds random tokens, fragments of other rows, and with `--data RUN` that model's errors."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

from ...objectives.base.detector import CorruptionDetector, Mixture, detector
from ...run import build
from ...run.load import LoadedRun
from ..validation.detection import detection


def evaluate(run: LoadedRun, data: Path | None) -> dict[str, float]:
    """`own/auroc`, `random/recall` … of the detector `run`; `synthetic/…` if `data` is a run that fills masks.

    Raises ValueError when the run was not trained to detect wrong tokens.
    """
    text, batch = run.data, run.known_config.evaluation.batch_tokens
    judge = detector(run.known_objective)
    if judge is None:
        raise ValueError(f"{run.path} was not trained to find wrong tokens: train with objective.name=remask")
    kinds = {"own": judge} | {
        kind: _of(judge, kind, data) for kind in ("random", "fragment", *(["synthetic"] if data else []))
    }
    numbers: dict[str, float] = {}
    for kind, settings in kinds.items():
        live = build.objective(replace(run.known_config, objective=settings), text.shards).for_validation()
        assert isinstance(live, CorruptionDetector)
        found = detection(run.model, text.valid, live, batch)
        numbers |= {f"{kind}/{name}": number for name, number in found.items()}
    return numbers


def _of(judge: CorruptionDetector, kind: str, data: Path | None) -> CorruptionDetector:
    """The detector asked of one kind of corruption; by name only where it was trained to name that kind."""
    labels: Literal["one", "by_kind"] = judge.wrong_labels if getattr(judge.corruption, kind) else "one"
    return replace(judge, corruption=Mixture(**{kind: 1.0}), generator_run=str(data), wrong_labels=labels)
