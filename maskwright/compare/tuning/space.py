"""What is tuned: settings by name, each with a range of numbers or a list of choices.

Written `optimizer.lr=1e-3:3e-2:log` (between two ends, evenly in the logarithm), `training.warmup=0:0.2:0.05` (in steps
of 0.05), `model.layers=2:8` (whole numbers, as both ends are) or `optimizer.name=muon,adamw` (any of these, also as a
YAML list).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log10
from typing import Any, TypeAlias

import yaml

from ...files.errors import short_repr
from ...files.yaml_files import parse_yaml
from ...run.config import Config
from ...run.resume import leaves

Value: TypeAlias = int | float | str
RANGE = re.compile(r"([^:,\[\]]+):([^:,\[\]]+)(?::([^:,\[\]]+))?")
UNCOMPARABLE = ("corpus", "tokenizer", "evaluation", "errors", "seed")
"""What may not be tuned: losses on other text, other tokens or by luck of the seed do not compare."""
DIGITS = 4
"""Of a number that is tried, so that it can be typed again."""
EDGE = 0.05
"""The share of a range, at either end, that counts as its border."""


@dataclass(frozen=True)
class Range:
    """Numbers between two ends, both included."""

    name: str
    low: float
    high: float
    log: bool = False
    step: float | None = None
    whole: bool = False

    def value(self, found: Any) -> Value:
        """A number of the range as it is tried."""
        if self.whole:
            return int(found)
        return min(max(float(f"{found:.{DIGITS}g}"), self.low), self.high)

    @property
    def ends(self) -> tuple[Value, ...]:
        """Both ends."""
        return self.value(self.low), self.value(self.high)

    def holds(self, value: Any) -> bool:
        """Whether a number lies in the range, and for whole numbers is one."""
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and self.low <= value <= self.high and not (self.whole and value != int(value))

    def border(self, value: Value) -> str:
        """`low` or `high` where a value lies at that border, else empty."""
        low, high, at = (log10(float(v)) if self.log else float(v) for v in (self.low, self.high, value))
        place = (at - low) / (high - low)
        return "low" if place <= EDGE else "high" if place >= 1 - EDGE else ""


@dataclass(frozen=True)
class Choice:
    """Any of some values, each as it is written."""

    name: str
    values: tuple[str, ...]

    def value(self, found: Any) -> Value:
        """A choice as it is tried."""
        return str(found)

    @property
    def ends(self) -> tuple[Value, ...]:
        """All of them."""
        return self.values

    def holds(self, value: Any) -> bool:
        """Whether a value is among them."""
        return _written(value) in self.values

    def border(self, value: Value) -> str:
        """A choice has none."""
        return ""


Parameter: TypeAlias = Range | Choice


def parameters(written: Sequence[str]) -> list[Parameter]:
    """What `--over` names. Raises ValueError for what is no range and no choice, for a setting that is named twice, and
    for one over which losses do not compare."""
    if not written:
        raise ValueError("nothing is tuned: give --over section.key=low:high, such as optimizer.lr=1e-3:3e-2:log")
    found = [_parameter(each) for each in written]
    names = [each.name for each in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"--over {twice[0]} is given twice: give one range of it")
    return found


def _parameter(written: str) -> Parameter:
    name, equals, values = written.partition("=")
    if not equals or not values or "." not in name:
        raise ValueError(f"--over {short_repr(written)}: write section.key=low:high, low:high:log or one,other")
    if name.partition(".")[0] in UNCOMPARABLE:
        raise ValueError(
            f"--over {name}: losses of another {name.partition('.')[0]} do not compare, so it is not tuned"
        )
    if found := RANGE.fullmatch(values):
        return _range(name, *found.groups())
    listed = parse_yaml(values, name) if values.startswith("[") else values.split(",")
    choices = tuple(map(_written, listed))
    if len(choices) < 2 or len(set(choices)) < len(choices):
        raise ValueError(f"--over {name}={short_repr(values)}: give two or more different choices, or low:high")
    return Choice(name, choices)


def _range(name: str, low: str, high: str, how: str | None) -> Range:
    ends = [_number(name, end) for end in (low, high)]
    if ends[0] >= ends[1]:
        raise ValueError(f"--over {name}={low}:{high}: the first end is below the second")
    whole = all(re.fullmatch(r"[+-]?\d+", end.strip()) for end in (low, high))
    if how == "log":
        if ends[0] <= 0:
            raise ValueError(f"--over {name}={low}:{high}:log: a logarithm needs ends above 0")
        return Range(name, ends[0], ends[1], log=True, whole=whole)
    step = None if how is None else _number(name, how)
    if step is not None and not 0 < step <= ends[1] - ends[0]:
        raise ValueError(f"--over {name}={low}:{high}:{how}: a step is above 0 and at most the range; or write :log")
    return Range(name, ends[0], ends[1], step=step, whole=whole and (step is None or step == int(step)))


def _number(name: str, written: str) -> float:
    try:
        number = float(written)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise ValueError(f"--over {name}: {short_repr(written)} is not a number; write low:high, low:high:log or a,b")
    return number


def _written(value: Any) -> str:
    """A value as one writes it after `section.key=`."""
    plain = value if isinstance(value, str) else yaml.safe_dump(value, default_flow_style=True, width=10**6)
    return plain.removesuffix("\n").removesuffix("\n...").strip()


def changes(space: Sequence[Parameter], values: Mapping[str, Any], base: Config) -> list[str]:
    """The `section.key=value` of one trial; a name that `base` has already is left out, as naming it anew would reset
    what else its section says."""
    own, found = dict(leaves(base.tree())), {each.name: each.value(values[each.name]) for each in space}
    return [f"{name}={v}" for name, v in found.items() if not (name.endswith(".name") and own.get(name) == v)]


def own_values(space: Sequence[Parameter], config: Config) -> dict[str, Any] | None:
    """What the recipe itself has for each parameter; None where one lies outside its range."""
    tree = dict(leaves(config.tree()))
    if not all(each.name in tree and each.holds(tree[each.name]) for each in space):
        return None
    return {e.name: _written(tree[e.name]) if isinstance(e, Choice) else tree[e.name] for e in space}


def check(space: Sequence[Parameter], source: str, common: Sequence[str]) -> None:
    """Refuse, before anything runs, what no config takes: each parameter at its ends. Raises ValueError."""
    first = [f"{each.name}={each.ends[0]}" for each in space]
    for place, each in enumerate(space):
        for end in each.ends:
            Config.load(source, [*common, *first[:place], f"{each.name}={end}", *first[place + 1 :]])
