"""When a run keeps its model permanently: at numbers of words seen, in folders `chck_1M` … as BabyLM names them.

Which step that is follows from the text and the seed alone, so neither ranks nor a resume move it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from ..data.loader import Loader
from ..files.errors import short_repr
from ..settings.bounds import MOST_TEXT

UNITS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9}
M = UNITS["M"]
SCHEDULES = {"babylm": [n * M for n in (*range(1, 11), *range(20, 101, 10), *range(200, 1001, 100))]}
"""`babylm` is that of the challenge: every million words to 10 M, every 10 M to 100 M, every 100 M to 1,000 M."""


def number(text: str) -> int | None:
    """The number in `10M`, `500K` or `1234`; None for another text."""
    found = re.fullmatch(r"(\d+)([KMB]?)", text)
    return int(found[1]) * UNITS[found[2]] if found else None


def _plain(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if (found := number(value)) is None:
        raise ValueError(
            f"{short_repr(value)} is not a number of words, such as 100000000 or 100M; "
            f"{' or '.join(SCHEDULES)} is a schedule"
        )
    return found


def _listed(value: Any) -> Any:
    if isinstance(value, str) and value in SCHEDULES:
        return SCHEDULES[value]
    return value if isinstance(value, list | tuple) else [value]


Words = Annotated[int, BeforeValidator(_plain), Field(ge=1, le=MOST_TEXT)]
"""A number of words: 100000000, 1.0e+8 or 100M."""
Milestones = Annotated[tuple[Words, ...], BeforeValidator(_listed)]
"""Numbers of words: a list of them, or a schedule by its name."""


def name(words: int) -> str:
    """The name of the model kept at a milestone: chck_10M, chck_1000M, chck_1500K, chck_1234."""
    size, unit = next((size, unit) for unit, size in (("M", M), ("K", 1000), ("", 1)) if words % size == 0)
    return f"chck_{words // size}{unit}"


def milestone_steps(milestones: Iterable[int], loader: Loader, steps: int) -> dict[int, list[int]]:
    """The milestones that a run of `steps` reaches, by the step after which the model is kept."""
    found: dict[int, list[int]] = {}
    for words in sorted(set(milestones)):
        if (step := loader.step_at_words(words)) <= steps:
            found.setdefault(step, []).append(words)
    return found


def describe(found: Mapping[int, Iterable[int]]) -> str:
    """A line about the models that will be kept, by step as of `milestone_steps`; nothing where there are none."""
    kept = [words for some in found.values() for words in some]
    return f"\nkept       {len(kept)} checkpoints for good, the last at {max(kept):,} words" if kept else ""
