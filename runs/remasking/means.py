"""Means and standard deviations over seeds of what study.sh measured: python means.py → means.json here and in bpe/."""

import json
from pathlib import Path
from statistics import mean, stdev

HERE = Path(__file__).parent
SHOWN = ("perplexity", "entropy", "repetition", "mauve", "bigram_js")


def means(path: Path) -> dict[str, dict[str, dict[str, float]]]:
    """By label without its seed, by metric."""
    found: dict[str, dict[str, list[float]]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        values = json.loads(line)
        arm = values.pop("label").rpartition("-")[0]
        for name, value in values.items():
            if isinstance(value, int | float) and (path.stem != "generation" or name.endswith(SHOWN)):
                found.setdefault(arm, {}).setdefault(name, []).append(value)
    return {arm: {name: _both(one) for name, one in metrics.items()} for arm, metrics in found.items()}


def _both(values: list[float]) -> dict[str, float]:
    return {"mean": mean(values), "deviation": stdev(values) if len(values) > 1 else 0.0}


if __name__ == "__main__":
    for folder in (HERE, HERE / "bpe"):
        kept = {path.stem: means(path) for path in sorted(folder.glob("*.jsonl"))}
        (folder / "means.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
