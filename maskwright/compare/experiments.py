"""The arms of a comparison, each a recipe with changes, and the seeds that every arm is trained with.

An arm is written `NAME:RECIPE+key=value+key=value`; the name and the changes are optional.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

from ..run import milestones
from ..run.config import Config
from ..run.resume import leaves
from ..settings import did_you_mean, short_repr
from ..settings.bounds import MOST_LAYERS

CHANGE = re.compile(r"\+(?=[a-z_]+(?:\.\w+)*=)")
"""Where a change begins: a plus followed by a name and an equals sign."""
LENGTHS = ("tokens", "words", "epochs", "steps")
"""The settings of `training` that set the length of a run."""
BY = "bits_per_byte"
"""The only metric that is comparable across tokenizers."""


@dataclass(frozen=True)
class Arm:
    """One side of a comparison."""

    name: str
    source: str
    """The recipe's name, a YAML file or the folder of a run."""
    changes: tuple[str, ...]
    """All `section.key=value` changes, applied to the recipe in order."""
    config: Config

    @property
    def folder(self) -> str:
        """The name, safe for a folder."""
        return re.sub(r"[^\w.=+,-]+", "_", self.name)

    def at(self, seed: int) -> Config:
        """The run of this arm with `seed`."""
        return replace(self.config, seed=seed)


def arms(written: Sequence[str], common: Sequence[str] = (), budget: str | None = None) -> list[Arm]:
    """The arms as written; `common` changes are applied before an arm's own, the budget last.

    Raises ValueError for an unknown recipe, fewer than two arms, or two arms with the same name.
    """
    if len(written) < 2:
        raise ValueError(f"a comparison needs at least two arms, not {len(written)}: give two or more recipes")
    found = [_arm(argument, common, budgeted(budget) if budget else []) for argument in written]
    folders = [arm.folder for arm in found]
    if twice := [arm.name for arm in found if folders.count(arm.folder) > 1]:
        raise ValueError(f"two arms are called {twice[0]!r}: name them, as in {twice[0]}-b:{found[-1].source}")
    return found


def _arm(argument: str, common: Sequence[str], budget: Sequence[str]) -> Arm:
    head, *own = CHANGE.split(argument)
    name, colon, source = head.partition(":")
    source = source if colon else head
    plain = Path(source).name.removesuffix(".yaml") or source
    changes = (*common, *own, *budget)
    if any(change.startswith("seed=") for change in changes):
        raise ValueError("seed is the same for all arms of a pair: give --seeds, not seed=")
    return Arm(name if colon else "+".join([plain, *own]), source, changes, Config.load(source, changes))


def seed_list(written: str | int) -> list[int]:
    """`3` means seeds 0, 1, 2; `5,7` (or `5,`) exactly those. Raises ValueError for anything else or duplicates."""
    try:
        numbers = [int(part) for part in str(written).split(",") if part.strip()]
    except ValueError:
        numbers = []
    few = sum(numbers) <= MOST_LAYERS
    found = numbers if "," in str(written) else list(range(sum(numbers) if few else 0))
    if not found or len(found) > MOST_LAYERS or not all(0 <= seed < 2**64 for seed in found):
        raise ValueError(
            f"seeds={short_repr(written)}: give how many, as in 3 for 0, 1, 2, or which, as in 5,7, at most "
            f"{MOST_LAYERS:,}"
        )
    if twice := [seed for seed in found if found.count(seed) > 1]:
        raise ValueError(f"seeds={written}: {twice[0]} is given twice: use different seeds")
    return found


def budgeted(written: str) -> list[str]:
    """The changes that replace a run's length by a budget: `tokens=2e6`, words=10M, epochs, steps or minutes."""
    kind, _, amount = written.partition("=")
    try:
        number = float(milestones.number(amount) or amount)
    except ValueError:
        number = 0.0
    if kind not in (*LENGTHS, "minutes") or not (isfinite(number) and number > 0):
        raise ValueError(f"budget {written!r}: give tokens=2e6, words=10M, epochs=10, steps=1000 or minutes=5")
    if kind == "minutes":
        return [f"training.minutes={number}"]
    cleared = [f"training.{name}=null" for name in (*LENGTHS, "minutes") if name != kind]
    return [*cleared, f"training.{kind}={int(number) if kind in ('steps', 'words') else number}"]


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The settings in which two trees differ, with both values; None where one lacks the setting."""
    left, right = dict(leaves(one)), dict(leaves(other))
    names = [*left, *(name for name in right if name not in left)]
    return {name: (left.get(name), right.get(name)) for name in names if left.get(name) != right.get(name)}


def check_text(found: Sequence[Arm], by: str | None) -> None:
    """Raises ValueError when the arms' losses are not comparable, unless they are compared `by` bits per byte."""
    if by not in (None, BY):
        raise ValueError(f"by={by!r}: {did_you_mean(by or '', [BY])}")
    first = found[0]
    for arm in found[1:]:
        for name, (left, right) in differences(_text(first.config), _text(arm.config)).items():
            if by is None:
                raise ValueError(
                    f"{first.name} and {arm.name} differ in {name} ({left!r} and {right!r}), so their losses are not "
                    f"comparable: --by {BY} compares that alone"
                )


def _text(config: Config) -> dict[str, Any]:
    """The settings that determine which tokens the exams predict."""
    tree = config.tree()
    held_out = {"held_out": tree["evaluation"]["held_out"]}
    return {"tokenizer": tree["tokenizer"], "corpus": tree["corpus"], "evaluation": held_out, "errors": tree["errors"]}


def same_questions(found: Sequence[Arm]) -> bool:
    """Whether the arms' own exams are the same: equal objectives, apart from the number of static masks in training."""
    objectives = [{**arm.config.tree()["objective"], "num_static_masks": None} for arm in found]
    return all(objective == objectives[0] for objective in objectives)


def same_rows(found: Sequence[Arm]) -> bool:
    """Whether arms of one seed saw the same rows in the same order: same text, cut into rows the same way."""
    parts = [_text(arm.config) | {"rows": arm.config.tree()["rows"]} for arm in found]
    return all(part == parts[0] for part in parts)
