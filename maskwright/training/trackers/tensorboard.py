"""TensorBoard event files, in `tensorboard/` of the run."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Tensorboard:
    """Sends numbers to TensorBoard (`pip install 'maskwright[trackers]'`)."""

    def __init__(self, out: Path, config: Mapping[str, Any]):
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(out / "tensorboard"))

    def write(self, step: int, numbers: Mapping[str, float]) -> None:
        for name, number in numbers.items():
            self.writer.add_scalar(name, number, step)

    def close(self) -> None:
        self.writer.close()
