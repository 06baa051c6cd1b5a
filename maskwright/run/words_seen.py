"""How much text a model has seen: in its own training, and through every other model that it learned from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..files.json_files import read_object
from .config import Config
from .metrics_log import read_lines

RUNS = frozenset({"init_from", "path", "generator_run", "teacher"})
"""Options that name a run from which a model learns: its first weights, its corrupted texts, its targets."""


@dataclass(frozen=True)
class WordsSeen:
    """Whitespace-separated words, repetitions counted."""

    own: int
    """Of the run itself; of one to come, as many as its config asks for."""
    others: Mapping[str, int | None]
    """Of each other run that it learned from, directly or through another; None where nobody knows."""
    epochs: float | None
    """Of the run itself, over its own text; None where nobody knows."""

    @property
    def total(self) -> int:
        """The sum of what is known."""
        return self.own + sum(count or 0 for count in self.others.values())

    def described(self) -> str:
        """In words, such as `own 100,000,000, of base 10,000,000, total 110,000,000 words; 10.0 epochs`."""
        parts = [f"own {self.own:,}", *(f"of {Path(run).name} {_count(count)}" for run, count in self.others.items())]
        epochs = "" if self.epochs is None else f"; {self.epochs:.1f} epochs"
        return f"{', '.join(parts)}, total {self.total:,} words{epochs}"


def _count(count: int | None) -> str:
    return "unknown" if count is None else f"{count:,}"


def words_seen(run: Path | None, config: Config) -> WordsSeen:
    """What the model of the folder `run` has seen, or will have seen by `config` where there is no folder yet."""
    facts = _facts(run) if run else {}
    own = facts.get("words") or config.training.words or 0
    others: dict[str, int | None] = {}
    _add_others(config, others)
    return WordsSeen(int(own), others, _epochs(run) if run else config.training.epochs)


def _add_others(config: Config, others: dict[str, int | None]) -> None:
    """Add the words of each run that `config` names, once, and of those that it learned from in turn."""
    for name in _runs(config.tree()):
        if name not in others:
            others[name] = _facts(Path(name)).get("words")
            if (Path(name) / "config.yaml").is_file():
                _add_others(Config.load(name), others)


def _facts(run: Path) -> dict[str, Any]:
    path = run / "final.json"
    return read_object(path) if path.is_file() else {}


def _epochs(run: Path) -> float | None:
    """The epochs of the last line of training in the log."""
    path = run / "metrics.jsonl"
    lines = [line["epoch"] for line in read_lines(path) if "epoch" in line] if path.is_file() else []
    return float(lines[-1]) if lines else None


def _runs(tree: Any) -> Iterator[str]:
    """The runs that a config names."""
    if isinstance(tree, Mapping):
        for option, value in tree.items():
            if option in RUNS and isinstance(value, str | list) and all(isinstance(name, str) for name in value):
                yield from [value] if isinstance(value, str) else value
            else:
                yield from _runs(value)
    elif isinstance(tree, list):
        for value in tree:
            yield from _runs(value)
