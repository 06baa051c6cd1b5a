"""Held-out bits per byte over the epochs of the same text: python draw.py → repeated.svg."""

import json
from pathlib import Path

import matplotlib.pyplot as plt

HERE = Path(__file__).parent
KIND = {"causal": "exact", "diffusion": "bound", "causal, dropout 0.3": "exact"}


def main() -> None:
    runs = json.loads((HERE / "runs.json").read_text())
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for color, (objective, kind) in enumerate(KIND.items()):
        plain = [run for run in runs if run["objective"] == objective.partition(",")[0] and run["epochs"] == 10]
        rate = min(plain, key=lambda run: run["nats_per_token"])["rate"]
        mine = [run for run in runs if run["objective"] == objective]
        for seed, style in enumerate(("o-", "o--")):
            line = sorted((r["epochs"], r["bits_per_byte"]) for r in mine if (r["seed"], r["rate"]) == (seed, rate))
            if line:
                axes.plot(
                    *zip(*line, strict=True), style, color=f"C{color}", label=f"{objective} ({kind}), seed {seed}"
                )
    lowest = min(run["bits_per_byte"] for run in runs if run["objective"] == "causal")
    axes.axhline(lowest, color="C0", linewidth=0.7, linestyle=":", label="the best causal run")
    axes.set(xscale="log", ylim=(2.1, 3.3), xlabel="epochs of 100,000 words", ylabel="held-out bits per byte")
    axes.legend(fontsize=8)
    figure.savefig(HERE / "repeated.svg")


if __name__ == "__main__":
    main()
