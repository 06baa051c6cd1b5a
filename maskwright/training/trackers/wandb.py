"""Weights & Biases, in the project `maskwright`; WANDB_MODE=offline keeps it on this machine."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Wandb:
    """Sends numbers to Weights & Biases (`pip install 'maskwright[trackers]'`)."""

    def __init__(self, out: Path, config: Mapping[str, Any]):
        import wandb

        self.run = wandb.init(project="maskwright", name=out.name, dir=str(out), config=dict(config), resume="allow")

    def write(self, step: int, numbers: Mapping[str, float]) -> None:
        self.run.log(dict(numbers), step=step)

    def close(self) -> None:
        self.run.finish()
