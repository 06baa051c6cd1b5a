"""The one file of a submission, in the official schema, from the official folders of results."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ...files.json_files import read_object
from ...run.config import Config
from ...run.words_seen import words_seen
from ...storage.atomic import atomic_write
from . import scores
from .budget import excess
from .jobs import RECORD, check_weights
from .layout import official_folder
from .tasks import AOA, GLUE, OF_2025, TASKS, Task, checkpoints

NAME = "all_full_preds_and_fast_scores_{backend}.json"


@dataclass
class Submission:
    """What is submitted, what it scores, and what it lacks."""

    content: dict[str, Any] = field(default_factory=dict)
    """As the official program writes it; a part that is absent, or whose items are not all there, is null."""
    columns: dict[str, float] = field(default_factory=dict)
    """The score of each task in full; one that lacks is 0 in the mean of all."""
    checkpoints: list[str] = field(default_factory=list)
    """Their names, in order."""
    curves: dict[str, list[float | None]] = field(default_factory=dict)
    """The score of each fast task at every checkpoint, EWoK as it is meant."""
    words: str = ""
    """What the model has seen: own, of others, total and epochs."""
    lacking: list[str] = field(default_factory=list)
    """What is absent or short, a sentence each."""


@dataclass(frozen=True)
class Source:
    """A run, and where its results and the evaluation's data are."""

    run: Path
    results: Path
    data: Path
    backend: str

    def model(self, revision: str) -> Path:
        return self.run if revision == "main" else self.run / "words" / revision

    def folder(self, revision: str) -> Path:
        """The results of a revision."""
        return official_folder(self.results, self.model(revision))

    def predictions(self, revision: str, place: Path, made: Submission, what: str) -> scores.Predictions | None:
        """The predictions in a folder of a revision; none, and that is said, where they are absent."""
        folder = self.folder(revision) / place
        if not (folder / "predictions.json").is_file():
            made.lacking.append(f"{what} of {revision}: no predictions in {folder}")
            return None
        self.check(folder, self.model(revision))
        return scores.predictions(folder / "predictions.json")

    def check(self, folder: Path, model: Path) -> None:
        """Raises ValueError when a record says that results are of other weights."""
        if (folder / RECORD).is_file():
            check_weights(folder, read_object(folder / RECORD), model)


def collate(source: Source, track: str) -> tuple[Path, Submission]:
    """Write the file of a submission, and say where.

    Raises ValueError for a track that does not exist, where there are no results, and for results of another model, of
    another year or of other data.
    """
    revisions = checkpoints(track)
    made = Submission(checkpoints=revisions)
    home = source.folder("main").parent
    if not home.is_dir():
        raise ValueError(f"{home} does not exist: evaluate {source.run} first, with the suite babylm")
    for revision in revisions:
        if not source.model(revision).is_dir():
            made.lacking.append(f"{revision} is not in {source.run / 'words'}: the track {track} needs it")
    seen = words_seen(source.run, Config.load(source.run))
    made.words = seen.described()
    made.lacking += [f"words: {fault}" for fault in excess(seen, track)]
    for old in sorted(OF_2025 & {path.name for path in source.folder("main").glob(f"zero_shot/{source.backend}/*")}):
        made.lacking.append(f"{old} is a task of 2025, and left out")
    for task in TASKS:
        made.content[task.column] = _full(source, task, made)
    made.content |= dict(_ages(source, revisions, made))
    made.content["glue"] = dict(_glue(source, made))
    fast = [task for task in TASKS if task.fast]
    made.content["fast_eval_results"] = {task.column: _fast(source, task, revisions, made) for task in fast}
    path = home / NAME.format(backend=source.backend)
    atomic_write(path, json.dumps(made.content))
    return path, made


def _whole(task: Task, found: scores.Predictions, fast: bool, revision: str, made: Submission) -> bool:
    """Whether all items of a task are answered; what lacks is said."""
    counts = {paradigm: len(lines) for paradigm, lines in found.items()}
    short = list((task.fast_sizes if fast else task.sizes).shortfalls(counts))
    if short:
        made.lacking.append(f"{task.column} of {revision}: {'; '.join(short)}")
    return not short


