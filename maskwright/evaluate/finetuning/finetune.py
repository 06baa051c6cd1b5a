"""Fine-tuning for classification: all weights, a head on frozen ones, or a linear probe.

Part of the training examples is held out for early stopping; the validation examples are used once, at the end.
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
from ...settings.bounds import PositiveInt, Size
from ...settings.schedule import Share
from ...text.tokenizers.tokenizer import Tokenizer
from .classification_data import Task
from .encoder import Encoder, encoded, head
from .metrics import agreement
from .protocol import PROTOCOLS, of_task

RATES = {"full": 5e-4, "head": 1e-3, "probe": 3e-3}


@settings
class Finetuning:
    """How a model is fine-tuned."""

    protocol: Literal["babylm"] | None = None
    """babylm: as the official BabyLM evaluation of 2026 does, in all options that are left at their default; its seven
    tasks, seed 42, the last position of texts padded on the left, and the epoch chosen on the examples reported."""
    train: Literal["full", "head", "probe"] = "full"
    """What is trained: all weights (full), an MLP head on the frozen model (head), or a linear probe (probe)."""
    epochs: PositiveInt = 10
    """Maximum number of epochs."""
    batch: Size = 32
    """Examples per update."""
    lr: Annotated[float, Field(gt=0)] | None = None
    """Peak trained rate of AdamW; none for 5e-4 (full), 1e-3 (head) or 3e-3 (probe)."""
    warmup: Share = 0.06
    """Share of the updates with linear warmup; cosine decay to a tenth follows."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """Decoupled weight decay of AdamW."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Dropout probability in the head."""
    patience: PositiveInt = 3
    """Stop after so many epochs without a better score."""
    metric: Literal["accuracy", "f1", "mcc"] = "accuracy"
    """The score for early stopping and for choosing the epoch."""
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the training examples held out for early stopping; 0 uses the validation examples, as BabyLM does."""
    pool: Literal["auto", "first", "last", "mean"] = "auto"
    """The vector that is classified: [CLS], [SEP] or the mean; auto picks by the direction that the model reads in."""
    length: Annotated[Size, Field(ge=5)] = 256
    """Maximum tokens of an example, if the model allows as many."""


@dataclass(frozen=True)
class Result:
    """The result of one seed."""

    numbers: dict[str, float]
    """Accuracy, F1, Matthews correlation and the best epoch."""
    found: np.ndarray
    """[N] int64, predicted classes of the validation examples."""


Featurizer = Callable[[np.ndarray], Tensor]
"""From indices of examples [B] to their vectors [B, D]."""


class FineTuner:
    """Fine-tunes copies of a model on a task, one per seed; the given model is not changed."""

    def __init__(
        self, model: nn.Module, tokenizer: Tokenizer, objective: Objective | None, task: Task, settings: Finetuning
    ):
        settings, self.protocol = of_task(settings, task.name), PROTOCOLS[settings.protocol]
        view, pool = reading_direction(objective)
        pool = pool if settings.pool == "auto" else settings.pool
        length = min(settings.length, int(model.max_length))  # type: ignore[arg-type]
        self.model, self.task, self.settings = model.eval(), task, settings
        self.encoder = Encoder(model, tokenizer.vocabulary.pad, view, pool, self.protocol.left)
        self.device = next(model.parameters()).device
        self.ids = [*encoded(tokenizer, task.train, length), *encoded(tokenizer, task.valid, length)]
        self.labels = torch.from_numpy(np.r_[task.train.labels, task.valid.labels]).to(self.device)
        self.width = self._vectors(self.encoder, np.arange(1)).shape[1]
        frozen = settings.train != "full"
        self.vectors = self._vectors(self.encoder, np.arange(len(self.ids))) if frozen else None  # [N, D]

    def __call__(self, seed: int) -> Result:
        """Fine-tune from `seed`, which decides the head's weights, the order, the dropout and the held-out examples."""
        encoder = self.encoder if self.vectors is not None else deepcopy(self.encoder)
        hidden = self.settings.train != "probe"
        top = head(self.width, len(self.task.classes), hidden, self.settings.dropout, seed).to(self.device)
        trained = nn.ModuleList([top] if self.vectors is not None else [top, encoder])
        epoch = self._train(trained, self._featurizer(encoder), top, *self._split(seed), seed)
        rest = np.arange(len(self.task.train), len(self.ids))
        found = self._predict(trained, self._featurizer(encoder), top, rest)
        numbers = agreement(found, self.task.valid.labels, len(self.task.classes))
        return Result(numbers | {"epoch": epoch}, found)

    def _featurizer(self, encoder: Encoder) -> Featurizer:
        if self.vectors is not None:
            return lambda chosen: self.vectors[chosen]  # type: ignore[index]
        return lambda chosen: encoder([self.ids[i] for i in chosen])

    @torch.no_grad()
    def _vectors(self, encoder: Encoder, chosen: np.ndarray) -> Tensor:
        """[B, D], computed in batches of similar length."""
        order = sorted(range(len(chosen)), key=lambda i: len(self.ids[chosen[i]]))
        parts = [order[i : i + 64] for i in range(0, len(order), 64)]
        found = torch.cat([encoder([self.ids[chosen[i]] for i in part]) for part in parts])
        return found[torch.tensor(np.argsort(order))]

    def _split(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The examples to train on, and those for early stopping."""
        count = len(self.task.train)
        held_out = int(np.ceil(count * self.settings.held_out))
        if not held_out:
            return np.arange(count), np.arange(count, len(self.ids))
        _, order = shuffled_range(0, count, count, address(seed, "held out"))
        if held_out >= count:
            raise ValueError(f"held_out={self.settings.held_out:g} leaves none of {count} examples to train on")
        return order[held_out:], order[:held_out]

    def _train(
        self,
        trained: nn.Module,
        featurize: Featurizer,
        top: nn.Module,
        train: np.ndarray,
        stopping: np.ndarray,
        seed: int,
    ) -> int:
        """Train with early stopping on `stopping`, and restore the weights of the best epoch. Returns that epoch."""
        settings, how, best, kept, at = self.settings, self.protocol, -np.inf, deepcopy(trained.state_dict()), 0
        rate = settings.lr or RATES[settings.train]
        optimizer = torch.optim.AdamW(trained.parameters(), lr=rate, weight_decay=settings.weight_decay)
        truth = self.labels[stopping].cpu().numpy()
        steps = len(list(self._batches(train, 1, seed)))
        for epoch in range(1, settings.epochs + 1):
            trained.train()
            for step, batch in enumerate(self._batches(train, epoch, seed), (epoch - 1) * steps):
                dropout_generator(self.device).manual_seed(address(seed, "dropout", step) % 2**63)
                for group in optimizer.param_groups:
                    group["lr"] = rate * how.rate(step, steps * settings.epochs, settings.warmup)
                F.cross_entropy(top(featurize(batch)), self.labels[batch]).backward()
                if how.clip is not None:
                    nn.utils.clip_grad_norm_(trained.parameters(), how.clip)
                optimizer.step()
                optimizer.zero_grad()
            found = self._predict(trained, featurize, top, stopping)
            if (score := agreement(found, truth, len(self.task.classes))[settings.metric]) > best:
                best, kept, at = score, deepcopy(trained.state_dict()), epoch
            elif epoch - at >= settings.patience:
                break
        trained.load_state_dict(kept)
        return at

    def _batches(self, train: np.ndarray, epoch: int, seed: int) -> Iterator[np.ndarray]:
        """The examples in the shuffled order of the epoch. Raises ValueError where there is no whole batch."""
        _, order = shuffled_range(len(train) * epoch, len(train) * (epoch + 1), len(train), seed)
        size = self.settings.batch
        used = len(train) // size * size if self.protocol.whole_batches else len(train)
        if not used:
            raise ValueError(f"{self.task.name} has {len(train)} examples to train on, fewer than batch={size}")
        yield from (train[order[begin : begin + size]] for begin in range(0, used, size))

    @torch.no_grad()
    def _predict(self, trained: nn.Module, featurize: Featurizer, top: nn.Module, chosen: np.ndarray) -> np.ndarray:
        trained.eval()
        parts = [chosen[i : i + 128] for i in range(0, len(chosen), 128)]
        return torch.cat([top(featurize(part)).argmax(1) for part in parts]).cpu().numpy()
