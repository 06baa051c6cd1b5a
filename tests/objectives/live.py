"""Live objectives on a text made by hand."""

from typing import Any

from maskwright.objectives.base.objective import Objective

from ..handmade import TEXT


def live(objective: Objective, seed: int = 0, **more: Any) -> Any:
    """`objective` built on the text of `handmade`; any, as each test knows what its objective holds."""
    return objective.build(TEXT, seed, **more)  # type: ignore[arg-type]
