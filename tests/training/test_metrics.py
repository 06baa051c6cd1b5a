"""Speed in the log, also after a cut."""

import pytest
import torch

from maskwright.distributed.ranks import World
from maskwright.training.metrics import RunningMetrics


class Still:
    """A model without matrix products."""

    def of(self, *shape: int) -> float:
        return 0.0


def metrics() -> RunningMetrics:
    return RunningMetrics(torch.device("cpu"), World(), Still(), 1.0)  # type: ignore[arg-type]


def step(one: RunningMetrics) -> None:
    """A hundred positions in a second, a question each that counts."""
    one.sums += torch.tensor([0, 100, 0, 100, 100, 100, 50, 0], dtype=torch.float64)
    one.seconds += 1.0


def test_after_a_resume_between_two_lines_the_speed_is_that_since_the_resume() -> None:
    first, second = metrics(), metrics()
    for _ in range(9):
        step(first)
    second.restore(first.state(), first.summed())
    step(second)
    found = second.read()
    assert found["tokens_per_second"] == pytest.approx(100, rel=0.01)
    assert found["tokens"] == 1000
