"""Edge probing: predict labels of spans from the layers of a frozen model (Tenney et al. 2019, "What do you learn from
context?", §3, and "BERT rediscovers the classical NLP pipeline", §2).

Shapes: B sentences, L positions, K layers and the embeddings, D width, T targets, S spans each, C labels.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from ...data.order import shuffled_range
from ...layers.transformer import vectors
from ...noise import address
from ...objectives.base.capabilities import reading_direction
from ...objectives.base.objective import Objective
from ...progress import through
from ...settings import settings
from ...settings.bounds import MOST_LAYERS, PositiveInt, Size
from ...text.tokenizers.tokenizer import Tokenizer
from .edge_data import Edges, Sentences, micro, tokens_of
from .encoder import padded


@settings
class Probing:
    """How a probe is trained."""

    layers: Annotated[int, Field(ge=0, le=MOST_LAYERS)] | None = None
    """Mix the embeddings and the first so many layers; none for all layers, 0 for the embeddings only."""
    width: Size = 256
    """Dimension of the projected hidden states and of the hidden layer."""
    epochs: PositiveInt = 20
    """Maximum number of epochs."""
    batch: Size = 32
    """Sentences per update."""
    lr: Annotated[float, Field(gt=0)] = 3e-3
    """Learning rate (Adam)."""
    patience: PositiveInt = 5
    """Stop after so many epochs without a better F1."""
    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.1
    """Share of the training sentences held out for early stopping."""


@dataclass(frozen=True)
class TokenizedSentences:
    """Tokenized sentences."""

    ids: list[np.ndarray]
    """Token ids of each, with [CLS] and [SEP]."""
    spans: np.ndarray
    """[T, S, 2] int64, positions, end exclusive."""
    labels: np.ndarray
    """[T, C] bool."""
    firsts: np.ndarray
    """[N + 1] int64, offsets of each sentence's targets."""

    def targets(self, sentences: np.ndarray) -> np.ndarray:
        """[t] int64, indices of the targets of `sentences` [B] int64, in their order."""
        none = np.empty(0, np.int64)
        return np.concatenate([none, *(np.arange(self.firsts[one], self.firsts[one + 1]) for one in sentences)])

    def batches(self, order: np.ndarray, size: int) -> Iterator[np.ndarray]:
        """The sentences in `order` that have targets, at most `size` at a time, [B] int64."""
        order = order[self.firsts[order + 1] > self.firsts[order]]
        return (order[begin : begin + size] for begin in range(0, len(order), size))


class Probe(nn.Module):
    """A scalar mixture of the layers, self-attentive span pooling, and an MLP with one hidden layer."""

    def __init__(self, depth: int, width: int, spans: int, classes: int, settings: Probing):
        super().__init__()
        self.mixture, self.scale = nn.Parameter(torch.zeros(depth)), nn.Parameter(torch.ones(()))
        self.project = nn.ModuleList(nn.Linear(width, settings.width) for _ in range(spans))
        self.attend = nn.ModuleList(nn.Linear(settings.width, 1) for _ in range(spans))
        self.into, self.out = nn.Linear(spans * settings.width, settings.width), nn.Linear(settings.width, classes)

    def forward(self, layers: Tensor, owner: Tensor, spans: Tensor) -> Tensor:
        """[T, C] scores. layers: [K, B, L, D]. owner: [T] int64, rows of B. spans: [T, S, 2] int64, positions."""
        normed = F.layer_norm(layers, layers.shape[-1:])  # else mixture weights would reflect the layers' norms
        mixed = self.scale * torch.tensordot(self.mixture.softmax(0), normed, 1)  # [B, L, D]
        places = torch.arange(mixed.shape[1], device=mixed.device)
        pooled = []
        for number, (project, attend) in enumerate(zip(self.project, self.attend, strict=True)):
            vectors = project(mixed)  # [B, L, W]
            begin, end = spans[:, number, :, None].unbind(1)  # each [T, 1]
            inside = (places >= begin) & (places < end)  # [T, L]
            scores = attend(vectors)[owner, :, 0].masked_fill(~inside, -torch.inf)  # [T, L]
            pooled.append(torch.einsum("tl,tlw->tw", scores.softmax(1), vectors[owner]))
        return self.out(torch.tanh(self.into(torch.cat(pooled, 1))))

    @torch.no_grad()
    def begin(self, seed: int) -> None:
        """Initial weights, a function of `seed`."""
        generator = torch.Generator().manual_seed(address(seed, "probe") % 2**63)
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight, generator=generator)
                layer.bias.zero_()


