"""Weights that are shares of one model."""

from collections.abc import Sequence


def check(weights: Sequence[float]) -> None:
    """Refuse weights that are not at least 0 with the sum 1. Raises ValueError."""
    if min(weights) < 0 or abs(sum(weights) - 1) > 1e-6:
        given = ",".join(f"{weight:g}" for weight in weights)
        raise ValueError(f"weights={given}: shares are at least 0 and have the sum 1; for others take method=task")
