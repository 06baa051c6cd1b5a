"""The table of `study.sh`: means over seeds with their standard deviation, as JSON with `--json`."""

import json
import statistics
import sys
from collections import defaultdict
from pathlib import Path

BEFORE = {"scratch": "random", "mlm": "general"}
"""Whose numbers before it was adapted are those of which arm."""


def main() -> None:
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for folder in sorted(Path(sys.argv[1]).glob("[0-9]*-*")):
        arm = folder.name.partition("-")[2]
        for path in (folder / "evaluations").glob("*.json"):
            numbers, suite = json.loads(path.read_text()), path.stem.partition(",")[0]
            if suite == "adaptation":
                for text in ("domain", "general"):
                    unit = f"{text} bits per byte"
                    found[arm][unit].append(numbers[f"{text}/after/bits_per_byte"])
                    if arm in BEFORE:
                        found[BEFORE[arm]][unit].append(numbers[f"{text}/before/bits_per_byte"])
            else:
                found[arm][suite].append(numbers["accuracy"])
    table = {arm: {name: told(values) for name, values in columns.items()} for arm, columns in found.items()}
    print(json.dumps(table, indent=1) if "--json" in sys.argv else lines(table))


def told(values: list[float]) -> dict[str, float]:
    return {"mean": statistics.mean(values), "sd": statistics.stdev(values) if len(values) > 1 else 0.0}


def lines(table: dict[str, dict[str, dict[str, float]]]) -> str:
    names = sorted({name for columns in table.values() for name in columns})
    rows = [["arm", *names], ["---"] * (len(names) + 1)]
    for arm, columns in table.items():
        cells = (columns.get(name) for name in names)
        rows.append([arm, *(f"{cell['mean']:.3f} ± {cell['sd']:.3f}" if cell else "" for cell in cells)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


if __name__ == "__main__":
    main()
