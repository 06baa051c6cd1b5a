"""Real text for both sides: one tokenizer, one set of packed rows, one exam.

The exam hides 15 % of the tokens of every third validation row behind [MASK], always the same ones.
"""

import os
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from maskwright.data.loader import read_rows
from maskwright.data.pack import Pack, pack
from maskwright.data.rows import Rows
from maskwright.loss import cross_entropy
from maskwright.objectives.base.objective import IGNORE
from maskwright.objectives.mlm import Mlm
from maskwright.text.corpora.files import Files
from maskwright.text.shards.prepare import prepare
from maskwright.text.shards.shards import Shards
from maskwright.text.tokenizers.tokenizer import TokenizerSettings

LENGTH = 128
VOCABULARY = TokenizerSettings(kind="bpe", size=8192)
EXAM = Mlm(ratio=0.15, random_prob=0.0, keep_prob=0.0)
AT_ONCE = 64
"""Rows that are scored together."""

PredictLogits = Callable[[Rows, Tensor, Tensor], Tensor]
"""From rows, inputs [B, L] and target positions [N] of the flattened [B · L] to logits [N, V]."""


def corpus() -> Files:
    """The corpus below MASKWRIGHT_DATA. Raises SystemExit, saying so, when it is not there."""
    beside = Path(__file__).parents[3] / "shared/data"
    folder = Path(os.environ.get("MASKWRIGHT_DATA", beside)) / "minibaby"
    if not (folder / "train").is_dir() or not (folder / "valid").is_dir():
        raise SystemExit(f"no text: {folder} needs the folders train and valid; say where with MASKWRIGHT_DATA")
    return Files(files=(str(folder / "train"),), valid=(str(folder / "valid"),))


class Text:
    """The text, tokenized and packed once."""

    def __init__(self) -> None:
        self.corpus = corpus()
        self.shards: Shards = prepare(self.corpus, VOCABULARY, progress=False)
        self.train: Pack = pack(self.shards.train, self.shards.vocabulary, LENGTH)
        self.valid: Pack = pack(self.shards.valid, self.shards.vocabulary, LENGTH)

    @cached_property
    def questions(self) -> list[tuple[Rows, Tensor, Tensor, Tensor]]:
        """Rows, their inputs [B, L], target positions [N] and the answers [N]."""
        return list(self._questions())

    def _questions(self) -> Iterator[tuple[Rows, Tensor, Tensor, Tensor]]:
        chosen = np.arange(0, len(self.valid), 3)
        for begin in range(0, len(chosen), AT_ONCE):
            numbers = chosen[begin : begin + AT_ONCE]
            rows = read_rows(self.valid, numbers, np.zeros_like(numbers), 1.0)
            problem = EXAM(rows, 0)
            target_positions = torch.nonzero(problem.targets.flatten() != IGNORE)[:, 0]
            yield rows, problem.inputs, target_positions, problem.targets.flatten()[target_positions]


@torch.no_grad()
def score(predict_logits: PredictLogits, text: Text) -> float:
    """The mean loss, in nats and float32, over all questions of the exam."""
    total, count = 0.0, 0
    for rows, shown, target_positions, answers in text.questions:
        total += float(cross_entropy(predict_logits(rows, shown, target_positions), answers).double().sum())
        count += len(target_positions)
    return total / count
