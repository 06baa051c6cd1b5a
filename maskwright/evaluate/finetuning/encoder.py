"""A pretrained model with a classification head.

Shapes: B examples, L positions, D width, C classes.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ...attention import Mask, mask
from ...noise import address
from ...text.tokenizers.tokenizer import Tokenizer
from .classification_data import Examples

POOLS = {"first": 0, "last": -1}


def encoded(tokenizer: Tokenizer, examples: Examples, length: int) -> list[np.ndarray]:
    """The ids of each example, [CLS] one [SEP] or [CLS] one [SEP] other [SEP], at most `length`.

    The longer text of a pair is truncated first.
    """
    vocabulary, width = tokenizer.vocabulary, len(examples.texts[0])
    flat = [ids for ids, _ in tokenizer.encode_batch([text for texts in examples.texts for text in texts])]
    found = []
    for place in range(0, len(flat), width):
        parts = _cut(flat[place : place + width], length - 1 - width)
        found.append(np.r_[vocabulary.cls, *(np.r_[part, vocabulary.sep] for part in parts)])
    return found


def _cut(parts: Sequence[np.ndarray], room: int) -> list[np.ndarray]:
    """One text or two in `room` tokens; a text shorter than half of that is not truncated."""
    if len(parts) == 1:
        return [parts[0][:room]]
    one, other = parts
    first = min(len(one), max(room - len(other), (room + 1) // 2))
    return [one[:first], other[: room - first]]


def padded(
    ids: Sequence[np.ndarray], pad: int, view: int, device: torch.device, left: bool = False
) -> tuple[Tensor, Mask, Tensor]:
    """Tokens [B, L] int64, the attention mask, and which positions are not padding [B, L] bool, on `device`.

    left: padding comes before the texts, not after them.
    """
    sizes = torch.tensor([len(one) for one in ids])
    tokens = torch.full((len(ids), int(sizes.max())), pad)
    inside = torch.arange(tokens.shape[1]) < sizes[:, None]  # [B, L]
    inside = inside.flip(1) if left else inside
    tokens[inside] = torch.from_numpy(np.concatenate(ids))
    seen = mask(torch.where(inside, 0, -1), torch.full((len(ids),), view))
    return tokens.to(device), None if seen is None else seen.to(device), inside.to(device)


class Encoder(nn.Module):
    """From token ids to one vector per example, or one per word."""

    def __init__(self, model: nn.Module, pad: int, view: int, pool: str, left: bool = False):
        super().__init__()
        self.model, self.pad, self.view, self.pool, self.left = model, pad, view, pool, left

    def forward(self, ids: Sequence[np.ndarray], places: Sequence[np.ndarray] | None = None) -> Tensor:
        """[B, D]: the first or last vector of each example, or the mean of all; with `places`, those there, [n, D]."""
        tokens, seen, inside = padded(ids, self.pad, self.view, next(self.model.parameters()).device, self.left)
        if places is not None:
            return self.model(tokens, seen, None, flat_places(places, inside))
        if self.pool == "mean":
            hidden = self.model(tokens, seen)  # [B, L, D]
            return (hidden * inside[:, :, None]).sum(1) / inside.sum(1, keepdim=True)
        place = torch.arange(tokens.shape[1], device=tokens.device).expand_as(tokens)
        ends = place.where(inside, -1).amax(1) if self.pool == "last" else inside.int().argmax(1)
        return self.model(tokens, seen, None, torch.arange(len(ids), device=tokens.device) * tokens.shape[1] + ends)


def flat_places(places: Sequence[np.ndarray], inside: Tensor) -> Tensor:
    """[n] int64, `places` in B texts as indices into the flattened [B·L]; inside: [B, L] bool, what is no padding."""
    begins = inside.int().argmax(1) + torch.arange(len(inside), device=inside.device) * inside.shape[1]
    sizes = torch.tensor([len(some) for some in places], device=inside.device)
    return torch.from_numpy(np.concatenate(places)).to(inside.device) + begins.repeat_interleave(sizes)


def head(width: int, classes: int, hidden: bool, dropout: float, seed: int, uniform: bool = False) -> nn.Module:
    """Class logits from a vector: a linear layer, or an MLP with one hidden layer; initialised from `seed`.

    uniform: weights and biases within ±1/√D, as PyTorch does by default, and not N(0, 0.02) without biases.
    """
    norm, out = nn.LayerNorm(width, elementwise_affine=False), nn.Linear(width, classes)
    between = [nn.Linear(width, width), nn.GELU(), nn.LayerNorm(width, elementwise_affine=False), nn.Dropout(dropout)]
    made = nn.Sequential(norm, *(between if hidden else []), out)
    generator = torch.Generator().manual_seed(address(seed, "head") % 2**63)
    for layer in made:
        if isinstance(layer, nn.Linear) and uniform:
            for values in (layer.weight, layer.bias):
                nn.init.uniform_(values, -(width**-0.5), width**-0.5, generator=generator)
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0.0, 0.02, generator=generator)
            nn.init.zeros_(layer.bias)
    return made
