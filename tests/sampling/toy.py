"""A distribution over short texts that is known, and models that know it too."""

from itertools import product

import torch

from maskwright.objectives.remask import Remask
from maskwright.sampling.canvas import Canvas
from maskwright.sampling.denoiser import Denoiser, Remasker
from maskwright.sampling.generate import generate
from maskwright.sampling.mask_schedule import MaskSchedule
from maskwright.text.tokenizers.vocabulary import Vocabulary

VOCABULARY = Vocabulary(7, pad=0, mask=3, cls=1, sep=2, special=frozenset({0, 1, 2, 3, 6}), wrong=6)
WORDS, LENGTH = (4, 5), 3
TEXTS = torch.tensor(list(product(WORDS, repeat=LENGTH)))  # [8, 3]
LAW = torch.tensor([0.30, 0.02, 0.05, 0.16, 0.02, 0.12, 0.09, 0.24], dtype=torch.float64)
"""Neighbours depend on each other, and the places differ."""


class Toy(torch.nn.Module):
    """Names the tokens of three places by their true conditionals; counts what it was asked."""

    def __init__(self):
        super().__init__()
        self.weight, self.asked, self.rows = torch.nn.Parameter(torch.zeros(1)), 0, 0

    def forward(self, tokens, mask=None, positions=None, asked=None):
        self.asked, self.rows = self.asked + len(asked), self.rows + len(tokens)
        text = tokens[:, 1:-1]
        fits = ((text[:, None] == TEXTS) | (text[:, None] == VOCABULARY.mask)).all(2)  # [B, 8]
        scores = torch.full((*tokens.shape, VOCABULARY.size), 0.0)
        for word in WORDS:
            named = ((word == TEXTS).double().T[None] * (fits * LAW)[:, None]).sum(2)  # [B, 3]
            scores[:, 1:-1, word] = named.float()
        scores[..., VOCABULARY.mask] = 9.0  # special tokens must never be drawn
        return scores.flatten(0, 1)[asked].log()

    def logits(self, hidden):
        return hidden.clone()


class Doubting(torch.nn.Module):
    """Holds the word 5 for wrong."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def forward(self, tokens, mask=None, positions=None, asked=None):
        scores = torch.zeros(*tokens.shape, VOCABULARY.size)
        scores[..., VOCABULARY.wrong] = torch.where(tokens == 5, 4.0, -4.0)
        return scores.flatten(0, 1)[asked]

    def logits(self, hidden):
        return hidden


REMASKER = Remasker(Doubting(), Remask(), VOCABULARY)


def canvas(count, text=(3,) * LENGTH, free=None):
    tokens = torch.tensor([[1, *text, 2]]).repeat(count, 1)
    return Canvas(tokens, (tokens == VOCABULARY.mask) if free is None else torch.tensor([free]).repeat(count, 1))


def texts(sampler, count, steps, model=None, seed=0, start=None, **options):
    """[count, 3] the texts of a sampler."""
    shares = options.pop("shares", MaskSchedule(steps=steps))
    denoiser = Denoiser(model or Toy(), VOCABULARY, **options.pop("denoiser", {}))
    remasker = REMASKER if sampler.needs_remasker else None
    for frame in generate(denoiser, sampler, start or canvas(count), shares, seed, remasker, **options):
        last = frame
    return last.tokens[:, 1:-1]


def chi2(found):
    """The chi-square of texts against the law, 7 degrees of freedom."""
    place = ((found - 4) * torch.tensor([4, 2, 1])).sum(1)
    counts, expected = torch.bincount(place, minlength=8), len(found) * LAW
    return float(((counts - expected) ** 2 / expected).sum())
