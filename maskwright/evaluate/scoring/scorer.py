"""The log-likelihood of texts under a backend, many at a time, in float32.

Problems are regrouped into full batches in which no padding is attended to; contexts that several texts share are
computed once; logits are computed only at target positions.

Shapes: N texts, K temperatures, B texts of one length, L positions, U distinct contexts, V tokens of the vocabulary.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from ...attention import FORWARD, mask
from ...data.rows import Rows
from ...objectives.base.problem import Problem
from ...prediction import logits_in_chunks
from ...progress import through
from ...text.tokenizers.tokenizer import Tokenizer
from .backends import Questions
from .batching import batches, regroup
from .deduplicate import Shared, deduplicate
from .prefix_trees import WIDTH, readings
from .windows import Windows

LOGITS = 1 << 20
"""Logits computed at once: about what fits into a CPU's caches."""
GATHERED = 8
"""Batches of forward-reading texts that are searched together for shared prefixes."""
Encoded = tuple[np.ndarray, np.ndarray]
"""Token ids and word numbers of a row, as in Rows."""
ROWS = 64
"""The least number of contexts whose logits are computed at once."""
Measure = Callable[[Tensor, Tensor, Tensor], Tensor]
"""From logits [u, V], and the row of the logits [n] and the target [n] of each question, to M numbers [M, n]."""


@dataclass(frozen=True)
class Text:
    """A text, of which the part from `start` on is scored."""

    text: str
    start: int = 0
    """The first character that is scored; what comes before is context only."""


@dataclass(frozen=True)
class Scores:
    """Log-likelihoods of N texts."""

    total: np.ndarray
    """[K, N] float64, log-likelihoods in nats."""
    tokens: np.ndarray
    """[N] int64, number of scored tokens."""
    bytes: np.ndarray
    """[N] int64, length of the scored part in UTF-8."""

    def per(self, unit: str) -> np.ndarray:
        """[K, N] float64, log-likelihoods per `text`, `token` or `byte`; 0 where nothing was scored."""
        sizes = {"text": np.ones_like(self.tokens), "token": self.tokens, "byte": self.bytes}
        return self.total / np.maximum(sizes[unit], 1)


