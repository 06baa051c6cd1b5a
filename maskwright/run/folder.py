"""The folder of a run: one process writes to it at a time, and none writes over what it finds there."""

import fcntl
import json
import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from torch import Tensor

from ..distributed.ranks import World
from ..files.yaml_files import read_yaml
from ..progress import warn
from ..storage.atomic import atomic_write
from ..text.shards.shards import Shards
from . import checkpoint, milestones, resume, saved
from .config import Config
from .metrics_log import read

CONFIG = "config.yaml"
LOCK = ".maskwright.lock"
TRACES = ("checkpoints", "words", "final", "final.json", "metrics.jsonl", "mask_weights.parquet", "report.html")
"""What a run leaves, beside config.yaml."""

Tensors = Mapping[str, Mapping[str, Tensor]]
"""Tensors by file and name."""


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Write to `out` alone. The operating system ends that when the process dies.

    Raises ValueError, at once, when another writes there.
    """
    out.mkdir(parents=True, exist_ok=True)
    with (out / LOCK).open("a+", encoding="utf-8") as file:
        _lock(file, out)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {platform.node()}")
        file.flush()
        yield


def _lock(file: TextIO, out: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        raise ValueError(f"{out} is being written to by {file.read()}: choose another --out") from None


class Folder:
    """The folder of a run of `config`; of the ranks of `world` the first one writes to it.

    Raises ValueError as `check` does.
    """

    def __init__(self, path: Path, config: Config, world: World, resumes: bool):
        self.path, self.config, self.world = path, config, world
        self.checkpoints = path / "checkpoints"
        if world.first:
            self.warn(check(path, config.tree(), resumes))
        self._found = checkpoint.steps(self.checkpoints)
        self._saved = -1

    def latest(self) -> checkpoint.Loaded | None:
        """The newest intact checkpoint; damaged ones are reported and skipped. Raises ValueError as `resume.latest`."""
        found, complaints = resume.latest(self.checkpoints)
        for complaint in complaints:
            self.warn(f"skipped: {complaint}")
        self._saved = found[1]["step"] if found else -1
        return found

    @contextmanager
    def claimed(self, step: int) -> Iterator[None]:
        """Write to it alone, a run that has come to `step`; its config is there then.

        Raises ValueError when another process writes there, or has gone further since this one looked.
        """
        if not self.world.first:
            yield
            return
        with writing(self.path):
            further = [other for other in checkpoint.steps(self.checkpoints) if other > max([step, *self._found])]
            if further:
                raise ValueError(f"another run wrote to {self.path} meanwhile, up to step {further[-1]}: resume that")
            self.config.write(self.path / CONFIG)
            yield

    def save(self, step: int, state: Callable[[], tuple[Tensors, Mapping[str, Any]]]) -> None:
        """Write the checkpoint of `step` from the tensors and facts of `state`, once: none is written over.

        Collective: all ranks must call it at the same time.
        """
        if self._saved != step:
            tensors, facts = state()
            if self.world.first:
                checkpoint.save(self.checkpoints / f"step-{step}", tensors, facts)
            self._saved = step
        if self.world.first:
            checkpoint.prune(self.checkpoints, self.config.training.keep, step)
        self.world.wait()

    def keep(self, words: int, step: int, weights: Mapping[str, Tensor], shards: Shards) -> None:
        """Save a model permanently, in a folder that opens like a run."""
        place = self.path / "words" / milestones.name(words)
        if self.world.first:
            place.mkdir(parents=True, exist_ok=True)
            self.config.write(place / CONFIG)
            atomic_write(place / "final.json", json.dumps({"step": step, "words": words}))
        self.save_model(place, weights, shards)

    def save_model(self, place: Path, weights: Mapping[str, Tensor], shards: Shards) -> None:
        """Write `weights` as the model in `place`/final."""
        if self.world.first:
            saved.save(place / "final", weights, self.config.model, shards.tokenizer, shards.fingerprint)
        self.world.wait()

    def warn(self, sentence: str) -> None:
        """Show a warning, once for all ranks; an empty one says nothing."""
        if self.world.first and sentence:
            warn(sentence)


def check(out: Path, config: Mapping[str, Any], resumes: bool) -> str:
    """Refuse to write a run of `config`, a tree, over anything that lies in `out`, or while another writes there.

    Returns what is begun anew where a run `resumes` that has no checkpoint, in words; else nothing. Raises ValueError.
    """
    if (out / LOCK).exists():
        with (out / LOCK).open("a+", encoding="utf-8") as file:
            _lock(file, out)
    found = [name for name in TRACES if _has_content(out / name)]
    if checkpoint.steps(out / "checkpoints") and resumes:
        return ""
    if found and not resumes:
        raise ValueError(
            f"{out} already holds a run ({', '.join(found)}): resume it (--resume) or choose another folder (--out)"
        )
    if kept := [name for name in found if name in ("final", "final.json")]:
        raise ValueError(f"{out} holds a finished run ({kept[0]}) and no checkpoint to resume: choose another --out")
    if (out / CONFIG).is_file():
        _check_config(out, config, resumes)
    lines = len(read(out / "metrics.jsonl")[0])
    dropped = f"; {lines} lines of metrics.jsonl from before the first checkpoint are dropped" if lines else ""
    return f"there is no checkpoint in {out}: the run begins at step 0{dropped}" if resumes else ""


def _check_config(out: Path, config: Mapping[str, Any], resumes: bool) -> None:
    """Raises ValueError when the config.yaml in `out` is of another run."""
    there = read_yaml(out / CONFIG)
    if resumes and isinstance(there, Mapping):
        resume.check(there, config, out / CONFIG)
    elif there != config:
        raise ValueError(f"{out / CONFIG} is there already and describes another run: choose another --out")


def _has_content(path: Path) -> bool:
    """Whether a file or a folder is there and not empty."""
    return any(path.iterdir()) if path.is_dir() else path.is_file() and path.stat().st_size > 0
