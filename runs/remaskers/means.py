"""Means over seeds of what study.py measured, and the picture of them: python means.py → means.json, passes.svg."""

import json
from collections import defaultdict
from pathlib import Path
from statistics import mean

import matplotlib.pyplot as plt

HERE = Path(__file__).parent
SHOWN = ("passes_per_text", "perplexity", "entropy", "repetition", "mauve")
DRAWN = ("longer mdlm", "longer llada", "random errors learned", "own errors learned", "unfinished prism")
DRAWN += ("corrected 3 edit", "both learned")


def main() -> None:
    cells: dict[str, dict[int, list[dict[str, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in json.loads((HERE / "cells.json").read_text()):
        cells[f"{row['arm']} {row.get('sampler', '')}".strip()][row.get("passes", 0)].append(row)
    means = {
        arm: {
            passes: {"seeds": len(rows)} | {name: mean(row[name] for row in rows) for name in SHOWN if name in rows[0]}
            for passes, rows in by_passes.items()
        }
        for arm, by_passes in cells.items()
    }
    (HERE / "means.json").write_text(json.dumps(means, indent=1) + "\n")
    draw(means)


def draw(means: dict[str, dict[int, dict[str, float]]]) -> None:
    """Likelihood against variety: an arm is a line from its fewest passes (a dot) to its most."""
    figure, axes = plt.subplots(figsize=(8, 4.5), layout="constrained")
    for arm in DRAWN:
        line = list(means[arm].values())
        x, y = [cell["entropy"] for cell in line], [cell["perplexity"] for cell in line]
        (drawn,) = axes.plot(x, y, label=arm)
        axes.scatter(x[:1], y[:1], color=drawn.get_color(), s=24)
    text = means["held-out text"][0]
    axes.scatter([text["entropy"]], [text["perplexity"]], marker="*", s=120, color="black", label="held-out text")
    axes.set(yscale="log", xlabel="entropy of a text's characters (nats)", ylabel="perplexity by the causal judge")
    axes.set_yticks([4, 6, 10, 20, 40], ["4", "6", "10", "20", "40"], minor=False)
    axes.minorticks_off()
    figure.legend(loc="outside right upper", fontsize=8)
    figure.savefig(HERE / "passes.svg")


if __name__ == "__main__":
    main()
