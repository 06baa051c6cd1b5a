"""Remaskers trained on what a sampler meets, at equal forward passes: python study.py FOLDER_OF_TEXT OUT [SEED]...

Shakespeare by characters. An unmasker, and from its weights detectors of random errors, of the unmasker's own errors in
finished texts, and in texts that are not finished (PRISM); three rounds of self-correction, and as many steps more of
unmasking; one model trained on both from the start. Goes on where it was stopped. Beside this file `cells.json` has
every cell of every seed, with passes as counted.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

KEPT = Path(__file__).with_name("cells.json")
SWEEP = ("--passes", "8,16,64,256", "--prompts", "128")
DETECTOR = ("objective.name=remask_binary", "objective.ratio=0.5")
OWN = ("objective.corruption={synthetic: 1}", "objective.temperature=1")
PRISM = ("objective.masked_ratio=1", "objective.judged=replaced", "objective.balanced=false")
LEARNED = ("learned", "learned+mode=mixed+min_random_ratio=0.5", "learned+mode=threshold")


def main() -> None:
    text, out = Path(sys.argv[1]), Path(sys.argv[2])
    for seed in sys.argv[3:] or ["0"]:
        for arm, swept in arms(text, out / seed, seed):
            kept = json.loads(KEPT.read_text()) if KEPT.exists() else []
            others = [row for row in kept if (row["arm"], row["seed"]) != (arm, seed)]
            rows = [row | {"arm": arm, "seed": seed} for row in swept["rows"]]
            held = [swept["held_out"] | {"arm": "held-out text", "seed": seed}] if arm == "unmasker" else []
            others = [row for row in others if not held or (row["arm"], row["seed"]) != ("held-out text", seed)]
            KEPT.write_text(json.dumps(others + rows + held, indent=1) + "\n")


def arms(text: Path, out: Path, seed: str) -> Iterator[tuple[str, dict]]:
    """Each arm's name and its sweep."""
    files = [
        f"corpus.{part}=[{text}/{folder}/shakespeare.txt]" for part, folder in (("files", "train"), ("valid", "valid"))
    ]
    shared = [*files, "tokenizer.size=265", "rows.length=128", "training.compile=true", f"seed={seed}"]

    def train(name: str, recipe: str, steps: int, *knobs: str) -> Path:
        if not (out / name / "final.json").exists():
            tool("train", recipe, *shared, f"training.steps={steps}", *knobs, "--quiet", "--out", out / name)
        return out / name

    def sweep(arm: str, run: Path, *samplers: str, remasker: Path | None = None) -> tuple[str, dict]:
        more = ("--remasker", remasker) if remasker else ()
        place = ("--seeds", f"{seed},", "--quiet", "--json", "--out", out / f"sweep-{arm}")
        return arm, json.loads(tool("sweep", run, *samplers, "--scorer", scorer, *more, *SWEEP, *place))

    scorer = train(
        "scorer", "quickstart", 2000, "objective.name=causal", "optimizer.lr=0.008", "optimizer.adamw_lr_ratio=1"
    )
    unmasker = train("unmasker", "diffusion", 2000)
    yield sweep("unmasker", unmasker, "mdlm", "llada", "remdm", "renoise")

    start = (f"training.init_from={unmasker}", "optimizer.lr=0.004")
    generator = f"objective.generator_run={unmasker}"
    detectors = {
        "random errors": ("objective.corruption={random: 1, fragment: 1}",),
        "own errors": (*OWN, generator),
        "unfinished": (*OWN, *PRISM, generator),
    }
    for arm, knobs in detectors.items():
        remasker = train(arm.replace(" ", "-"), "remask", 700, *start, *DETECTOR, *knobs)
        yield sweep(arm, unmasker, *LEARNED, *(["prism"] if arm == "unfinished" else []), remasker=remasker)

    yield sweep("longer", train("longer", "diffusion", 2100, *start), "mdlm", "llada")
    knobs = [*shared, "training.steps=700", "optimizer.lr=0.004"]
    tool("rounds", unmasker, "self_correct", *knobs, "--rounds", "3", "--quiet", "--out", out / "corrected")
    for number in (1, 3):
        yield sweep(f"corrected {number}", out / f"corrected/round-{number}", "mdlm", "edit")
    both = train("both", "unmask_remask", 2700)
    yield sweep("both", both, "mdlm", *LEARNED)


def tool(*arguments: object) -> str:
    return subprocess.run(["maskwright", *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    main()
