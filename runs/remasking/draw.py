"""Draw what study.sh measured, means and extremes over seeds: python draw.py OUT → remasking.png beside this file."""

import json
import sys
from pathlib import Path
from statistics import mean

from matplotlib import pyplot as plt

SHOWN = {"perplexity": "perplexity by an independent scorer", "entropy": "entropy of a text, nats", "mauve": "MAUVE"}

lines = [json.loads(line) for line in (Path(sys.argv[1]) / "generation.jsonl").read_text().splitlines()]
figure, panels = plt.subplots(1, len(SHOWN), figsize=(12, 3.6))
for axes, (name, title) in zip(panels, SHOWN.items(), strict=True):
    found: dict[str, dict[int, list[float]]] = {}
    for line in lines:
        sampler, steps, _ = line["label"].rsplit("-", 2)
        found.setdefault(sampler, {}).setdefault(int(steps), []).append(line[name])
    for sampler, curve in found.items():
        steps = sorted(curve)
        style = "o-" if sampler.startswith("learned") else "s--"
        (drawn,) = axes.plot(steps, [mean(curve[at]) for at in steps], style, markersize=4, label=sampler)
        lowest, highest = ([extreme(curve[at]) for at in steps] for extreme in (min, max))
        axes.fill_between(steps, lowest, highest, color=drawn.get_color(), alpha=0.15, linewidth=0)
    axes.axhline(lines[0][f"held_out/{name}"], color="black", linewidth=1, label="held-out text")
    axes.set(xscale="log", xlabel="steps", title=title, xticks=steps, xticklabels=steps)
    axes.minorticks_off()
panels[0].set_yscale("log")
panels[-1].legend(fontsize=7, frameon=False, bbox_to_anchor=(1.02, 1), loc="upper left")
figure.tight_layout()
figure.savefig(Path(__file__).with_name("remasking.png"), dpi=110)
