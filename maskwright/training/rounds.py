"""Rounds of self-training: each begins with the model of the one before, and learns from the errors of the newest model
that fills masks.

So a model is corrected on what it writes now, not on what it wrote before it was corrected (as ProSeCo and its like do
within a run), and a detector of wrong tokens that fills no masks sees new draws of the same writer.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..objectives.base.capabilities import mask_shift
from ..run.config import Config
from .fit import fit
from .trainer import Trainer

LAST = "LAST"
"""What stands in a config for the run of that model."""


def rounds(
    start: Path, recipe: str, overrides: Sequence[str], count: int, out: Path, show: bool = True
) -> Iterator[Path]:
    """Train `recipe`, changed by `overrides`, `count` times, from the run `start` on, into `out`/round-1, round-2, …

    Yields each folder as it is done. Rounds that are done are left as they are, and one that was stopped goes on. The
    seed of a round is that of the recipe plus the number of rounds before it. Raises ValueError as `Trainer` does, and
    Stopped.
    """
    last = writer = start
    for number in range(count):
        folder = out / f"round-{number + 1}"
        config = Config.load(recipe, [*overrides, f"training.init_from={last}"])
        tree = _filled(config.tree() | {"seed": config.seed + number}, str(writer))
        config = Config.of(tree)
        if not (folder / "final.json").is_file():
            resume = (folder / "config.yaml").is_file()
            Trainer(fit(config, folder, resume, show), folder, resume, show).train()
        last = folder
        writer = folder if mask_shift(config.objective) is not None else writer
        yield folder


def _filled(tree: Any, writer: str) -> Any:
    """A config with `writer` in the place of LAST."""
    if isinstance(tree, dict):
        return {name: _filled(part, writer) for name, part in tree.items()}
    if isinstance(tree, list | tuple):
        return [_filled(part, writer) for part in tree]
    return writer if tree == LAST else tree
