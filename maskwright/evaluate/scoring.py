"""The log-likelihood of texts under a backend, many at a time, in float32.

Texts of one length go together, so nothing is padded; questions are regrouped into full batches; what two texts share
is computed once; the vocabulary is scored only where something is asked.

Shapes: N texts, K temperatures, B texts of one length, L positions, U different sights, V tokens of the vocabulary.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ..attention import mask
from ..data.rows import Rows
from ..objective import IGNORE, Problem
from ..text.tokenizer import Tokenizer
from .backends import Ask
from .products import OneDnn
from .sharing import Shared, share

LOGITS = 1 << 22
"""Logits computed at once."""
ROWS = 64
"""Tokens of one text that are asked for at once."""


@dataclass(frozen=True)
class Text:
    """A text of which a part is scored."""

    text: str
    start: int = 0
    """The character from which on it is; what stands before is only seen."""


@dataclass(frozen=True)
class Scores:
    """How likely N texts are."""

    total: np.ndarray
    """[K, N] float64, log-likelihoods in nats."""
    tokens: np.ndarray
    """[N] int64, the tokens that were scored."""
    bytes: np.ndarray
    """[N] int64, the length of their text in UTF-8."""

    def per(self, unit: str) -> np.ndarray:
        """[K, N] float64, log-likelihoods per `text`, `token` or `byte`; 0 where nothing was asked."""
        sizes = {"text": np.ones_like(self.tokens), "token": self.tokens, "byte": self.bytes}
        return self.total / np.maximum(sizes[unit], 1)


class Scorer:
    """Scores texts by what `ask` asks.

    temperatures: what logits are divided by, each for itself.  batch_tokens: positions that the model reads at once.
    half: whether matrix products are bfloat16, which is sooner and rounds log-likelihoods at about the third digit.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Tokenizer,
        ask: Ask,
        temperatures: Sequence[float] = (1.0,),
        batch_tokens: int = 8192,
        half: bool = False,
    ):
        self.model, self.tokenizer, self.ask = model, tokenizer, ask
        self.temperatures, self.batch_tokens, self.half = temperatures, batch_tokens, half
        self.device = next(model.parameters()).device

    def __call__(self, texts: Iterable[Text]) -> Scores:
        """The scores of `texts`, in their order; equal ones are scored once.

        Raises ValueError, naming it, when one is longer than the model takes.
        """
        texts = list(texts)
        different = list(dict.fromkeys(texts))
        encoded = [self._encoded(text, *arrays) for text, arrays in self._tokenized(different)]
        total = np.zeros((len(self.temperatures), len(different)))
        for chosen in batches([len(ids) for ids, _ in encoded], self.batch_tokens):
            total[:, chosen] = self._score(self._rows([encoded[i] for i in chosen]))
        place = {text: i for i, text in enumerate(different)}
        order = np.array([place[text] for text in texts], np.int64)
        tokens = np.array([np.count_nonzero(word) for _, word in encoded], np.int64)
        size = np.array([len(text.text[text.start :].encode()) for text in different], np.int64)
        return Scores(total[:, order], tokens[order], size[order])

    def by_token(self, text: str) -> np.ndarray:
        """[T] float64, the log-likelihood of each token of a text in nats; NaN for a special one.

        Under a backend that hides no word at once they add up to that of the text: each is asked for alone.
        Raises ValueError when the text is longer than the model takes.
        """
        ((_, arrays),) = self._tokenized([Text(text)])
        whole, word = self._encoded(Text(text), *arrays)
        asked = np.flatnonzero(word)
        alone = np.where(np.arange(len(word)) == asked[:, None], word, 0)
        found = np.full(len(whole), np.nan)
        for part in np.array_split(np.arange(len(asked)), -(-len(asked) // ROWS)) if len(asked) else []:
            found[asked[part]] = self._score(self._rows([(whole, alone[i]) for i in part]))[0]
        return found[1:-1]

    def _tokenized(self, texts: list[Text]) -> Iterator[tuple[Text, tuple[np.ndarray, ...]]]:
        arrays = self.tokenizer.encode_batch([text.text for text in texts])
        partly = [text.text for text in texts if text.start]
        ends = iter(self.tokenizer.ends(partly) if partly else ())
        for text, (ids, starts) in zip(texts, arrays, strict=True):
            scored = next(ends) > text.start if text.start else np.ones(len(ids), np.bool_)
            yield text, (ids, starts, scored)

    def _encoded(self, text: Text, ids: np.ndarray, starts: np.ndarray, scored: np.ndarray) -> tuple[np.ndarray, ...]:
        """[L] int64 ids with [CLS] and [SEP], and the word that each belongs to, as in Rows."""
        vocabulary = self.tokenizer.vocabulary
        longest = int(self.model.max_length)  # type: ignore[arg-type]
        if len(ids) + 2 > longest:
            raise ValueError(
                f"{_shortened(text.text)} has {len(ids) + 2} tokens with [CLS] and [SEP]: "
                f"the model takes max_length={longest}"
            )
        whole = np.r_[vocabulary.cls, ids, vocabulary.sep]
        word = np.r_[0, 1 + np.cumsum(starts, dtype=np.int32), 0]
        return whole, np.where(np.r_[False, scored, False] & ~vocabulary.is_special[whole], word, 0)

    def _rows(self, encoded: list[tuple[np.ndarray, ...]]) -> Rows:
        """Texts of one length. All have the address 0, so that those that are compared share their draws."""
        tokens, word = (torch.from_numpy(np.stack(part)) for part in zip(*encoded, strict=True))
        nought = torch.zeros(len(tokens), dtype=torch.int64)
        document = torch.zeros_like(tokens, dtype=torch.int32)
        return Rows(tokens, document, word.int(), nought, nought, 1.0, self.tokenizer.vocabulary)

    def _score(self, rows: Rows) -> np.ndarray:
        """[K, B] float64, the log-likelihood of each row."""
        total = np.zeros((len(self.temperatures), len(rows)))
        for problem in regrouped(self.ask(rows), max(1, self.batch_tokens // rows.tokens.shape[1])):
            shared = share(problem)
            with torch.autocast(self.device.type, torch.bfloat16) if self.half else OneDnn():
                lost = (self._losses(problem, shared) * shared.weight).double().numpy()  # [K, N]
            total -= np.stack([np.bincount(shared.row.numpy(), part, len(rows)) for part in lost])
        return total

    @torch.no_grad()
    def _losses(self, problem: Problem, shared: Shared) -> Tensor:
        """[K, N] float32 on the CPU, −ln p of each question at each temperature."""
        inputs, view = problem.inputs[shared.rows], problem.view[shared.rows]
        seen = mask(torch.zeros_like(inputs), view)
        hidden = self.model(
            inputs.to(self.device), None if seen is None else seen.to(self.device), None, shared.asked.to(self.device)
        )  # [U, D]
        lost = torch.empty(len(self.temperatures), len(shared.sight))
        by_sight = shared.sight.argsort(stable=True)
        place, size = 0, max(1, LOGITS // self.tokenizer.vocabulary.size)
        counts = torch.bincount(shared.sight, minlength=len(hidden))
        for begin in range(0, len(hidden), size):
            logits = self.model.logits(hidden[begin : begin + size]).float()  # type: ignore[operator]  # [u, V]
            end = place + int(counts[begin : begin + size].sum())
            mine = by_sight[place:end]
            lost[:, mine] = self._at(logits, (shared.sight[mine] - begin), shared.target[mine]).cpu()
            place = end
        return lost

    def _at(self, logits: Tensor, sight: Tensor, target: Tensor) -> Tensor:
        """[K, n] −ln p of the targets [n] at the rows `sight` [n] of logits [u, V]."""
        sight, target = sight.to(logits.device), target.to(logits.device)
        named = logits[sight, target]
        parts = [(logits / t).logsumexp(-1)[sight] - named / t for t in self.temperatures]
        return torch.stack(parts)


def batches(lengths: Sequence[int], tokens: int) -> Iterator[np.ndarray]:
    """Indices of texts that have one length, in batches of at most `tokens` positions, or of one text."""
    sizes = np.asarray(lengths, np.int64)
    for length in np.unique(sizes):
        same = np.flatnonzero(sizes == length)
        step = max(1, tokens // int(length))
        yield from (same[begin : begin + step] for begin in range(0, len(same), step))


def regrouped(problems: Iterable[Problem], rows: int) -> Iterator[Problem]:
    """The rows of `problems` that ask something, about `rows` at a time and of one length."""
    waiting: list[Problem] = []
    for problem in problems:
        if waiting and (sum(map(len, waiting)) >= rows or waiting[0].inputs.shape[1] != problem.inputs.shape[1]):
            yield Problem.joined(waiting)
            waiting = []
        asking = torch.nonzero((problem.targets != IGNORE).any(1))[:, 0]
        waiting += [problem[part] for part in asking.split(rows)] if len(asking) else []
    if waiting:
        yield Problem.joined(waiting)


def _shortened(text: str, most: int = 60) -> str:
    return repr(text if len(text) <= most else text[: most - 1] + "…")
