"""A finished run as objectives and samplers know one: something that scores the tokens behind a mask."""

from pathlib import Path

import torch
from torch import Tensor

from ..attention import mask, positions
from ..objectives.base.capabilities import mask_shift
from ..objectives.base.problem import TokenScorer
from ..prediction import logits
from ..text.tokenizers.tokenizer import Tokenizer
from .config import Config
from .saved import load


def token_scorer(source: str | Path, tokenizer: Tokenizer) -> TokenScorer:
    """The model of the run `source`, to score tokens of `tokenizer`.

    Raises ValueError when it was never asked to name a hidden token where it stands, or has another tokenizer.
    """
    model, known = load(source)
    if mask_shift(Config.load(source).objective) != 0:
        raise ValueError(f"{source} cannot guess hidden tokens: name a run of a masking objective, such as diffusion")
    if known.fingerprint != tokenizer.fingerprint:
        raise ValueError(f"{source} has another tokenizer: a generator must have the one of the text")

    @torch.no_grad()
    def guess(inputs: Tensor, document: Tensor, asked: Tensor) -> Tensor:
        hidden = model(inputs, mask(document, torch.zeros(len(inputs))), positions(document), asked)
        return logits(model, hidden).float()

    return guess
