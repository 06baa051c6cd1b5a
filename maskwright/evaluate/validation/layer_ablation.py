"""The exams after removing the last layers: final norm and head then read an earlier layer's output."""

from collections.abc import Iterator
from contextlib import contextmanager
from math import exp

from torch import nn

from ...data.pack import Pack
from ...objectives.base.objective import Objective
from .common import exams
from .validate import take_exam


@contextmanager
def first_layers(model: nn.Module, count: int) -> Iterator[nn.Module]:
    """`model` with only its first `count` layers inside the `with` block; final norm and head are kept."""
    whole = model.layers
    assert isinstance(whole, nn.ModuleList)
    assert 1 <= count <= len(whole)
    model.layers = whole[:count]
    try:
        yield model
    finally:
        model.layers = whole


def ablate(model: nn.Module, pack: Pack, objective: Objective, batch_tokens: int = 16384) -> dict[str, float]:
    """Loss (nats), accuracy, top-5 accuracy and perplexity of the first n, n − 1, … 1 layers of `model`.

    Names are `layers/3/forward/loss` for the first three layers and each common exam that `objective` has the
    capability for (`own` for its own exam, when it has none), over all rows of `pack`.
    """
    asked: dict[str, Objective] = {**exams(objective)} or {"own": objective.for_validation()}
    numbers: dict[str, float] = {}
    for count in range(len(model.layers), 0, -1):  # type: ignore[arg-type]
        with first_layers(model, count):
            for name, exam in asked.items():
                means = take_exam(model, pack, exam, batch_tokens).mean()
                means["perplexity"] = exp(min(means["loss"], 700.0))
                numbers |= {f"layers/{count}/{name}/{metric}": value for metric, value in means.items()}
    return numbers
