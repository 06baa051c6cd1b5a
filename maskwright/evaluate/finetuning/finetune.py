"""Fine-tuning for a class, a number or tags of words: all weights, a head on frozen ones, or a linear probe.

Part of the training examples is held out for early stopping; the validation examples are used once, at the end.
"""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from ...data.order import shuffled_range
from ...noise import address, dropout_generator
from ...objectives.base.capabilities import reading_direction
from ...objectives.base.objective import Objective
from ...progress import through
from ...settings import settings
from ...settings.bounds import PositiveInt, Size
from ...settings.schedule import Share
from ...text.tokenizers.tokenizer import Tokenizer
from .classification_data import Task
from .encoder import Encoder, encoded, head
from .protocol import PROTOCOLS, Protocol, of_task
from .tag_data import TaggedRows, Tagging, in_rows
from .targets import Amounts, Classes, Tags, Target

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
    """Peak learning rate of AdamW; none for 5e-4 (full), 1e-3 (head) or 3e-3 (probe)."""
    rates: tuple[Annotated[float, Field(gt=0)], ...] = ()
    """Peak learning rates to try in place of lr, each with each of batches: the pair with the best score for early
    stopping from the first seed is taken for all seeds."""
    batches: tuple[Size, ...] = ()
    """Examples per update to try in place of batch."""
    warmup: Share = 0.06
    """Share of the updates with linear warmup; cosine decay to a tenth follows."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    """Decoupled weight decay of AdamW."""
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Dropout probability in the head."""
    patience: PositiveInt = 3
    """Stop after so many epochs without a better score."""
    metric: Literal["accuracy", "f1", "mcc", "pearson", "spearman", "precision", "recall"] | None = None
    """The score for early stopping and for choosing the epoch; null for accuracy of classes and of tags, F1 of entities
    and Spearman's correlation of numbers."""
    held_out: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of the training examples held out for early stopping; 0 uses the validation examples, as BabyLM does."""
    pool: Literal["auto", "first", "last", "mean"] = "auto"
    """The vector that is classified: [CLS], [SEP] or the mean; auto picks by the direction that the model reads in."""
    length: Annotated[Size, Field(ge=5)] = 256
    """Maximum tokens of an example, if the model allows as many."""

    def __post_init__(self) -> None:
        if self.rates and self.lr:
            raise ValueError(f"rates={list(self.rates)} are tried in place of lr={self.lr:g}: give one of the two")
        if self.protocol and (self.rates or self.batches):
            raise ValueError(f"protocol={self.protocol} has a rate and a batch of its own: leave rates and batches out")


@dataclass(frozen=True)
class Result:
    """The result of one seed."""

    numbers: dict[str, float]
    """Those of the target, and the best epoch."""
    found: np.ndarray
    """[n], the answers for the validation examples."""
    score: float
    """The best for early stopping."""


@dataclass(frozen=True)
class Prepared:
    """A task as N rows of ids, those to train on first, and what is asked of each."""

    name: str
    train: int
    """How many rows are for training."""
    ids: list[np.ndarray]
    places: list[np.ndarray] | None
    """Where the words of each row are, of tags."""
    target: Target

    def at(self, chosen: np.ndarray) -> tuple[list[np.ndarray], list[np.ndarray] | None]:
        """The ids and the places of some rows."""
        places = None if self.places is None else [self.places[i] for i in chosen]
        return [self.ids[i] for i in chosen], places


def prepared(tokenizer: Tokenizer, task: Task | Tagging, length: int) -> Prepared:
    """A task by a tokenizer, in rows of at most `length` ids."""
    if isinstance(task, Tagging):
        return _tagged(tokenizer, task, length)
    ids = [*encoded(tokenizer, task.train, length), *encoded(tokenizer, task.valid, length)]
    return Prepared(task.name, len(task.train), ids, None, target_of(task))


def target_of(task: Task) -> Target:
    """What is learned of an example: its class, or a number."""
    labels = np.r_[task.train.labels, task.valid.labels]
    return Classes(labels, len(task.classes)) if task.classes else Amounts(labels)


def _tagged(tokenizer: Tokenizer, task: Tagging, length: int) -> Prepared:
    def encode(texts: list[str]) -> tuple[list[np.ndarray], list[np.ndarray]]:
        return [ids for ids, _ in tokenizer.encode_batch(texts)], tokenizer.ends(texts)

    vocabulary = tokenizer.vocabulary
    train, valid = (in_rows(some, encode, length - 2) for some in (task.train, task.valid))
    return Prepared(
        task.name,
        len(train.ids),
        [np.r_[vocabulary.cls, ids, vocabulary.sep] for ids in [*train.ids, *valid.ids]],
        [1 + places for places in [*train.places, *valid.places]],
        tags_of(task, train, valid),
    )


def tags_of(task: Tagging, train: TaggedRows, valid: TaggedRows) -> Tags:
    """What is learned of rows for training and for validation."""
    sentences = np.r_[train.sentences, len(task.train) + np.array(valid.sentences)]
    return Tags([*train.labels, *valid.labels], task.classes, sentences)


class Network(nn.Module):
    """A head on a pretrained model, of which copies are trained; from the numbers of rows to scores [n, C]."""

    def __init__(self, top: nn.Module, encoder: Encoder, rows: Prepared):
        super().__init__()
        self.top, self.encoder, self.rows = top, encoder, rows

    def forward(self, chosen: np.ndarray) -> Tensor:
        """The scores of the rows `chosen`."""
        scores: Tensor = self.top(self.encoder(*self.rows.at(chosen)))
        return scores


class OnVectors(nn.Module):
    """A head on vectors that stay as they are."""

    def __init__(self, top: nn.Module, vectors: Sequence[Tensor]):
        super().__init__()
        self.top, self.vectors = top, vectors

    def forward(self, chosen: np.ndarray) -> Tensor:
        """The scores of the rows `chosen`."""
        scores: Tensor = self.top(torch.cat([self.vectors[i] for i in chosen]))
        return scores


class Tuner:
    """Fine-tunes a network on a task, once per seed."""

    def __init__(self, rows: Prepared, settings: Finetuning, protocol: Protocol):
        self.rows, self.target, self.settings, self.protocol = rows, rows.target, settings, protocol

    def train(self, network: nn.Module, seed: int) -> Result:
        """Train `network` from `seed`, which decides the order, the dropout and the held-out examples."""
        epoch, score = self._train(network, *self._split(seed), seed)
        rest = np.arange(self.rows.train, len(self.rows.ids))
        found = self._predict(network, rest)
        return Result(self.target.numbers(found, rest) | {"epoch": epoch}, found, score)

    def _split(self, seed: int) -> tuple[np.ndarray, np.ndarray]:
        """The examples to train on, and those for early stopping."""
        count = self.rows.train
        held_out = int(np.ceil(count * self.settings.held_out))
        if not held_out:
            return np.arange(count), np.arange(count, len(self.rows.ids))
        _, order = shuffled_range(0, count, count, address(seed, "held out"))
        if held_out >= count:
            raise ValueError(f"held_out={self.settings.held_out:g} leaves none of {count} examples to train on")
        return order[held_out:], order[:held_out]

    def _train(self, network: nn.Module, train: np.ndarray, stopping: np.ndarray, seed: int) -> tuple[int, float]:
        """Train with early stopping on `stopping`, and restore the weights of the best epoch: which, and its score."""
        settings, how, best, kept, at = self.settings, self.protocol, -np.inf, deepcopy(network.state_dict()), 0
        rate = settings.lr or RATES[settings.train]
        optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=settings.weight_decay)
        device = next(network.parameters()).device
        steps = self._steps(len(train))
        for epoch in through(range(1, settings.epochs + 1)):
            network.train()
            for step, batch in enumerate(through(self._batches(train, epoch, seed)), (epoch - 1) * steps):
                dropout_generator(device).manual_seed(address(seed, "dropout", step) % 2**63)
                for group in optimizer.param_groups:
                    group["lr"] = rate * how.rate(step, steps * settings.epochs, settings.warmup)
                self.target.loss(network(batch), batch).backward()
                if how.clip is not None:
                    nn.utils.clip_grad_norm_(network.parameters(), how.clip)
                optimizer.step()
                optimizer.zero_grad()
            if (score := self._score(network, stopping)) > best:
                best, kept, at = score, deepcopy(network.state_dict()), epoch
            elif epoch - at >= settings.patience:
                break
        network.load_state_dict(kept)
        return at, float(best)

    def _score(self, network: nn.Module, chosen: np.ndarray) -> float:
        """The number for early stopping. Raises ValueError when the task does not have it."""
        numbers = self.target.numbers(self._predict(network, chosen), chosen)
        name = self.settings.metric or self.target.metric
        if name not in numbers:
            raise ValueError(f"metric={name}: {self.rows.name} has {', '.join(numbers)}")
        return numbers[name]

    def _steps(self, count: int) -> int:
        """Batches in an epoch of `count` examples. Raises ValueError where there is no whole one."""
        size = self.settings.batch
        steps = count // size if self.protocol.whole_batches else -(-count // size)
        if not steps:
            raise ValueError(f"{self.rows.name} has {count} examples to train on, fewer than batch={size}")
        return steps

    def _batches(self, train: np.ndarray, epoch: int, seed: int) -> list[np.ndarray]:
        """The examples in the shuffled order of the epoch."""
        _, order = shuffled_range(len(train) * epoch, len(train) * (epoch + 1), len(train), seed)
        size = self.settings.batch
        return [train[order[place * size : (place + 1) * size]] for place in range(self._steps(len(train)))]

    @torch.no_grad()
    def _predict(self, network: nn.Module, chosen: np.ndarray) -> np.ndarray:
        network.eval()
        parts = [chosen[i : i + 128] for i in range(0, len(chosen), 128)]
        return self.target.found(torch.cat([network(part) for part in parts]))


class FineTuner(Tuner):
    """Fine-tunes copies of a model with a head of ours; the given model is not changed."""

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Tokenizer,
        objective: Objective | None,
        task: Task | Tagging,
        settings: Finetuning,
    ):
        settings, protocol = of_task(settings, task.name), PROTOCOLS[settings.protocol]
        view, pool = reading_direction(objective)
        pool = pool if settings.pool == "auto" else settings.pool
        length = min(settings.length, int(model.max_length))  # type: ignore[arg-type]
        super().__init__(prepared(tokenizer, task, length), settings, protocol)
        self.encoder = Encoder(model.eval(), tokenizer.vocabulary.pad, view, pool, protocol.left)
        self.device = next(model.parameters()).device
        self.width = self._vectors(np.arange(1))[0].shape[1]
        frozen = settings.train != "full"
        self.vectors = self._vectors(np.arange(len(self.rows.ids))) if frozen else None

    def __call__(self, seed: int) -> Result:
        """Fine-tune from `seed`, which decides the head's weights, too."""
        hidden, how = self.settings.train != "probe", self.protocol
        top = head(self.width, self.target.outputs, hidden, self.settings.dropout, seed, how.uniform).to(self.device)
        if self.vectors is not None:
            return self.train(OnVectors(top, self.vectors), seed)
        return self.train(Network(top, deepcopy(self.encoder), self.rows), seed)

    @torch.no_grad()
    def _vectors(self, chosen: np.ndarray) -> list[Tensor]:
        """Those of each example, [words or 1, D], computed in batches of similar length."""
        order = sorted(range(len(chosen)), key=lambda i: len(self.rows.ids[chosen[i]]))
        found: dict[int, Tensor] = {}
        for part in (order[i : i + 64] for i in range(0, len(order), 64)):
            ids, places = self.rows.at(chosen[part])
            sizes = [1] * len(part) if places is None else [len(some) for some in places]
            found |= zip(part, self.encoder(ids, places).split(sizes), strict=True)
        return [found[i] for i in range(len(chosen))]
