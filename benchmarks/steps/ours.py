"""Our steps: `problem_loss` on a model of the folder, as the trainer takes it."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from maskwright.prediction import problem_loss
from maskwright.settings import registry
from maskwright.training.flops import Flops

from .task import Task, step


def ours(task: Task, name: str, compiled: bool) -> Callable[[], None]:
    """An update of the model `name`."""
    model = built(task, name)
    inputs, asked, targets = task.batch()
    seen = task.seen()
    ask = torch.compile(problem_loss, dynamic=False) if compiled else problem_loss

    def loss() -> Tensor:
        return ask(model, inputs, seen, None, asked, targets)[0].mean()

    return step(model, loss, task.device)


def built(task: Task, name: str) -> nn.Module:
    """The model `name` at the sizes of the task."""
    cls, _ = registry.load("models", name)
    options = {"hidden": task.hidden, "layers": task.layers, "heads": task.heads, "intermediate": inner(task, name)}
    settings = cls(**options, max_length=task.length, dropout=task.dropout)
    return settings.build(task.vocabulary, torch.Generator().manual_seed(0)).to(task.device)


def inner(task: Task, name: str) -> int:
    """Inner width of the feed-forward."""
    return task.feed_forward if name == "deberta" else task.gated


def flop(task: Task, name: str) -> float:
    """Operations of the matrix products of one update, as the log of a run counts them."""
    return Flops(built(task, name)).of(task.rows, task.length, task.questions)
