"""Runs as tasks of a Ray cluster, one core each; its machines share the folder of the comparison."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...distributed.ray import join


def joined(address: str) -> Callable[[Path], "Task"]:
    """Join the cluster at `address`, as `cluster.join` does: what starts a run there."""
    join(address)
    return Task


class Task:
    """The run of `folder`, somewhere in the cluster."""

    def __init__(self, folder: Path):
        import ray

        self.ray: Any = ray
        self.result = ray.remote(num_cpus=1, max_retries=0)(_carry_out).remote(str(folder.resolve()))

    def running(self) -> bool:
        """Whether it is still running."""
        return not self.ray.wait([self.result], timeout=0)[0]

    def stop(self) -> None:
        """End it; what it did since its last checkpoint is done again."""
        self.ray.cancel(self.result, force=True)

    def error(self) -> str | None:
        """Why the run failed, in a sentence; none when it succeeded."""
        try:
            found: str | None = self.ray.get(self.result)
        except self.ray.exceptions.RayError as error:
            return str(error).strip().splitlines()[-1]
        return found


def _carry_out(folder: str) -> str | None:
    """On the machine that does the work: none, or what went wrong."""
    from .one_run import carry_out

    try:
        carry_out(Path(folder))
    except (ValueError, OSError, ImportError) as error:
        return str(error)
    return None
