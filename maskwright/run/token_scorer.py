"""A finished run as objectives and samplers use it: a function that scores the tokens at masks."""

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

    Raises ValueError when it was not trained to predict masked tokens at their positions, or has another tokenizer.
    """
    model, known = load(source)
    if mask_shift(Config.load(source).objective) != 0:
        raise ValueError(f"{source} cannot predict masked tokens: name a run of a masking objective, such as diffusion")
    if known.fingerprint != tokenizer.fingerprint:
        raise ValueError(f"{source} has another tokenizer: a generator must have the tokenizer of the text")

    @torch.no_grad()
    def score(inputs: Tensor, document: Tensor, target_positions: Tensor) -> Tensor:
        hidden = model(inputs, mask(document, torch.zeros(len(inputs))), positions(document), target_positions)
        return logits(model, hidden).float()

    return score
