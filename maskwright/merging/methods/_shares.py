"""Check that weights are shares that sum to 1."""

from collections.abc import Sequence


def check(weights: Sequence[float]) -> None:
    """Raises ValueError unless all weights are at least 0 and sum to 1."""
    if min(weights) < 0 or abs(sum(weights) - 1) > 1e-6:
        given = ",".join(f"{weight:g}" for weight in weights)
        raise ValueError(f"weights={given}: give shares of at least 0 that sum to 1, or use method=task")
