"""Finished runs that differ in size, seed and share of backward reading, from which the two ratios are computed.

A run is any folder with config.yaml, metrics.jsonl and final.json.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open

from ...display.series import series
from ...files.json_files import read_object
from ...files.yaml_files import read_yaml
from ...run.metrics_log import read_lines
from ...run.resume import FREE, leaves

DIRECTIONS = "forward", "backward"


@dataclass(frozen=True)
class Run:
    """A finished run that predicts forward, backward or both."""

    folder: Path

    @cached_property
    def tree(self) -> dict[str, Any]:
        """Its config."""
        return dict(read_yaml(self.folder / "config.yaml"))

    @property
    def seed(self) -> int:
        return int(self.tree["seed"])

    @property
    def depth(self) -> int:
        """Layers of the model."""
        return int(self.tree["model"]["layers"])

    @property
    def width(self) -> int:
        """Dimension of the residual stream."""
        return int(self.tree["model"]["hidden"])

    @property
    def p_bw(self) -> float | str:
        """Probability that a row is also read backward; 0 for objectives that never do."""
        return self.tree["objective"].get("p_bw", 0.0)

    @cached_property
    def parameters(self) -> int:
        """Parameters in the final weights, a tied decoder counted once."""
        with safe_open(self.folder / "final" / "model.safetensors", "pt") as weights:
            return sum(prod(weights.get_slice(name).get_shape()) for name in weights.keys())  # noqa: SIM118

    @cached_property
    def setting(self) -> tuple[tuple[str, Any], ...]:
        """Everything but seed and objective: ratios are taken between runs that differ only in those."""
        own = {name: part for name, part in self.tree.items() if name not in ("seed", "objective")}
        return tuple((name, str(value)) for name, value in leaves(own) if name not in FREE)

    @cached_property
    def objective(self) -> str:
        """The objective's settings, as one string."""
        return json.dumps(self.tree["objective"], sort_keys=True)

    @cached_property
    def final(self) -> dict[str, float]:
        """The last validation: `forward/loss` …"""
        numbers = read_object(self.folder / "final.json")
        return {name.removeprefix("valid/"): number for name, number in numbers.items()}

    @cached_property
    def curve(self) -> dict[int, dict[str, float]]:
        """Each validation by step, with the same names, and its `epoch`, interpolated from the log."""
        asked = [line for line in self._lines if any(f"valid/{way}/loss" in line for way in DIRECTIONS)]
        named = {line["step"]: {name.removeprefix("valid/"): number for name, number in line.items()} for line in asked}
        return {step: numbers | {"epoch": self._epoch(step)} for step, numbers in named.items()}

    @property
    def epochs(self) -> float:
        """Epochs trained."""
        return self._epoch(int(self.final["step"]))

    @cached_property
    def _lines(self) -> list[dict[str, Any]]:
        return read_lines(self.folder / "metrics.jsonl")

    def _epoch(self, step: int) -> float:
        logged = np.array([(0, 0.0), *((line["step"], line["epoch"]) for line in self._lines if "epoch" in line)])
        return float(np.interp(step, logged[:, 0], logged[:, 1]))

    @cached_property
    def layers(self) -> dict[int, dict[str, float]]:
        """The exams by number of remaining layers, where `evaluate RUN layers` was run, and of the whole model."""
        path = self.folder / "evaluations" / "layers.json"
        found = series(read_object(path)).get("layers", {}) if path.is_file() else {}
        return {self.depth: self.final} | found


def runs(folder: Path) -> list[Run]:
    """The finished runs in `folder` that predict in a direction, by size, p_bw and seed.

    Raises ValueError when there are none.
    """
    places = (path.parent for path in sorted(folder.glob("**/config.yaml")))
    finished = [Run(place) for place in places if (place / "final.json").is_file()]
    found = [run for run in finished if any(f"{way}/loss" in run.final for way in DIRECTIONS)]
    if not found:
        raise ValueError(
            f"{folder} has no finished run that predicts forward or backward ({len(finished)} others): "
            "train with objective.name=mirror"
        )
    return sorted(found, key=lambda run: (run.depth, run.width, str(run.p_bw), run.seed))


def by_seed(found: Sequence[Run]) -> dict[int, Run]:
    """Runs of one setting and one objective by their seed. Raises ValueError when two have the same."""
    named: dict[int, Run] = {}
    for run in found:
        if run.seed in named:
            raise ValueError(
                f"{named[run.seed].folder} and {run.folder} are the same run, seed {run.seed}: move one elsewhere"
            )
        named[run.seed] = run
    return named