def _full(source: Source, task: Task, made: Submission) -> dict[str, Any] | None:
    """The predictions of the main model, and their score."""
    found = source.predictions("main", task.place(source.backend, False), made, task.column)
    if found is None or not _whole(task, found, False, "main", made):
        return None
    place = task.data(source.data, False)
    if task.suite == "reading":
        made.columns |= scores.reading_times(found, place)
    else:
        made.columns[task.column] = scores.mean(task, scores.accuracies(task, found, scores.asked(task, place)))
    return {paradigm: {"predictions": lines} for paradigm, lines in found.items()}


def _ages(source: Source, revisions: list[str], made: Submission) -> Iterator[tuple[str, Any]]:
    """The surprisals of every checkpoint, and the score of when words are learned."""
    folder = source.folder("main") / "zero_shot" / source.backend / "AoA_word"
    kept = {name: folder / f"{file}.json" for name, file in (("aoa_surprisals", "surprisal"), ("aoa", "aoa_score"))}
    if absent := [path.name for path in kept.values() if not path.is_file()]:
        made.lacking.append(f"aoa: no {' and '.join(absent)} in {folder}")
    elif all(source.model(revision).is_dir() for revision in revisions):
        source.check(folder, source.run / "words")
    found = {name: read_object(path) if path.is_file() else None for name, path in kept.items()}
    counts = Counter(line["step"] for line in (found["aoa_surprisals"] or {}).get("results", ()))
    short = [f"{revision} {counts[revision]:,}" for revision in revisions if counts[revision] != AOA]
    if found["aoa_surprisals"] and (short or len(counts) != len(revisions)):
        made.lacking.append(
            f"aoa: not {AOA:,} words in context at each of {len(revisions)} checkpoints: {', '.join(short)}"
        )
        found["aoa_surprisals"] = None
    if found["aoa"]:
        made.columns["aoa"] = float(found["aoa"]["aoa"])
    yield from found.items()


def _glue(source: Source, made: Submission) -> Iterator[tuple[str, Any]]:
    """The predictions of fine-tuning, and their scores."""
    for name, count in GLUE.items():
        found = source.predictions("main", Path("finetune", name), made, name)
        lines = (found or {}).get(name, [])
        if found is not None and len(lines) != count:
            made.lacking.append(f"{name}: {len(lines):,} of {count:,} examples")
        elif found is not None:
            part = source.data / "full_eval" if (source.data / "full_eval").is_dir() else source.data
            made.columns[name] = scores.fine_tuned(name, lines, part / f"glue_filtered/{name}.valid.jsonl")
            yield name, {"predictions": lines}


def _official(task: Task, scored: dict[str, float], found: scores.Predictions, items: scores.Asked) -> dict[str, float]:
    """The scores of a fast task as the official program writes them: by paradigm; of GlobalPIQA one for all items."""
    if task.suite.startswith("global_piqa"):
        return {task.column: scores.mean(task, scored)}
    return scores.against_target(found, items) if task.suite == "ewok" else scored


def _fast(source: Source, task: Task, revisions: list[str], made: Submission) -> list[Mapping[str, float] | None]:
    """What every checkpoint scores, by paradigm."""
    kept: list[Mapping[str, float] | None] = []
    place, curve = task.data(source.data, True), made.curves.setdefault(task.column, [])
    items = cache(lambda: scores.asked(task, place))  # read once, for all checkpoints
    for revision in revisions:
        found = source.predictions(revision, task.place(source.backend, True), made, task.column)
        if found is None or not _whole(task, found, True, revision, made):
            kept.append(None)
            curve.append(None)
        elif task.suite == "reading":
            times = scores.reading_times(found, place)
            kept.append(times)
            curve.append(times["rt"])
        else:
            scored = scores.accuracies(task, found, items())
            kept.append(_official(task, scored, found, items()))
            curve.append(scores.mean(task, scored))
    return kept
