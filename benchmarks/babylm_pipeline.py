"""The tasks of BabyLM by the official evaluation and by ours, on one exported model: choices, surprisals and speed.

    python benchmarks/babylm_pipeline.py RUN --pipeline babylm-eval/strict --data evaluation_data/full_eval --json

The pipeline is a checkout of the official program (github.com/babylm-org/babylm-eval); of 2025 with `--rules 2025`. It
opens what `maskwright export` wrote, ours opens the run. Both are commands on the same files, and speed is items in a
second of a core, start-up included. `--causal` asks a model that has learned both ways; `--tasks blimp,reading` a few.
`differing` counts choices that are not the same (exact ties are drawn for by either), `gap` is the greatest difference
of two surprisals in nats. Age of acquisition asks this one model at each checkpoint. The pipeline needs datasets,
aiohttp, pandas and statsmodels besides torch and transformers.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from maskwright.evaluate.babylm.tasks import TASKS, Task, checkpoints
from maskwright.hardware import cpu_name
from maskwright.hub.export.run import export, way
from maskwright.run.load import load

PAIRS = {task.column: task for task in TASKS}
NAMES = [*PAIRS, "aoa"]
MODULE = "evaluation_pipeline.sentence_zero_shot.run"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="the folder of a run")
    parser.add_argument("--pipeline", type=Path, required=True, help="a checkout of the official evaluation")
    parser.add_argument("--data", type=Path, required=True, help="the folder full_eval of its data")
    parser.add_argument("--tasks", default=",".join(NAMES), help="some of them, separated by commas")
    parser.add_argument("--limit", type=int, help="the first so many lines of each file")
    parser.add_argument("--rules", type=int, choices=(2026, 2025), default=2026, help="the year of the pipeline")
    parser.add_argument("--causal", action="store_true", default=None, help="read forward")
    parser.add_argument("--json", action="store_true", help="print one object")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = Both(given, Path(place)).measure(given.tasks.split(","))
    print(json.dumps(found) if given.json else shown(found))


class Both:
    """The official program and ours, on one model."""

    def __init__(self, given: argparse.Namespace, place: Path):
        self.given, self.place, self.run = given, place, given.run.resolve()
        source = load(self.run, "cpu")
        _, self.backend = way(source.objective, given.causal)
        export(source, place / "model", given.causal)
        self.known = {name for name in PAIRS if given.rules == 2026 or not name.startswith("global_piqa")}

    def measure(self, names: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Each task that has data, by its name and the backend."""
        found: dict[str, dict[str, Any]] = {}
        for name in names:
            if name == "aoa" and (self.given.data / "aoa").is_dir():
                found[f"aoa {self.backend}"] = self.ages()
            elif name in self.known and (self.given.data / PAIRS[name].full).is_dir():
                found[f"{name} {self.backend}"] = self.task(PAIRS[name])
        return found

    def task(self, task: Task) -> dict[str, Any]:
        data = copied(self.given.data / task.full, self.place / task.full, self.given.limit)
        if task.suite == "reading":
            official = ["evaluation_pipeline.reading.run", "--data_path", str(data / "reading_data.csv")]
        else:
            official = [MODULE, "--task", task.task, "--save_predictions", "--data_path", str(data)]
        official += ["--model_path_or_name", str(self.place / "model")]
        seconds = self.commands(official, [str(self.run), task.suite], data, task.suite)
        ours, theirs = (
            read(self.place / who, "predictions.json") for who in (f"ours {task.suite}", f"theirs {task.suite}")
        )
        compare = surprisals if task.suite == "reading" else choices
        return compare(ours, theirs) | speeds(sum(len(part["predictions"]) for part in ours.values()), *seconds)

    def ages(self) -> dict[str, Any]:
        """Words in context, asked of this model as if it were every checkpoint."""
        several = self.place / "words"
        several.mkdir()
        for name in checkpoints("strict-small"):
            (several / name).symlink_to(self.run)
        data = self.given.data / "aoa"
        official = ["evaluation_pipeline.AoA_word.run", "--track_name", "strict-small"]
        official += ["--word_path", str(data.resolve() / "cdi_childes.json"), "--model_name", str(self.place / "model")]
        seconds = self.commands(official, [str(several), "aoa"], data, "aoa")
        ours, theirs = (read(self.place / who, "surprisal.json")["results"] for who in ("ours aoa", "theirs aoa"))
        gap = greatest(*([line["surprisal"] for line in lines] for lines in (ours, theirs)))
        return {"gap": gap, "items": len(ours)} | speeds(len(ours), *seconds)

    def commands(self, official: list[str], asked: list[str], data: Path, name: str) -> tuple[float, float]:
        """The core seconds of ours and of theirs, which write into `ours NAME` and `theirs NAME`."""
        mine = [sys.executable, "-m", "maskwright", "evaluate", *asked, "--backend", self.backend]
        mine += [
            "--data",
            str(data.resolve()),
            f"predictions={self.place / f'ours {name}'}",
            f"rules={self.given.rules}",
            "floors=false",  # which the official program does not score
        ]
        theirs = [sys.executable, "-m", *official, "--backend", self.backend]
        theirs += ["--output_dir", str(self.place / f"theirs {name}")]
        return core_seconds(mine, Path.cwd()), core_seconds(theirs, self.given.pipeline)