class EdgeProbe:
    """Probes a model on a task; the model itself is not trained.

    Raises ValueError, with file and line, for a sentence longer than the model's maximum.
    """

    def __init__(
        self, model: nn.Module, tokenizer: Tokenizer, objective: Objective | None, task: Edges, settings: Probing
    ):
        self.model, self.tokenizer, self.task, self.settings = model.eval(), tokenizer, task, settings
        self.view, _ = reading_direction(objective)
        self.device = next(model.parameters()).device
        known = len(model.layers)  # type: ignore[arg-type]
        self.taken = known if settings.layers is None else settings.layers
        if self.taken > known:
            raise ValueError(f"layers={settings.layers}: the model has {known}")
        self.train, self.valid = self._tokenize(task.train), self._tokenize(task.valid)

    def __call__(self, seed: int) -> dict[str, float]:
        """Train from `seed`. Returns precision, recall, F1, the mean layer by mixture weight, and the weights."""
        width = self._layers(self.train.ids[:1]).shape[-1]
        probe = Probe(self.taken + 1, width, self.train.spans.shape[1], len(self.task.classes), self.settings)
        probe.begin(seed)
        epoch = self._learn(probe.to(self.device), seed)
        numbers = micro(self._predict(probe, self.valid, np.arange(len(self.valid.ids))), self.valid.labels)
        mixture = probe.mixture.softmax(0).tolist()
        numbers["layer"] = float(np.dot(mixture, np.arange(len(mixture))))
        return numbers | {"epoch": epoch} | {f"{layer}/weight": weight for layer, weight in enumerate(mixture)}

    def _learn(self, probe: Probe, seed: int) -> int:
        """Train with early stopping on held-out F1, and restore the best epoch's weights. Returns that epoch."""
        train, count = self.train, len(self.train.ids)
        order = shuffled_range(0, count, count, address(seed, "held out"))[1]
        if (held_out := int(np.ceil(count * self.settings.held_out))) >= count:
            raise ValueError(f"held_out={self.settings.held_out:g} leaves none of {count} sentences to train on")
        stopping, learning = order[:held_out], order[held_out:]
        truth = train.labels[train.targets(stopping)]
        optimizer = torch.optim.Adam(probe.parameters(), lr=self.settings.lr)
        best, kept, at = -1.0, deepcopy(probe.state_dict()), 0
        for epoch in through(range(1, self.settings.epochs + 1)):
            turn = shuffled_range(epoch * len(learning), (epoch + 1) * len(learning), len(learning), seed)[1]
            for some in train.batches(learning[turn], self.settings.batch):
                wanted = torch.from_numpy(train.labels[train.targets(some)]).float().to(self.device)
                F.binary_cross_entropy_with_logits(self._scores(probe, train, some), wanted).backward()
                optimizer.step()
                optimizer.zero_grad()
            if (score := micro(self._predict(probe, train, stopping), truth)["f1"]) > best:
                best, kept, at = score, deepcopy(probe.state_dict()), epoch
            elif epoch - at >= self.settings.patience:
                break
        probe.load_state_dict(kept)
        return at

    @torch.no_grad()
    def _predict(self, probe: Probe, side: TokenizedSentences, chosen: np.ndarray) -> np.ndarray:
        """[t, C] bool, the labels with probability above 0.5, for all targets of the sentences `chosen`."""
        parts = [self._scores(probe, side, some) for some in side.batches(chosen, self.settings.batch)]
        return np.concatenate([side.labels[:0], *((scores > 0).cpu().numpy() for scores in parts)])

    def _scores(self, probe: Probe, side: TokenizedSentences, some: np.ndarray) -> Tensor:
        """[t, C], logits of all targets of the sentences `some`."""
        owner = np.repeat(np.arange(len(some)), side.firsts[some + 1] - side.firsts[some])
        owners, spans = (torch.from_numpy(part).to(self.device) for part in (owner, side.spans[side.targets(some)]))
        return probe(self._layers([side.ids[one] for one in some]), owners, spans)

    @torch.no_grad()
    def _layers(self, ids: Sequence[np.ndarray]) -> Tensor:
        """[K, B, L, D], the input of the first layer and the output of each mixed layer."""
        seen: list[Tensor] = []
        layers: list[nn.Module] = list(self.model.layers)  # type: ignore[arg-type]
        hooks = [layers[0].register_forward_pre_hook(lambda _, given: seen.append(given[0]))]
        hooks += [
            part.register_forward_hook(lambda _, given, made: seen.append(vectors(made)))
            for part in layers[: self.taken]
        ]
        self.model(*padded(ids, self.tokenizer.vocabulary.pad, self.view, self.device)[:2])
        for hook in hooks:
            hook.remove()
        return torch.stack(seen)

    def _tokenize(self, side: Sentences) -> TokenizedSentences:
        vocabulary, longest = self.tokenizer.vocabulary, int(self.model.max_length)  # type: ignore[arg-type]
        ids = [np.r_[vocabulary.cls, some, vocabulary.sep] for some, _ in self.tokenizer.encode_batch(side.texts)]
        for (path, number), some in zip(side.places, ids, strict=True):
            if len(some) > longest:
                raise ValueError(f"{path}:{number}: {len(some)} tokens: the model takes max_length={longest}")
        firsts, spans = np.searchsorted(side.owner, np.arange(len(ids) + 1)), np.empty_like(side.spans)
        for mine, ends in zip(map(slice, firsts, firsts[1:]), self.tokenizer.ends(side.texts), strict=True):
            spans[mine] = 1 + tokens_of(side.spans[mine], ends)
        return TokenizedSentences(ids, spans, side.labels, firsts)
