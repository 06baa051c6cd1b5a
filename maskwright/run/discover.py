"""The models inside a folder: checkpoints, models kept at numbers of words, runs side by side."""

import re
from pathlib import Path

from . import milestones

FILES = ("final/model.json", "model.json", "state.json")
"""The files that mark a trained model."""


def is_model(folder: Path) -> bool:
    """Whether `folder` holds a trained model."""
    return any((folder / name).is_file() for name in FILES)


def models(folder: Path) -> dict[str, Path]:
    """The models inside a folder, by row (`words/1000000`, `step/500`, or their names), in order."""
    if is_model(folder):
        return {}
    rows = sorted((*_row(path.name), path) for path in folder.glob("*") if is_model(path))
    return {f"{what}/{place}" if what else path.name: path for what, place, path in rows}


def _row(name: str) -> tuple[str, int]:
    """What a checkpoint has seen, and how much of it (chck_10M, step-500); nothing for another name."""
    if name.startswith("chck_") and (words := milestones.number(name.removeprefix("chck_"))) is not None:
        return "words", words
    step = re.fullmatch(r"step-(\d+)", name)
    return ("step", int(step[1])) if step else ("", 0)
