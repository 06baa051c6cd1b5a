"""What the suites of tasks have in common: which of a folder are learned, how often and where."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from ...settings import Names, did_you_mean, settings
from ..finetuning.classification_data import tasks


@settings
class Learned:
    """Which tasks are learned."""

    seeds: Annotated[int, Field(ge=1)] = 3
    """How many runs of each task: 0, 1, …"""
    tasks: Names = ()
    """Names of tasks, with commas; all of the folder where none is named."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """The first so many lines of each file; none for all."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU where there is one."""

    def files(self, data: Path | None) -> dict[str, tuple[Path, Path]]:
        """The training and validation file of each of them, by name. Raises ValueError when one is not there."""
        found = tasks(data)
        if missing := [name for name in self.tasks if name not in found]:
            raise ValueError(f"no task {missing[0]!r} in {data}: {did_you_mean(missing[0], found)}")
        return {name: found[name] for name in self.tasks or found}
