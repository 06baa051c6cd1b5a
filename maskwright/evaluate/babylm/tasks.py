"""The tasks of the official BabyLM evaluation of 2026: where data and results lie, and how many items there must be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...run.milestones import SCHEDULES, M, name
from ...settings import did_you_mean

TRACKS = {"strict-small": 100 * M, "strict": 1000 * M}
"""Words that a model of the track may see, repetitions counted."""
GLUE = {"boolq": 1635, "mnli": 4908, "mrpc": 204, "multirc": 2424, "qqp": 20215, "rte": 139, "wsc": 52}
"""Fine-tuning task to its number of examples."""
OF_GLUE = dict.fromkeys(GLUE, "accuracy") | {"mrpc": "f1", "qqp": "f1"}
"""Fine-tuning task to the metric that counts."""
AOA = 8005
"""Words in context that every checkpoint is asked."""


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
        counts = {paradigm.lower(): count for paradigm, count in found.items()}
        for paradigm, count in self.of.items():
            if counts.get(paradigm) != count:
                yield f"{paradigm} has {counts.get(paradigm, 0):,} of {count:,} items"
        if sum(counts.values()) != self.items:
            yield f"{sum(counts.values()):,} of {self.items:,} items"


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
        return next((place for place in (folder / part / dataset, folder / dataset) if place.is_dir()), folder / part)


def _alike(name: str, sizes: Sizes) -> Task:
    """A task that has the same name everywhere, and the same items in full and fast."""
    return Task(suite=name, column=name, task=name, full=name, sizes=sizes, fast=name, fast_sizes=sizes)


REGULAR = {f"regular_{moves}_ops": count for moves, count in enumerate((517, 409, 405, 425, 388, 94))}
SUPPLEMENT = {
    "hypernym": 842, "qa_congruence_easy": 64, "qa_congruence_tricky": 165, "subject_aux_inversion": 3867,
    "turn_taking": 280,
}  # fmt: skip
COMPS = {"base": 49_340} | dict.fromkeys(("wugs", "wugs_dist_before", "wugs_dist_in_between"), 13_896)
BLIMP_FAST, EWOK_FAST = Sizes(67, 67 * 200), Sizes(11, 11 * 100)
TASKS = (
    Task("blimp", "blimp", "blimp", "blimp_filtered", Sizes(67, 59_875), "blimp_fast", BLIMP_FAST),
    Task(
        "blimp_supplement", "blimp_supplement", "blimp", "supplement_filtered", Sizes(5, 5218, SUPPLEMENT),
        "supplement_fast", Sizes(5, 250, dict.fromkeys(SUPPLEMENT, 50)),
    ),
    Task("ewok", "ewok", "ewok", "ewok_filtered", Sizes(11, 7618), "ewok_fast", EWOK_FAST),
    Task(
        "entity_tracking", "entity_tracking_filtered", "entity_tracking", "entity_tracking",
        Sizes(18, 6780, REGULAR), "entity_tracking_fast", Sizes(6, 2238, REGULAR),
    ),
    Task("comps", "comps", "comps", "comps", Sizes(4, 91_028, COMPS)),
    _alike("global_piqa_parallel", Sizes(103, 103)),
    _alike("global_piqa_nonparallel", Sizes(100, 100)),
    _alike("reading", Sizes(1, 1726)),
)  # fmt: skip
OF_2025 = frozenset({"wug_adj", "wug_past"})
"""Folders of results that the evaluation of 2026 does not have."""


def checkpoints(track: str) -> list[str]:
    """The checkpoints of a track by name, in order. Raises ValueError for a track that does not exist."""
    if track not in TRACKS:
        raise ValueError(f"no track {track!r}: {did_you_mean(track, TRACKS)}")
    return [name(words) for words in SCHEDULES["babylm"] if words <= TRACKS[track]]
