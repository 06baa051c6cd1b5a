"""BLiMP by the official BabyLM evaluation and by ours, on the same exported model: accuracies, choices and speed.

    git clone https://github.com/babylm/evaluation-pipeline-2025
    python benchmarks/babylm_pipeline.py RUN --pipeline evaluation-pipeline-2025 --data blimp --limit 100 --json

The pipeline opens what `maskwright export` wrote, ours opens the run. Both are commands on the same files, timed whole,
start-up included. Differences are in points, paradigm by paradigm; `--causal` asks a model that has learned both ways.
The pipeline needs scipy, datasets and aiohttp besides torch and transformers.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path
from typing import Any

from maskwright.hub.export.run import export, way
from maskwright.run.load import load

Choices = dict[str, list[str]]
"""The chosen sentences of each paradigm, in order."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path, help="the folder of a run")
    parser.add_argument("--pipeline", type=Path, required=True, help="a checkout of the official evaluation")
    parser.add_argument("--data", type=Path, required=True, help="a folder with BLiMP's files")
    parser.add_argument("--limit", type=int, help="the first so many pairs of each paradigm")
    parser.add_argument("--causal", action="store_true", default=None, help="read forward")
    parser.add_argument("--json", action="store_true", help="print one object")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found = measure(given.run, given.pipeline, given.data, given.limit, given.causal, Path(place))
    print(json.dumps(found) if given.json else shown(found))


def measure(
    run: Path, pipeline: Path, data: Path, limit: int | None, causal: bool | None, place: Path
) -> dict[str, dict[str, Any]]:
    """Both commands, and what they make of the same sentences."""
    source = load(run, "cpu")
    _, backend = way(source.config.objective if source.config else None, causal)
    export(source, place / "model", causal)
    good = copied(data, place / "blimp", limit)
    official = [sys.executable, "-m", "evaluation_pipeline.sentence_zero_shot.run", "--task", "blimp"]
    official += ["--backend", backend, "--save_predictions", "--model_path_or_name", str(place / "model")]
    official += ["--data_path", str(place / "blimp"), "--output_dir", str(place / "theirs")]
    mine = [sys.executable, "-m", "maskwright", "evaluate", str(run.resolve()), "blimp", "--backend", backend]
    mine += ["--data", str(place / "blimp"), f"predictions={place / 'ours'}"]
    peer, ours = timed(official, pipeline), timed(mine, Path.cwd())
    first, second = (chosen(place / name) for name in ("ours", "theirs"))
    return {f"blimp {backend}": compared(first, second, good) | speeds(sum(map(len, good.values())), ours, peer)}


def copied(data: Path, place: Path, limit: int | None) -> Choices:
    """Copy the first `limit` lines of each file; returns the acceptable sentences by paradigm."""
    place.mkdir()
    good: Choices = {}
    for path in sorted(data.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            kept = list(islice(lines, limit))
        (place / path.name).write_text("".join(kept), encoding="utf-8")
        for line in map(json.loads, kept):
            good.setdefault(line["UID"], []).append(line["sentence_good"])
    return good


def timed(command: list[str], place: Path) -> float:
    """The seconds that a command takes in the folder `place`."""
    paths = os.pathsep.join([str(place.resolve()), os.environ.get("PYTHONPATH", "")])
    began = time.perf_counter()
    subprocess.run(command, cwd=place, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": paths})
    return time.perf_counter() - began


def chosen(folder: Path) -> Choices:
    """The contents of the one predictions.json below `folder`."""
    (path,) = folder.rglob("predictions.json")
    found = json.loads(path.read_text(encoding="utf-8"))
    return {paradigm: [line["pred"].strip() for line in lines["predictions"]] for paradigm, lines in found.items()}


def compared(ours: Choices, theirs: Choices, good: Choices) -> dict[str, Any]:
    """Accuracies over paradigms, in points; the greatest difference in a paradigm; the share of equal choices."""
    points = {name: (accuracy(ours[name], good[name]), accuracy(theirs[name], good[name])) for name in good}
    same = [a == b for name in good for a, b in zip(ours[name], theirs[name], strict=True)]
    return {
        "accuracy": [sum(pair[who] for pair in points.values()) / len(points) for who in (0, 1)],
        "paradigms": len(points),
        "greatest_difference": max(abs(mine - other) for mine, other in points.values()),
        "same_choices": sum(same) / len(same),
    }


def accuracy(choices: list[str], good: list[str]) -> float:
    """In points."""
    return 100 * sum(a == b.strip() for a, b in zip(choices, good, strict=True)) / len(good)


def speeds(pairs: int, ours: float, peer: float) -> dict[str, Any]:
    """Sentences per second; one run of each, so the spread is not known."""
    mine, other = 2 * pairs / ours, 2 * pairs / peer
    return {"ours": mine, "peer": other, "unit": "sentences/s", "ratio": mine / other, "spread": [mine / other] * 2}


def shown(found: dict[str, dict[str, Any]]) -> str:
    return "\n".join(f"{case}\n" + "\n".join(f"  {k}: {v}" for k, v in row.items()) for case, row in found.items())


if __name__ == "__main__":
    main()