class Scorer:
    """Scores texts by the problems that `questions` makes of them.

    temperatures: of the softmax, each scored separately.  batch_tokens: positions per batch.
    half: matrix products in bfloat16, which is faster and rounds log-likelihoods to about three digits.
    unknown: score unknown tokens too, as the official BabyLM evaluation does.
    """

    def __init__(
        self,
        model: nn.Module,
        tokenizer: Tokenizer,
        questions: Questions,
        temperatures: Sequence[float] = (1.0,),
        batch_tokens: int = 4096,
        half: bool = False,
        unknown: bool = False,
    ):
        self.model, self.tokenizer, self.questions = model, tokenizer, questions
        self.temperatures, self.batch_tokens, self.half = temperatures, batch_tokens, half
        self._scored = ~tokenizer.vocabulary.is_special
        if unknown:
            self._scored[tokenizer.unknown] = True
        self.device = next(model.parameters()).device
        self._trees = getattr(model, "reads_positions", False)

    def __call__(self, texts: Iterable[Text], windows: Windows | None = None) -> Scores:
        """The scores of `texts`, in their order; duplicates are scored once.

        windows: how to split longer texts. Without it a text that is longer than the model's maximum raises ValueError.
        """
        texts = list(texts)
        different = list(dict.fromkeys(texts))
        encoded = self.encode(different)
        rows = [self.fit(text, *each, windows) for text, each in zip(different, encoded, strict=True)]
        found = self.log_likelihoods([row for some in rows for row in some])
        owner = np.repeat(np.arange(len(rows)), [len(some) for some in rows])
        total = np.stack([np.bincount(owner, each, len(rows)) for each in found])
        place = {text: i for i, text in enumerate(different)}
        order = np.array([place[text] for text in texts], np.int64)
        tokens, size = sizes(different, encoded)
        return Scores(total[:, order], tokens[order], size[order])

    def encode(self, texts: Sequence[Text]) -> list[Encoded]:
        """Of each text [L] int64 ids with [CLS] and [SEP], and [L] int32 words as in Rows, 0 where not scored."""
        arrays = self.tokenizer.encode_batch([text.text for text in texts])
        partly = [text.text for text in texts if text.start]
        ends = iter(self.tokenizer.ends(partly) if partly else ())
        encoded = [self._with_special(*each) for each in arrays]
        for text, (_, word) in zip(texts, encoded, strict=True):
            if text.start:
                word[1:-1][next(ends) <= text.start] = 0
        return encoded

    def fit(self, text: Text, ids: np.ndarray, word: np.ndarray, windows: Windows | None) -> list[Encoded]:
        """A text as rows that fit the model: whole, or as windows."""
        longest = windows.length if windows else int(self.model.max_length)  # type: ignore[arg-type]
        if len(ids) <= longest:
            return [(ids, word)]
        if windows is None:
            raise ValueError(
                f"{_shortened(text.text)} has {len(ids)} tokens with [CLS] and [SEP]: the model takes "
                f"max_length={longest}"
            )
        return windows.over(ids, word)

    def _with_special(self, ids: np.ndarray, starts: np.ndarray) -> Encoded:
        vocabulary, size = self.tokenizer.vocabulary, len(ids) + 2
        whole, word = np.empty(size, np.int64), np.zeros(size, np.int32)
        whole[0], whole[1:-1], whole[-1] = vocabulary.cls, ids, vocabulary.sep
        word[1:-1] = (1 + starts.cumsum(dtype=np.int32)) * self._scored[ids]
        return whole, word

    def _rows(self, encoded: list[Encoded]) -> Rows:
        """Texts of equal length. All get the address 0, so that compared texts share their random draws."""
        tokens, word = (torch.from_numpy(np.stack(part)) for part in zip(*encoded, strict=True))
        nought = torch.zeros(len(tokens), dtype=torch.int64)
        document = torch.zeros_like(tokens, dtype=torch.int32)
        return Rows(tokens, document, word, nought, nought, 1.0, self.tokenizer.vocabulary)

    def answers(self, encoded: list[Encoded], measure: Measure) -> Iterator[tuple[Shared, np.ndarray]]:
        """The questions about rows of text, some at a time, and `measure` [M, N] float64 of the logits of each.

        `Shared.row` is the index into `encoded`.
        """
        gathered = GATHERED * self.batch_tokens if self._trees else 0
        for problem in regroup(self._problems(encoded), self.batch_tokens, gathered):
            shared = deduplicate(problem)
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.half):
                yield shared, self._measured(problem, shared, measure).double().numpy()

    def _problems(self, encoded: list[Encoded]) -> Iterator[Problem]:
        """The problems of all rows; `source_row` is the index into `encoded`."""
        for chosen in through([*batches([len(ids) for ids, _ in encoded], self.batch_tokens)]):
            places = torch.from_numpy(chosen)
            for problem in self.questions(self._rows([encoded[i] for i in chosen])):
                if problem.noise[:, 1].any():
                    raise ValueError(
                        "backend=own: the bound of a diffusion with random tokens is no sum over the tokens of a text; "
                        "take backend=mlm, or `maskwright evaluate RUN likelihood`"
                    )
                yield replace(problem, source_row=places[problem.source_row])

    def log_likelihoods(self, encoded: list[Encoded]) -> np.ndarray:
        """[K, N] float64, the log-likelihood in nats of what is scored in each of N rows."""
        total = np.zeros((len(self.temperatures), len(encoded)))
        for shared, lost in self.answers(encoded, self._nll):
            row, weighted = shared.row.numpy(), lost * shared.weight.numpy()
            total -= np.stack([np.bincount(row, part, len(encoded)) for part in weighted])
        return total

    @torch.no_grad()
    def _measured(self, problem: Problem, shared: Shared, measure: Measure) -> Tensor:
        """[M, N] float32 on the CPU."""
        hidden = self._hidden(problem.inputs[shared.rows], problem.view[shared.rows], shared.asked)
        found: list[Tensor] = []
        by_context = shared.context.argsort(stable=True)
        begin = place = 0
        counts = torch.bincount(shared.context, minlength=len(hidden))
        for logits in logits_in_chunks(self.model, hidden, max(ROWS, LOGITS // self.tokenizer.vocabulary.size)):
            end = place + int(counts[begin : begin + len(logits)].sum())
            mine = by_context[place:end]
            context, target = (shared.context[mine] - begin).to(logits.device), shared.target[mine].to(logits.device)
            found.append(measure(logits, context, target).cpu())
            begin, place = begin + len(logits), end
        return torch.cat(found, 1)[:, by_context.argsort()]

    def _hidden(self, inputs: Tensor, view: Tensor, asked: Tensor) -> Tensor:
        """[U, D], hidden states at the positions `asked` [U] of the flattened inputs [R, L]."""
        if self._trees and bool((view == FORWARD).all()):
            width = min(WIDTH, int(self.model.max_length))  # type: ignore[arg-type]
            parts = list(readings(inputs, asked, self.batch_tokens, width))
            found = [self._read(part.tokens, part.mask, part.positions, part.asked) for part in parts]
            return torch.cat(found)[torch.cat([part.question for part in parts]).argsort().to(self.device)]
        if len(asked) == len(inputs):  # one position per row
            asked = asked[:, None] % inputs.shape[1]
        return self._read(inputs, mask(torch.zeros_like(inputs), view), None, asked)

    def _read(self, *given: Tensor | None) -> Tensor:
        return self.model(*(None if part is None else part.to(self.device) for part in given))

    def _nll(self, logits: Tensor, context: Tensor, target: Tensor) -> Tensor:
        """[K, n] −ln p of the targets."""
        scaled = (logits if t == 1 else logits / t for t in self.temperatures)
        return torch.stack([-each.log_softmax(-1)[context, target] for each in scaled])


def sizes(texts: Sequence[Text], encoded: Sequence[Encoded]) -> tuple[np.ndarray, np.ndarray]:
    """[N] int64 each: the tokens of each text that are scored, and the length of its scored part in UTF-8."""
    tokens = np.array([np.count_nonzero(word) for _, word in encoded], np.int64)
    return tokens, np.array([len(text.text[text.start :].encode()) for text in texts], np.int64)


def _shortened(text: str, most: int = 60) -> str:
    return repr(text if len(text) <= most else text[: most - 1] + "…")