def copied(data: Path, place: Path, limit: int | None) -> Path:
    """Copy the first `limit` lines of each file, of a table one more."""
    place.mkdir()
    for path in sorted(data.iterdir()):
        if path.suffix in (".jsonl", ".csv"):
            with path.open(encoding="utf-8") as lines:
                kept = list(islice(lines, limit and limit + (path.suffix == ".csv")))
            (place / path.name).write_text("".join(kept), encoding="utf-8")
    return place


def core_seconds(command: list[str], place: Path) -> float:
    """The seconds that all cores together work on a command in the folder `place`."""
    paths = os.pathsep.join([str(place.resolve()), os.environ.get("PYTHONPATH", "")])
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, cwd=place, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": paths})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def read(folder: Path, name: str) -> dict[str, Any]:
    """The one file of that name below `folder`."""
    (path,) = folder.rglob(name)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def choices(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """How many choices differ, and in which paradigms."""
    differing = {}
    for name in ours.keys() | theirs.keys():
        mine, other = (found.get(name, {"predictions": []})["predictions"] for found in (ours, theirs))
        wrong = sum(a["pred"].strip() != b["pred"].strip() for a, b in zip(mine, other, strict=False))
        if wrong := wrong + abs(len(mine) - len(other)):
            differing[name] = wrong
    items = sum(len(part["predictions"]) for part in ours.values())
    return {"differing": sum(differing.values()), "items": items, "where": differing}


def surprisals(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """The greatest difference of the surprisals of words, and of those before them."""
    lines = [found["reading"]["predictions"] for found in (ours, theirs)]
    columns = {name: [[line[name] for line in some] for some in lines] for name in ("pred", "prev_pred")}
    return {"gap": max(greatest(*pair) for pair in columns.values()), "items": len(lines[0])}


def greatest(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The greatest difference; infinite where one is NaN and the other is not."""
    one, other = np.array(ours, float), np.array(theirs, float)
    if len(one) != len(other) or (np.isnan(one) != np.isnan(other)).any():
        return float("inf")
    return float(np.nanmax(np.abs(one - other)))


def speeds(items: int, ours: float, peer: float) -> dict[str, Any]:
    """Items per second of a core; one run of each, so the spread is not known."""
    mine, other = items / ours, items / peer
    facts = {
        "ours": mine,
        "peer": other,
        "unit": "items/core second",
        "ratio": mine / other,
        "spread": [mine / other] * 2,
    }
    return facts | {"processor": cpu_name()}


def shown(found: dict[str, dict[str, Any]]) -> str:
    return "\n".join(f"{case}\n" + "\n".join(f"  {k}: {v}" for k, v in row.items()) for case, row in found.items())


if __name__ == "__main__":
    main()
