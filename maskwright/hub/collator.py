"""Our masks in a `transformers.Trainer`: a data collator whose every mask has an address.

A mask is a function of (seed, epoch, row), whatever the batch, the number of workers or the point from which training
was resumed. Objectives that look both ways fit in; a causal one needs no collator of ours.

Shapes: B rows, L positions.
"""

from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..attention import BOTH
from ..data.rows import Rows
from ..masking.select import IGNORE
from ..objectives.base.nothing_asked import nothing_asked
from ..objectives.base.objective import Objective
from ..objectives.base.problem import Problem
from ..settings import from_mapping
from ..settings.outside import trusting
from ..settings.registry import load, name_of
from ..text.tokenizers.vocabulary import Vocabulary, of_ids

if TYPE_CHECKING:
    from .epoch_callback import Epochs

Feature = Mapping[str, Any]


class MaskingCollator:
    """Pads features and masks them by `objective`: `input_ids`, `attention_mask` and `labels`, -100 where not a target.

    tokenizer: of `transformers`, or our own. objective: a name in the folder of objectives, or an objective.
    id_column: the feature that says which row this is, a whole number or a string. `Trainer` drops columns that the
        model does not take, so set `remove_unused_columns=False`. Without one, a row is named by a hash of its tokens:
        as reproducible, but equal rows get equal masks.
    epoch_column: the feature that says which epoch a row is in. Where it is absent, the epoch is that of `callback`,
        which belongs in `Trainer(callbacks=[collator.callback])`; without the callback masks are static. Give the rows
        of a validation set the epoch 0, and the exam is the same every time.
    options: those of an objective that is named, as `maskwright options objective.span` lists: ratio=0.3, …

    Features hold `input_ids`, and may hold `attention_mask`, `special_tokens_mask`, and `word_ids` (as a fast tokenizer
    gives them) or `word_starts` (1 where a word begins), which whole-word masking needs. Schedules go by epochs.
    """

    def __init__(
        self,
        tokenizer: Any,
        objective: str | Objective = "mlm",
        seed: int = 0,
        id_column: str | None = None,
        epoch_column: str = "epoch",
        pad_to_multiple_of: int = 1,
        **options: Any,
    ) -> None:
        self.vocabulary = tokenizer.vocabulary if hasattr(tokenizer, "vocabulary") else vocabulary(tokenizer)
        self.objective = chosen(objective, options)
        self.seed, self.id_column, self.epoch_column, self.multiple = seed, id_column, epoch_column, pad_to_multiple_of
        self.clock = torch.tensor([0, 1]).share_memory_()
        """The epoch and the number of epochs, in memory that workers share."""
        if self.objective.learns:
            raise ValueError(
                f"objective {name_of(self.objective.settings)} learns from the loss, which no collator ever sees"
            )
        for progress in (0.0, 0.5, 1.0):
            self._check(self.objective(probe(self.vocabulary, progress), seed))

    def __call__(self, features: Sequence[Feature]) -> dict[str, Tensor]:
        rows = self.rows(features)
        problem = self.objective(rows, self.seed)
        if not (problem.targets != IGNORE).any():
            raise ValueError(nothing_asked(self.objective, f"a batch of {len(problem)} rows, which has no loss then"))
        return {
            "input_ids": problem.inputs,
            "attention_mask": (rows.document >= 0).long(),
            "labels": problem.targets,
        }

    @property
    def callback(self) -> "Epochs":
        """Tells this collator, and its copies in workers, which epoch has begun."""
        from .epoch_callback import Epochs

        return Epochs(self.clock)

    def rows(self, features: Sequence[Feature]) -> Rows:
        """Features as rows, padded to the longest of them. Raises ValueError where something needed is absent."""
        lengths = [len(feature["input_ids"]) for feature in features]
        length = -(-max(lengths) // self.multiple) * self.multiple
        tokens = np.full((len(features), length), self.vocabulary.pad, np.int64)
        word, document = np.zeros(tokens.shape, np.int32), np.full(tokens.shape, -1, np.int32)
        for b, feature in enumerate(features):
            here = slice(0, lengths[b])
            tokens[b, here] = feature["input_ids"]
            document[b, here] = np.asarray(feature.get("attention_mask", 1)) - 1
            word[b, here] = self._words(feature, tokens[b, here]) * (document[b, here] == 0)
        now, epochs = self.clock.tolist()
        ids = np.array([self._id(feature) for feature in features], np.int64)
        epoch = np.array([int(feature.get(self.epoch_column, now)) for feature in features], np.int64)
        shown, who, units, name, when = (torch.from_numpy(array) for array in (tokens, document, word, ids, epoch))
        return Rows(shown, who, units, name, when, min(now / epochs, 1.0), self.vocabulary)

    def _words(self, feature: Feature, tokens: np.ndarray) -> np.ndarray:
        """[L] the word of each position, from 1; 0 for special tokens."""
        special = self.vocabulary.is_special[tokens] | (np.asarray(feature.get("special_tokens_mask", 0)) > 0)
        known = next((read(feature[name]) for name, read in WORDS.items() if name in feature), None)
        if known is None and self.objective.by_word:
            raise ValueError(
                f"{name_of(self.objective.settings)} must know the words: give features {' or '.join(WORDS)}"
            )
        return np.where(special, 0, np.arange(1, len(tokens) + 1) if known is None else known)

    def _id(self, feature: Feature) -> int:
        if self.id_column is None:
            return hashed(np.asarray(feature["input_ids"], np.int64).tobytes())
        if self.id_column not in feature:
            raise ValueError(f"features have no {self.id_column!r}: set remove_unused_columns=False, or id_column=None")
        name = feature[self.id_column]
        return hashed(name.encode()) if isinstance(name, str) else int(name)

    def _check(self, problem: Problem) -> None:
        """Raises ValueError when labels of a masked model cannot express the problem."""
        name, asked = name_of(self.objective.settings), problem.targets != IGNORE
        if bool((problem.view != BOTH).any()):
            raise ValueError(
                f"objective {name} reads in one direction, and a masked model of transformers in both: take "
                "DataCollatorForLanguageModeling(tokenizer, mlm=False) and a causal model, or an objective such as mlm"
            )
        if bool(problem.block.any()):
            raise ValueError(f"objective {name} reads block by block, which a masked model of transformers cannot")
        if bool((problem.weights[asked] != 1).any()):
            raise ValueError(
                f"objective {name} weights its positions, and labels have no weights: take one such as mlm"
            )


def chosen(objective: str | Objective, options: Mapping[str, Any]) -> Objective:
    """An objective by its name and options, or as it is given. Raises ValueError for an unknown name or option."""
    if not isinstance(objective, str):
        if options:
            raise ValueError(
                f"{next(iter(options))} is an option of an objective that is named, not of one that is made"
            )
        return objective
    if "mlm_probability" in options:
        raise ValueError("mlm_probability is called ratio here: MaskingCollator(tokenizer, ratio=0.15)")
    with trusting(objective):
        kind, preset = load("objectives", objective)
    return from_mapping(kind, {**preset, **options}, objective)


def probe(vocabulary: Vocabulary, progress: float, rows: int = 512, length: int = 16) -> Rows:
    """Rows of ordinary tokens, so many that an objective shows all that it does."""
    tokens = np.resize(vocabulary.ordinary, (rows, length)).astype(np.int64)
    word = np.tile(np.arange(1, length + 1, dtype=np.int32), (rows, 1))
    ids, zeros = np.arange(rows, dtype=np.int64), np.zeros(rows, np.int64)
    arrays = tokens, np.zeros(tokens.shape, np.int32), word, ids, zeros
    shown, document, units, names, epoch = map(torch.from_numpy, arrays)
    return Rows(shown, document, units, names, epoch, progress, vocabulary)


def hashed(content: bytes) -> int:
    """64 bits of a hash, as int64."""
    return int.from_bytes(blake2b(content, digest_size=8).digest(), "little", signed=True)


def _from_starts(starts: Sequence[int]) -> np.ndarray:
    return 1 + np.cumsum(np.asarray(starts) > 0)


def _from_ids(ids: Sequence[int | None]) -> np.ndarray:
    return np.array([0 if i is None else i + 1 for i in ids])


WORDS: dict[str, Callable[[Any], np.ndarray]] = {"word_ids": _from_ids, "word_starts": _from_starts}
"""How to get the word of each position, by the feature that has it."""


def vocabulary(tokenizer: Any) -> Vocabulary:
    """The special ids of a `transformers` tokenizer. Raises ValueError when it has no [MASK] or no padding."""
    for role in ("mask", "pad"):
        if getattr(tokenizer, f"{role}_token_id") is None:
            added = f"{{'{role}_token': '[{role.upper()}]'}}"
            raise ValueError(
                f"the tokenizer has no {role} token: tokenizer.add_special_tokens({added}) "
                "and model.resize_token_embeddings(len(tokenizer)) give it one"
            )
    pad, mask = tokenizer.pad_token_id, tokenizer.mask_token_id
    cls, sep = (pad if i is None else i for i in (tokenizer.cls_token_id, tokenizer.sep_token_id))
    used, special = tokenizer.get_vocab().values(), tokenizer.all_special_ids
    return of_ids(used, special, pad=pad, mask=mask, cls=cls, sep=sep)
