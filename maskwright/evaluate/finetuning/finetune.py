"""Fine-tuning for classification: all weights, a head on frozen ones, or a linear probe.

Part of the training examples is held out to decide when to stop; the validation examples are asked once, at the end.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from ...data.order import shuffled_range
from ...noise import address, dropout_generator
from ...objectives.base.capabilities import reading_direction
from ...objectives.base.objective import Objective
from ...settings import settings
from ...settings.schedule import Share, learning_rate
from ...text.tokenizers.tokenizer import Tokenizer
from .classification_data import Task
from .encoder import Encoder, encoded, head
from .metrics import agreement

RATES = {"full": 5e-4, "head": 1e-3, "probe": 3e-3}


@settings
class Finetuning:
    """How a model learns a task."""

    train: Literal["full", "head", "probe"] = "full"
    """What learns: all weights, a head with a hidden layer, or one matrix (a linear probe); the rest is frozen."""
    epochs: Annotated[int, Field(ge=1)] = 10
    """How often the examples are gone through at most."""
    batch: Annotated[int, Field(ge=1)] = 32
    """Examples in an update."""
    lr: Annotated[float, Field(gt=0)] | None = None
    """Peak learning rate of AdamW; none for 5e-4 (full), 1e-3 (head) or 3e-3 (probe)."""
    warmup: Share = 0.06
    """Share of the updates in which it rises; it falls as a cosine to a tenth."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """Share of the weights that is lost per update and unit of learning rate."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Probability in the head."""
    patience: Annotated[int, Field(ge=1)] = 3
    """Epochs without a better score after which it stops."""
    metric: Literal["accuracy", "f1", "mcc"] = "accuracy"
    """The score that decides when to stop, and which epoch is kept."""
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the training examples that decide; 0 to let the validation examples decide, as the official one does."""
    pool: Literal["auto", "first", "last", "mean"] = "auto"
    """Whose vector is classified: [CLS], [SEP] or the mean of all; auto takes the one that has seen everything."""
    length: Annotated[int, Field(ge=5)] = 256
    """Tokens after which an example is cut, where the model takes so many."""


@dataclass(frozen=True)
class Result:
    """What one seed came to."""

    numbers: dict[str, float]
    """Accuracy, F1, correlation and the epoch that was kept."""
    found: np.ndarray
    """[N] int64, the classes of the validation examples."""


Featurizer = Callable[[np.ndarray], Tensor]
"""From the numbers of examples [B] to their vectors [B, D]."""


class FineTuner:
    """A task and a model, to be learned from several seeds; the model that is given stays as it is."""

    def __init__(
        self, model: nn.Module, tokenizer: Tokenizer, objective: Objective | None, task: Task, settings: Finetuning
    ):
        view, pool = reading_direction(objective)
        pool = pool if settings.pool == "auto" else settings.pool
        length = min(settings.length, int(model.max_length))  # type: ignore[arg-type]
        self.model, self.task, self.settings = model.eval(), task, settings
        self.encoder = Encoder(model, tokenizer.vocabulary.pad, view, pool)
        self.device = next(model.parameters()).device
        self.ids = [*encoded(tokenizer, task.train, length), *encoded(tokenizer, task.valid, length)]
        self.labels = torch.from_numpy(np.r_[task.train.labels, task.valid.labels]).to(self.device)
        self.width = self._vectors(self.encoder, np.arange(1)).shape[1]
        frozen = settings.train != "full"
        self.vectors = self._vectors(self.encoder, np.arange(len(self.ids))) if frozen else None  # [N, D]

    def __call__(self, seed: int) -> Result:
        """Learn the task from `seed`: the head, the order, the dropout and what is held out."""
        encoder = self.encoder if self.vectors is not None else deepcopy(self.encoder)
        hidden = self.settings.train != "probe"
        top = head(self.width, len(self.task.classes), hidden, self.settings.dropout, seed).to(self.device)
        learning = nn.ModuleList([top] if self.vectors is not None else [top, encoder])
        epoch = self._learn(learning, self._featurizer(encoder), top, *self._split(seed), seed)
        rest = np.arange(len(self.task.train), len(self.ids))
        found = self._classes(learning, self._featurizer(encoder), top, rest)
        numbers = agreement(found, self.task.valid.labels, len(self.task.classes))
        return Result(numbers | {"epoch": epoch}, found)

    def _featurizer(self, encoder: Encoder) -> Featurizer:
        if self.vectors is not None:
            return lambda chosen: self.vectors[chosen]  # type: ignore[index]
        return lambda chosen: encoder([self.ids[i] for i in chosen])

    @torch.no_grad()
    def _vectors(self, encoder: Encoder, chosen: np.ndarray) -> Tensor:
        """[B, D], examples of like length together."""
        order = sorted(range(len(chosen)), key=lambda i: len(self.ids[chosen[i]]))
        parts = [order[i : i + 64] for i in range(0, len(order), 64)]
        found = torch.cat([encoder([self.ids[chosen[i]] for i in part]) for part in parts])
        return found[torch.tensor(np.argsort(order))]

    def _split(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The examples that are learned from and those that decide when to stop."""
        count = len(self.task.train)
        deciding = int(np.ceil(count * self.settings.held_out))
        if not deciding:
            return np.arange(count), np.arange(count, len(self.ids))
        _, order = shuffled_range(0, count, count, address(seed, "held out"))
        if deciding >= count:
            raise ValueError(f"held_out={self.settings.held_out:g} leaves nothing of {count} examples to learn from")
        return order[deciding:], order[:deciding]

    def _learn(
        self,
        learning: nn.Module,
        featurize: Featurizer,
        top: nn.Module,
        train: np.ndarray,
        deciding: np.ndarray,
        seed: int,
    ) -> int:
        """Learn until the score of `deciding` no longer rises, and keep the weights of the best epoch. Returns it."""
        settings, best, kept, at = self.settings, -np.inf, deepcopy(learning.state_dict()), 0
        rate = settings.lr or RATES[settings.train]
        optimizer = torch.optim.AdamW(learning.parameters(), lr=rate, weight_decay=settings.weight_decay)
        truth = self.labels[deciding].cpu().numpy()
        steps = -(-len(train) // settings.batch)
        for epoch in range(1, settings.epochs + 1):
            learning.train()
            for step, batch in enumerate(self._batches(train, epoch, seed), (epoch - 1) * steps):
                dropout_generator(self.device).manual_seed(address(seed, "dropout", step) % 2**63)
                for group in optimizer.param_groups:
                    group["lr"] = rate * learning_rate(step, steps * settings.epochs, settings.warmup, floor=0.1)
                F.cross_entropy(top(featurize(batch)), self.labels[batch]).backward()
                nn.utils.clip_grad_norm_(learning.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
            found = self._classes(learning, featurize, top, deciding)
            if (score := agreement(found, truth, len(self.task.classes))[settings.metric]) > best:
                best, kept, at = score, deepcopy(learning.state_dict()), epoch
            elif epoch - at >= settings.patience:
                break
        learning.load_state_dict(kept)
        return at

    def _batches(self, train: np.ndarray, epoch: int, seed: int) -> Iterator[np.ndarray]:
        """The examples in an order of the epoch's own."""
        _, order = shuffled_range(len(train) * epoch, len(train) * (epoch + 1), len(train), seed)
        for begin in range(0, len(train), self.settings.batch):
            yield train[order[begin : begin + self.settings.batch]]

    @torch.no_grad()
    def _classes(self, learning: nn.Module, featurize: Featurizer, top: nn.Module, chosen: np.ndarray) -> np.ndarray:
        learning.eval()
        parts = [chosen[i : i + 128] for i in range(0, len(chosen), 128)]
        return torch.cat([top(featurize(part)).argmax(1) for part in parts]).cpu().numpy()
