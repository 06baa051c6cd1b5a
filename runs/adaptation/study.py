"""What an encoder gains and forgets when it is adapted to a domain: python study.py DATA OUT [SEED]...

The domain is movie reviews, and all other files of DATA/minibaby are general text. A `general` encoder of 10 M tokens
is adapted for two epochs by masks (`mlm`), `span`s, `adaptive` masks, and with 500 new `words`; `scratch` learns
reviews alone, at the rate of pretraining. The rate of adaptation is the one of four at which `mlm` ends best on
reviews, at seed 0. Each is fine-tuned on mr (is a review good?), the primary metric, named beforehand, and on tags
of MASC, and so is an `untrained` one. Goes on where it was stopped. Beside this file `runs.json` has the numbers of
each run.
"""

import json
import subprocess
import sys
from pathlib import Path

PRETRAINED = ["optimizer={name: muon, lr: 0.004, adamw_lr_ratio: 2.5}", "training.batch_tokens=2048"]
"""How `quickstart` trains."""
ADAPTED = {
    "scratch": ("untrained", PRETRAINED),
    "mlm": ("general", []),
    "span": ("general", ["objective.name=span"]),
    "adaptive": ("general", ["objective.name=adaptive"]),
    "words": ("general", ["tokenizer.new_words=500"]),
}
"""From what an arm begins, and how it is adapted otherwise than by the recipe."""
RATES = (1e-4, 3e-4, 1e-3, 3e-3)
KEPT = Path(__file__).with_name("runs.json")


def main() -> None:
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    seeds = [int(seed) for seed in sys.argv[3:]] or [0]
    general, knew = (written(data / f"minibaby/{part}", out / f"{part}.txt") for part in ("train", "valid"))
    reviews, held_out = (data / f"minibaby/{part}/movie_reviews.txt" for part in ("train", "valid"))
    runs: list[dict] = json.loads(KEPT.read_text()) if KEPT.exists() else []

    def trained(arm: str, seed: int, rate: float | None = None) -> Path:
        folder = out / "-".join(str(part) for part in (arm, seed, rate) if part is not None)
        if not (folder / "final.json").exists():
            if arm in ADAPTED:
                start, knobs = ADAPTED[arm]
                options = [f"training.init_from={trained(start, seed)}", "training.epochs=2", f"evaluation.knew={knew}"]
                options += [f"optimizer.lr={rate}"] if rate else []
                command = ["adapt", *files(reviews, held_out), *options, *knobs]
            else:
                knobs = ["training.steps=1", "optimizer.lr=1e-12"] if arm == "untrained" else []
                command = ["quickstart", *files(general, knew), *knobs]
            tool("train", *command, f"seed={seed}", "--quiet", "--out", folder)
        return folder

    def run(arm: str, seed: int, rate: float | None = None) -> None:
        asked = {"arm": arm, "seed": seed, "rate": rate}
        if any(asked.items() <= kept.items() for kept in runs):
            return
        folder = trained(arm, seed, rate)
        found = asked | {"bits per byte": bits(folder)} if arm in ADAPTED else asked
        for suite, where in (("classification", "finetune/mr"), ("tagging", "masc_pos")):
            options = ["--data", data / where, "seeds=1", "epochs=5", "limit=3000"]
            found[suite] = json.loads(tool("evaluate", folder, suite, *options, "--json"))["accuracy"]
        runs.append(found)
        KEPT.write_text(json.dumps(runs, indent=1) + "\n")

    rate = min(RATES, key=lambda rate: bits(trained("mlm", 0, rate))["domain"]["after"])
    for seed in seeds:
        for arm in ("untrained", "general", *ADAPTED):
            run(arm, seed, rate if arm in ADAPTED and arm != "scratch" else None)


def written(folder: Path, path: Path) -> Path:
    """All texts of `folder` but the reviews, in one file."""
    texts = [one.read_text(encoding="utf-8") for one in sorted(folder.glob("*.txt")) if one.stem != "movie_reviews"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n\n".join(texts), encoding="utf-8")
    return path


def files(train: Path, valid: Path) -> list[str]:
    return [f"corpus.files=[{train}]", f"corpus.valid=[{valid}]"]


def bits(folder: Path) -> dict[str, dict[str, float]]:
    """Of reviews and of general text, before and after."""
    (path,) = (folder / "evaluations").glob("adaptation*.json")
    found = json.loads(path.read_text())
    return {
        text: {when: found[f"{text}/{when}/bits_per_byte"] for when in ("before", "after")}
        for text in ("domain", "general")
    }


def tool(*arguments: object) -> str:
    return subprocess.check_output(["maskwright", *map(str, arguments)], text=True)


if __name__ == "__main__":
    main()
