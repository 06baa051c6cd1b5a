"""The tasks of the official BabyLM evaluation of 2026: where data and results lie, and how many items there must be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...run.milestones import SCHEDULES, M, name
from ...settings import did_you_mean
from . import counts

TRACKS = {"strict-small": 100 * M, "strict": 1000 * M}
"""Words that a model of the track may see, repetitions counted."""
GLUE = {"boolq": 1635, "mnli": 4908, "mrpc": 204, "multirc": 2424, "qqp": 20215, "rte": 139, "wsc": 52}
"""Fine-tuning task to its number of examples."""
OF_GLUE = dict.fromkeys(GLUE, "accuracy") | {"mrpc": "f1", "qqp": "f1"}
"""Fine-tuning task to the metric that counts."""
AOA = 8005
"""Words in context that every checkpoint is asked."""
SHOWN = 3
"""Paradigms that a message names."""


@dataclass(frozen=True)
class Sizes:
    """How many items a task has."""

    paradigms: int
    items: int
    of: Mapping[str, int] = field(default_factory=dict)
    """The number of items of paradigms by name, of those where it is known."""

    def shortfalls(self, found: Mapping[str, int]) -> Iterator[str]:
        """What is off in the number of items by paradigm, in words."""
        if len(found) != self.paradigms:
            yield f"{len(found)} of {self.paradigms} paradigms"
        there = {paradigm.lower(): count for paradigm, count in found.items()}
        off = [name for name, count in self.of.items() if there.get(name) != count]
        yield from (f"{name} has {there.get(name, 0):,} of {self.of[name]:,} items" for name in off[:SHOWN])
        if off[SHOWN:]:
            yield f"{len(off) - SHOWN} more paradigms are off"
        if sum(there.values()) != self.items:
            yield f"{sum(there.values()):,} of {self.items:,} items"


@dataclass(frozen=True)
class Task:
    """A task that is asked without training."""

    suite: str
    column: str
    """Its name in the submitted file."""
    task: str
    """The folder of its results."""
    full: str
    """The folder of its items in full_eval, and of its results in that of the task."""
    sizes: Sizes
    fast: str | None = None
    """The same in fast_eval; none where only the main model is asked."""
    fast_sizes: Sizes = Sizes(0, 0)

    def place(self, backend: str, fast: bool) -> Path:
        """Where its results lie below MODEL/REVISION."""
        dataset = self.fast if fast else self.full
        assert dataset is not None
        return Path("zero_shot", backend, self.task, *([] if self.task == dataset == "reading" else [dataset]))

    def data(self, folder: Path, fast: bool) -> Path:
        """Where its items lie, in `evaluation_data` or in the part of it itself."""
        dataset, part = (self.fast if fast else self.full), "fast_eval" if fast else "full_eval"
        assert dataset is not None
        places = (folder / part / dataset, folder / dataset)
        return next((place for place in places if place.is_dir()), places[0])


def _all(of: Mapping[str, int]) -> Sizes:
    """The sizes of a task whose every paradigm is known."""
    return Sizes(len(of), sum(of.values()), of)


def _alike(name: str, sizes: Sizes) -> Task:
    """A task that has the same name everywhere, and the same items in full and fast."""
    return Task(suite=name, column=name, task=name, full=name, sizes=sizes, fast=name, fast_sizes=sizes)


TASKS = (
    Task(
        "blimp", "blimp", "blimp", "blimp_filtered", _all(counts.BLIMP),
        "blimp_fast", _all(dict.fromkeys(counts.BLIMP, 200)),
    ),
    Task(
        "blimp_supplement", "blimp_supplement", "blimp", "supplement_filtered", _all(counts.SUPPLEMENT),
        "supplement_fast", _all(dict.fromkeys(counts.SUPPLEMENT, 50)),
    ),
    Task(
        "ewok", "ewok", "ewok", "ewok_filtered", _all(counts.EWOK),
        "ewok_fast", _all(dict.fromkeys(counts.EWOK, 100)),
    ),
    Task(
        "entity_tracking", "entity_tracking_filtered", "entity_tracking", "entity_tracking", _all(counts.TRACKING),
        "entity_tracking_fast", _all(counts.REGULAR),
    ),
    Task("comps", "comps", "comps", "comps", _all(counts.COMPS)),
    _alike("global_piqa_parallel", Sizes(103, 103)),
    _alike("global_piqa_nonparallel", Sizes(100, 100)),
    _alike("reading", Sizes(1, 1726)),
)  # fmt: skip
OF_2025 = frozenset({"wug_adj", "wug_past"})
"""Folders of results that the evaluation of 2026 does not have."""


def is_of_2025(data: Path) -> bool:
    """Whether `evaluation_data`, or a part of it, has folders of items that were taken out after 2025."""
    return any(place.is_dir() for part in (".", "full_eval", "fast_eval") for place in (data / part).glob("wug_*"))


def checkpoints(track: str) -> list[str]:
    """The checkpoints of a track by name, in order. Raises ValueError for a track that does not exist."""
    if track not in TRACKS:
        raise ValueError(f"no track {track!r}: {did_you_mean(track, TRACKS)}")
    return [name(words) for words in SCHEDULES["babylm"] if words <= TRACKS[track]]
