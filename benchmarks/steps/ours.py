"""Our steps: `problem_loss` on a model of the folder, as the trainer takes it."""

from collections.abc import Callable

import torch
from torch import Tensor

from maskwright import folder
from maskwright.loss import problem_loss

from .task import Task, step


def ours(task: Task, name: str, compiled: bool) -> Callable[[], None]:
    """An update of the model `name`."""
    cls, _ = folder.load("models", name)
    knobs = {"hidden": task.hidden, "layers": task.layers, "heads": task.heads, "intermediate": inner(task, name)}
    settings = cls(**knobs, max_length=task.length, dropout=task.dropout)
    model = settings.build(task.vocabulary, torch.Generator().manual_seed(0)).to(task.device)
    inputs, asked, targets = task.batch()
    seen = task.seen()
    ask = torch.compile(problem_loss, dynamic=False) if compiled else problem_loss

    def loss() -> Tensor:
        return ask(model, inputs, seen, None, asked, targets)[0].mean()

    return step(model, loss, task.device)


def inner(task: Task, name: str) -> int:
    """Inner width of the feed-forward."""
    return task.feed_forward if name == "deberta" else task.gated


def flop(task: Task, name: str) -> float:
    """Floating-point operations of the matrix products of one update that the model's definition needs.

    Forward once, backward twice. What follows the last attention is counted at the asked places alone.
    """
    width, asked = task.hidden, task.questions
    feed_forward = (2 if name == "deberta" else 3) * width * inner(task, name)
    after = width * width + feed_forward  # parameters that follow an attention
    body = task.layers * task.tokens * 3 * width * width + ((task.layers - 1) * task.tokens + asked) * after
    attention = task.layers * task.tokens * task.length * width * 2
    buckets = {"ltg-bert": 63, "deberta": min(2 * task.length - 1, 511)}
    positions = task.layers * task.tokens * buckets.get(name, 0) * width * 2
    head = asked * (width * width + width * task.vocabulary)
    return 6.0 * (body + attention + positions + head)
