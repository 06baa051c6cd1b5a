"""From a causal model to diffusion, or from scratch: python study.py FOLDER_OF_TEXT OUT [SEED]...

A causal model of 3,000 steps (`reader`) goes on for 1,500 steps as diffusion, by `causal_to_diffusion` (`grown`) or at
once (`at_once`). Beside them stand diffusion from scratch over those 1,500 steps alone (`short`), and over all 4,500
(`scratch`). Every arm of diffusion tries the same two rates at seed 0 and keeps the better one. Goes on where it was
stopped. Beside this file `runs.json` has each run's bound on held-out text, and its curve.
"""

import json
import subprocess
import sys
from pathlib import Path

from maskwright.display.curves import column
from maskwright.run.metrics_log import read_lines

READ, ADAPTED = 3000, 1500
READER_RATE = 0.008
RATES = (0.004, 0.008)
KEPT = Path(__file__).with_name("runs.json")


def main() -> None:
    text, out = Path(sys.argv[1]), Path(sys.argv[2])
    seeds = [int(seed) for seed in sys.argv[3:]] or [0]
    files = [f"corpus.files=[{text / 'train'}]", f"corpus.valid=[{text / 'valid'}]", "training.compile=true"]
    runs: list[dict] = json.loads(KEPT.read_text()) if KEPT.exists() else []

    def run(arm: str, rate: float, seed: int) -> float:
        """Nats per token of held-out text."""
        asked = {"arm": arm, "rate": rate, "seed": seed}
        for kept in runs:
            if asked.items() <= kept.items():
                return kept["nats_per_token"]
        folder = out / f"{arm}-{rate}-{seed}"
        from_reader = [f"training.init_from={out / f'reader-{READER_RATE}-{seed}'}"]
        recipe, steps, start = {
            "reader": ("diffusion", READ, ["objective.name=causal"]),
            "grown": ("causal_to_diffusion", ADAPTED, from_reader),
            "at_once": ("diffusion", ADAPTED, from_reader),
            "short": ("diffusion", ADAPTED, []),
            "scratch": ("diffusion", READ + ADAPTED, []),
        }[arm]
        knobs = [f"training.steps={steps}", f"optimizer.lr={rate}", f"seed={seed}", *start]
        if not (folder / "final.json").exists():
            tool("train", recipe, *files, *knobs, "--quiet", "--out", folder)
        found = json.loads(tool("evaluate", folder, "likelihood", "--json"))
        runs.append(asked | found | curve(folder))
        KEPT.write_text(json.dumps(runs, indent=1) + "\n")
        return found["nats_per_token"]

    run("reader", READER_RATE, 0)
    best = {arm: min(RATES, key=lambda rate: run(arm, rate, 0)) for arm in ("grown", "at_once", "short", "scratch")}
    for seed in seeds:
        run("reader", READER_RATE, seed)
        for arm, rate in best.items():
            run(arm, rate, seed)


def tool(*arguments: object) -> str:
    return subprocess.check_output(["maskwright", *map(str, arguments)], text=True)


def curve(folder: Path) -> dict[str, list[float]]:
    """Held-out loss (nats per token) on the way, which is estimated from fewer draws than the exact figure."""
    return dict(zip(("steps", "loss"), column(read_lines(folder / "metrics.jsonl"), "valid/loss"), strict=True))


if __name__ == "__main__":
    main()
