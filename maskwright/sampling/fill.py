"""Predictions for masked tokens: in a prompt, or in held-out text."""

from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from torch import Tensor, nn

from ..data.loader import read_rows
from ..data.order import shuffled_range
from ..data.pack import Pack
from ..noise import address
from ..prediction import logits
from ..text.tokenizers.token_text import alone
from ..text.tokenizers.tokenizer import Tokenizer

MASK_TEXT = "[MASK]"
"""How a masked token is written in a prompt, whatever the tokenizer calls it."""


@dataclass(frozen=True)
class Blank:
    """One masked position and the best predictions for it."""

    place: int
    """Its index in the row."""
    guesses: list[tuple[str, float]]
    """Tokens as text, and their probabilities among all ordinary tokens, best first."""


def fill(model: nn.Module, tokenizer: Tokenizer, text: str, top: int = 5, shift: int = 0) -> list[Blank]:
    """The `top` guesses for every [MASK] in `text`, predicted `shift` positions before it.

    Raises ValueError when there is none, or the text is too long.
    """
    vocabulary = tokenizer.vocabulary
    prompt = text.replace(MASK_TEXT, tokenizer.names["mask"])
    ids, _ = tokenizer.encode(prompt, specials=True)
    tokens = torch.tensor([vocabulary.cls, *ids, vocabulary.sep])
    if vocabulary.mask not in tokens:
        raise ValueError(f"nothing to fill in {text!r}: write {MASK_TEXT} where a word is missing")
    return fill_tokens(model, tokenizer, tokens, top, shift)


@torch.no_grad()
def fill_tokens(model: nn.Module, tokenizer: Tokenizer, tokens: Tensor, top: int = 5, shift: int = 0) -> list[Blank]:
    """The `top` guesses wherever a row of ids, [L] int64 with [CLS] and [SEP], holds the mask."""
    vocabulary = tokenizer.vocabulary
    masked = torch.nonzero(tokens == vocabulary.mask)[:, 0]
    device = next(model.parameters()).device
    hidden = model(tokens[None].to(device), None, None)[0]  # [L, D]
    scores = logits(model, hidden[(masked - shift).to(device)]).float().cpu()  # [N, V]
    scores[:, torch.from_numpy(vocabulary.is_special)] = float("-inf")
    best = scores.softmax(-1).topk(min(top, len(vocabulary.ordinary)))
    return [
        Blank(int(place), [(alone(tokenizer, i), float(p)) for i, p in zip(ids, shares, strict=True)])
        for place, ids, shares in zip(masked.tolist(), best.indices.tolist(), best.values.tolist(), strict=True)
    ]


@dataclass(frozen=True)
class Gap:
    """A word hidden in held-out text."""

    before: str
    truth: str
    after: str
    guesses: list[tuple[str, float]]
    """As in `Blank`."""


def gaps(model: nn.Module, tokenizer: Tokenizer, pack: Pack, count: int, top: int = 5, shift: int = 0) -> list[Gap]:
    """`count` gaps in as many rows of `pack`, always the same: words that are one token of three letters or more."""
    _, numbers = shuffled_range(0, len(pack), len(pack), seed=0)
    found = (_gap(model, tokenizer, pack, int(number), top, shift) for number in numbers)
    return list(islice((gap for gap in found if gap), count))


def _gap(model: nn.Module, tokenizer: Tokenizer, pack: Pack, number: int, top: int, shift: int) -> Gap | None:
    rows = read_rows(pack, np.array([number]), np.zeros(1, np.int64), 1.0)
    tokens, document, word = rows.tokens[0], rows.document[0], rows.word[0].numpy()
    sizes = np.bincount(word)
    fit = [i for i in np.flatnonzero(word) if sizes[word[i]] == 1 and _is_word(tokenizer.decode([int(tokens[i])]))]
    if not fit:
        return None
    place = fit[address(0, "gaps", number) % len(fit)]
    inside = torch.nonzero(document == document[place])[:, 0]
    piece, here = tokens[inside], place - int(inside[0])
    hidden = piece.clone()
    hidden[here] = tokenizer.vocabulary.mask
    (blank,) = fill_tokens(model, tokenizer, hidden, top, shift)
    truth = tokenizer.decode(piece[here : here + 1])
    upto = tokenizer.decode(piece[: here + 1])  # with the space before a word that some tokenizers give no token alone
    return Gap(upto.removesuffix(truth), truth, tokenizer.decode(piece).removeprefix(upto), blank.guesses)


def _is_word(text: str) -> bool:
    return len(text.strip()) >= 3 and text.strip().isalpha()
