"""Trackio, a local dashboard with the interface of Weights & Biases, in the project `maskwright`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Trackio:
    """Sends numbers to Trackio (`pip install 'maskwright[trackers]'`)."""

    def __init__(self, out: Path, config: Mapping[str, Any]):
        import trackio

        self.run = trackio.init(project="maskwright", name=out.name, config=dict(config), resume="allow")

    def write(self, step: int, numbers: Mapping[str, float]) -> None:
        self.run.log(dict(numbers), step=step)

    def close(self) -> None:
        self.run.finish()
