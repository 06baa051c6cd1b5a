"""What a sampler starts from: only masks, a prompt, a text with gaps, or a text to revise.

Shapes: B rows, L positions.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from ..text.tokenizers.tokenizer import Tokenizer
from ..text.tokenizers.vocabulary import Vocabulary
from .fill import MASK_TEXT


@dataclass(frozen=True)
class Canvas:
    """B rows to fill in, each [CLS] text [SEP]."""

    tokens: Tensor
    """[B, L] int64, [MASK] at positions to fill."""
    free: Tensor
    """[B, L] bool, where the sampler may write."""


def blank(tokenizer: Tokenizer, prompt: str, length: int | None, count: int, longest: int, gap: int = 1) -> Canvas:
    """`count` rows of `length` tokens that begin with `prompt`; a [MASK] in it is a gap to fill, what follows it too.

    Without a length, as many as the prompt has. longest: positions that the model takes. gap: how many masks a [MASK]
    of the prompt stands for.
    Raises ValueError when the prompt is longer than the length, the row than the model, or something in it is unknown.
    """
    mask = tokenizer.vocabulary.mask
    ids = [i for known in encoded(tokenizer, prompt) for i in [known] * (gap if known == mask else 1)]
    length = len(ids) if length is None else length
    if len(ids) > length:
        raise ValueError(f"the prompt has {len(ids)} tokens and length={length}: length includes the prompt")
    row = torch.tensor([*ids, *[mask] * (length - len(ids))], dtype=torch.int64)
    return _framed(tokenizer, row, row == mask, count, longest)


def asked(tokenizer: Tokenizer, prompt: str, length: int, count: int, longest: int) -> Canvas:
    """`count` rows of a prompt, [SEP], and `length` masks for its answer. Raises ValueError as `blank`."""
    known = tokenizer.vocabulary
    row = torch.tensor([*encoded(tokenizer, prompt), known.sep, *[known.mask] * length], dtype=torch.int64)
    free = torch.arange(len(row)) >= len(row) - length
    return _framed(tokenizer, row, free, count, longest)


def whole(tokenizer: Tokenizer, text: str, count: int, longest: int) -> Canvas:
    """`count` copies of `text`, all of it free but special tokens other than [MASK]. Raises ValueError as `blank`."""
    row, known = torch.tensor(encoded(tokenizer, text), dtype=torch.int64), tokenizer.vocabulary
    free = ~torch.from_numpy(known.is_special)[row] | (row == known.mask)
    return _framed(tokenizer, row, free, count, longest)


def continued(vocabulary: Vocabulary, begin: Tensor, length: int) -> Canvas:
    """Rows of `length` tokens that begin as `begin`, [B, L] int64, does; the rest is to be written."""
    count, given = begin.shape
    frame = (torch.full((count, 1), known) for known in (vocabulary.cls, vocabulary.sep))
    masks, free = torch.full((count, length - given), vocabulary.mask), torch.zeros(count, length + 2, dtype=torch.bool)
    free[:, given + 1 : -1] = True
    first, last = frame
    return Canvas(torch.cat([first, begin, masks, last], 1), free)


def encoded(tokenizer: Tokenizer, text: str) -> list[int]:
    """The ids of a text with [MASK]s. Raises ValueError when the tokenizer does not know a part of it."""
    ids, _ = tokenizer.encode(text.replace(MASK_TEXT, tokenizer.names["mask"]), specials=True)
    unknown = tokenizer.tokens.index(tokenizer.names["unk"])
    if unknown in ids:
        before = tokenizer.decode(ids[: list(ids).index(unknown)])
        raise ValueError(f"the tokenizer does not know what follows {before!r} in {text!r}")
    return [int(i) for i in ids]


def _framed(tokenizer: Tokenizer, row: Tensor, free: Tensor, count: int, longest: int) -> Canvas:
    if len(row) + 2 > longest:
        raise ValueError(f"length={len(row)}: the model takes at most {longest - 2} tokens, besides [CLS] and [SEP]")
    if not free.any():
        raise ValueError(f"nothing to write: give a length above that of the prompt, or a prompt with {MASK_TEXT}")
    known, no = tokenizer.vocabulary, torch.tensor([False])
    tokens = torch.cat([torch.tensor([known.cls]), row, torch.tensor([known.sep])])
    return Canvas(tokens.repeat(count, 1), torch.cat([no, free, no]).repeat(count, 1))
