"""What a model would put in the place of [MASK]."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ..text.tokenizer import Tokenizer

SIGNS = "[MASK]"
"""How a hidden token is written in a prompt, whatever the tokenizer calls it."""


@dataclass(frozen=True)
class Blank:
    """One hidden place and the best guesses for it."""

    place: int
    """Which token of the row it is."""
    guesses: list[tuple[str, float]]
    """Tokens as text, and their probabilities among all ordinary tokens, best first."""


def fill(model: nn.Module, tokenizer: Tokenizer, text: str, top: int = 5) -> list[Blank]:
    """The `top` guesses for every [MASK] in `text`. Raises ValueError when there is none, or the text is too long."""
    vocabulary = tokenizer.vocabulary
    prompt = text.replace(SIGNS, tokenizer.names["mask"])
    ids, _ = tokenizer.encode(prompt, specials=True)
    tokens = torch.tensor([vocabulary.cls, *ids, vocabulary.sep])
    if vocabulary.mask not in tokens:
        raise ValueError(f"nothing to fill in {text!r}: write {SIGNS} where a word is missing")
    return fill_tokens(model, tokenizer, tokens, top)


@torch.no_grad()
def fill_tokens(model: nn.Module, tokenizer: Tokenizer, tokens: Tensor, top: int = 5) -> list[Blank]:
    """The `top` guesses wherever a row of ids, [L] int64 with [CLS] and [SEP], holds the mask."""
    vocabulary = tokenizer.vocabulary
    places = torch.nonzero(tokens == vocabulary.mask)[:, 0]
    device = next(model.parameters()).device
    hidden = model(tokens[None].to(device), None, None)[0]  # [L, D]
    logits = model.logits(hidden[places.to(device)]).float().cpu()  # type: ignore[operator]  # [N, V]
    logits[:, torch.from_numpy(vocabulary.is_special)] = float("-inf")
    best = logits.softmax(-1).topk(min(top, len(vocabulary.ordinary)))
    return [
        Blank(int(place), [(tokenizer.decode([i]), float(p)) for i, p in zip(ids, shares, strict=True)])
        for place, ids, shares in zip(places.tolist(), best.indices.tolist(), best.values.tolist(), strict=True)
    ]
