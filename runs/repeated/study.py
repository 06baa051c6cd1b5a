"""Repeated text, read from left to right or unmasked: python study.py FOLDER_OF_TEXT OUT [SEED]...

A hundred thousand words of wikitext, once to a hundred times; every length is a run with a schedule of its own. Both
objectives try the same three rates at ten epochs of seed 0 and take the best for all lengths; dropout comes with the
rate of `causal`. Goes on where it was stopped. Beside this file `runs.json` has each run's exact figure and its curve.
"""

import json
import subprocess
import sys
from itertools import product
from pathlib import Path

from maskwright.display.curves import column
from maskwright.run.metrics_log import read_lines

WORDS = 100_000
EPOCHS = {
    "causal": (1, 3, 10, 30),
    "diffusion": (1, 3, 10, 30, 100),
    "causal, dropout 0.3": (3, 10, 30),
}
RATES = (0.004, 0.008, 0.016)
KEPT = Path(__file__).with_name("runs.json")


def main() -> None:
    text, out = Path(sys.argv[1]), Path(sys.argv[2])
    seeds = [int(seed) for seed in sys.argv[3:]] or [0]
    out.mkdir(parents=True, exist_ok=True)
    files = [f"corpus.files=[{cut(text / 'train/wikitext.txt', out)}]", f"corpus.valid=[{text / 'valid/wikitext.txt'}]"]
    runs: list[dict] = json.loads(KEPT.read_text()) if KEPT.exists() else []

    def run(objective: str, epochs: int, rate: float, seed: int) -> float:
        """Nats per token of held-out text."""
        asked = {"objective": objective, "epochs": epochs, "rate": rate, "seed": seed}
        for kept in runs:
            if asked.items() <= kept.items():
                return kept["nats_per_token"]
        folder = out / f"{objective}-{epochs}-{rate}-{seed}".replace(", dropout ", "-")
        name, _, dropout = objective.partition(", dropout ")
        knobs = [
            f"objective.name={name}",
            f"model.dropout={dropout or 0}",
            f"training.epochs={epochs}",
            f"optimizer.lr={rate}",
            f"seed={seed}",
        ]
        if not (folder / "final.json").exists():
            knobs += ["training.steps=null", "training.compile=true"]
            tool("train", "quickstart", *files, *knobs, "--quiet", "--out", folder)
        found = json.loads(tool("evaluate", folder, "likelihood", "--json"))
        runs.append(asked | found | curve(folder))
        KEPT.write_text(json.dumps(runs, indent=1) + "\n")
        return found["nats_per_token"]

    best = {one: min(RATES, key=lambda rate: run(one, 10, rate, 0)) for one in ("causal", "diffusion")}
    lengths = sorted((epochs, objective) for objective, every in EPOCHS.items() for epochs in every)
    for seed, (epochs, objective) in product(seeds, lengths):
        run(objective, epochs, best[objective.partition(",")[0]], seed)


def cut(path: Path, out: Path) -> Path:
    """The lines of `path` up to WORDS words."""
    lines, words = [], 0
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        words += len(line.split())
        if words > WORDS:
            break
        lines.append(line)
    (out / "text.txt").write_text("".join(lines), encoding="utf-8")
    return out / "text.txt"


def tool(*arguments: object) -> str:
    return subprocess.check_output(["maskwright", *map(str, arguments)], text=True)


def curve(folder: Path) -> dict[str, list[float]]:
    """Held-out loss (nats per token) on the way, which is estimated from fewer draws than the exact figure."""
    return dict(zip(("steps", "loss"), column(read_lines(folder / "metrics.jsonl"), "valid/loss"), strict=True))


if __name__ == "__main__":
    main()
