"""Runs that are killed and run out of disk again and again: do they end with the same bits as runs left alone?

    python benchmarks/soak.py --minutes 60 --json

A run of each objective in turn is started, killed without warning (SIGKILL, at any moment: while it starts, trains,
writes a checkpoint) or started where files may not grow (RLIMIT_FSIZE: what a full disk does to one file), and resumed,
until it is done. Then its final weights and its log are compared with those of the unbroken run.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import yaml

from maskwright.run import checkpoint
from maskwright.run.metrics_log import read_lines
from maskwright.settings.registry import names

SETTINGS = {
    "corpus": {"name": "embedded"},
    "tokenizer": {"size": 2048},
    "rows": {"length": 64},
    "model": {"name": "modern", "hidden": 64, "layers": 2, "heads": 2, "intermediate": 96, "dropout": 0.1},
    "training": {"steps": 120, "batch_tokens": 1024, "log_every": 1, "checkpoint_every": 10, "ema": 0.99},
    "evaluation": {"held_out": 0.01},
}
"""A run whose checkpoints hold everything that a checkpoint can."""
LIMITS = (16_000, 400_000)
"""Bytes that a file may have on a full disk: less than the log comes to, and less than the weights."""
TIMES = ("seconds", "tokens_per_second", "mfu", "masker/step_share")
"""What depends on the clock."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60, help="no fault comes after this")
    parser.add_argument("--seed", type=int, default=0, help="of the faults")
    parser.add_argument("--objectives", default=",".join(names("objectives")), help="names, separated by commas")
    parser.add_argument("--json", action="store_true", help="print one object")
    arguments = parser.parse_args()
    objectives = [name for name in arguments.objectives.split(",") if name != "weighted"]  # it needs a file of weights
    found = soak(60 * arguments.minutes, objectives, random.Random(arguments.seed))
    print(json.dumps(found) if arguments.json else "\n".join(f"{name}: {row}" for name, row in found.items()))
    sys.exit(found["soak"]["ours"] != found["soak"]["peer"])


def soak(seconds: float, objectives: list[str], chance: random.Random) -> dict[str, dict]:
    """Broken runs for so many seconds; the last is then left alone to its end."""
    begin, counts = time.monotonic(), Counter[str]()
    with tempfile.TemporaryDirectory() as name:
        while time.monotonic() - begin < seconds:
            objective = objectives[counts["runs"] % len(objectives)]
            whole, broken = Path(name) / objective, Path(name) / f"broken-{counts['runs']}"
            recipe = Path(name) / f"{objective}.yaml"
            recipe.write_text(yaml.safe_dump(SETTINGS | {"objective": {"name": objective}}))
            if not whole.exists():
                assert start(recipe, whole).wait() == 0
            torture(recipe, broken, chance, counts, begin + seconds)
            counts["runs"] += 1
            counts["equal"] += alike(whole, broken)
    ratio = counts["equal"] / counts["runs"]
    facts = {"kills": counts["kill"], "full disks": counts["full"], "minutes": (time.monotonic() - begin) / 60}
    case = {"ours": counts["equal"], "peer": counts["runs"], "unit": "runs bit for bit as unbroken", "ratio": ratio}
    return {"soak": case | {"spread": [ratio, ratio]} | facts}


def start(recipe: Path, out: Path, limit: int | None = None) -> subprocess.Popen:
    """The run in `out`, or what is left of it."""
    command = [sys.executable, "-m", "maskwright", "train", str(recipe), "--out", str(out), "--quiet", "--resume"]

    def limited() -> None:
        if limit is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.Popen(command, preexec_fn=limited, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def torture(recipe: Path, out: Path, chance: random.Random, counts: Counter[str], until: float) -> None:
    """Break the run and resume it until it is done. Raises RuntimeError when it ends in any other way."""
    while not (out / "final.json").exists():
        calm, full = time.monotonic() > until, chance.random() < 0.3
        process = start(recipe, out, chance.choice(LIMITS) if full and not calm else None)
        alive = not (full or calm) and killed(process, out, chance)
        _, said = process.communicate()
        if alive:
            counts["kill"] += 1
            continue
        if process.returncode not in (0, 2) or "Traceback" in said:
            raise RuntimeError(said)
        counts["full"] += process.returncode == 2


def killed(process: subprocess.Popen, out: Path, chance: random.Random) -> bool:
    """Kill it while it starts, or within some steps of its newest checkpoint; whether it was alive then."""
    began, newest = time.time(), max(checkpoint.steps(out / "checkpoints"), default=0)
    target, early = newest + chance.randint(1, 40), chance.random() < 0.2
    until = began + chance.uniform(0, 8) if early else float("inf")
    while process.poll() is None and time.time() < until and not reached(out / "metrics.jsonl", target, began):
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 0.1))
    alive = process.poll() is None
    process.kill()
    return alive


def reached(log: Path, step: int, since: float) -> bool:
    """Whether the attempt that began at `since` has come to `step`."""
    return (
        log.exists()
        and log.stat().st_mtime > since
        and read_lines(log)[-1:] != []
        and read_lines(log)[-1]["step"] >= step
    )


def alike(one: Path, other: Path) -> bool:
    """Whether two runs have the same final weights, and the same log but for the clock."""
    weights = [(run / "final" / "model.safetensors").read_bytes() for run in (one, other)]
    logs = [
        [{name: fact for name, fact in line.items() if name not in TIMES} for line in read_lines(run / "metrics.jsonl")]
        for run in (one, other)
    ]
    return weights[0] == weights[1] and logs[0] == logs[1]


if __name__ == "__main__":
    main()
