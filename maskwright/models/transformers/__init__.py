"""Any masked or causal model of `transformers`, by its own class: BERT, RoBERTa, ModernBERT, GPT-2, Llama, Qwen …

The class does the computation; here are only the masks, the positions and the head that objectives ask for. Whether a
family keeps what they rely on is measured when a model is built (`contracts`), and refused by name where it does not.
Weights stay under the names of the class, so that what came in goes out as it was.
"""

from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from torch import nn

from ...layers.nhot import NHot
from ...settings import from_mapping, settings
from ...settings.bounds import Layers, Size
from . import family
from .contracts import check
from .network import TransformersModel

__all__ = ["Transformers", "TransformersModel", "in_folder"]


@settings
class Transformers:
    """A model of the library `transformers`, of an architecture that it has a masked or a causal class for."""

    path: str | None = None
    """A folder of `transformers` whose model this is, with its weights; null for a new one."""
    architecture: str = "bert"
    """The family of a new one, by its `model_type`: bert, roberta, modernbert, gpt2, llama …"""
    head: Literal["masked", "causal"] | None = None
    """Which class: one for masked or for causal prediction. Either can be trained under any objective. Null for the one
    in the folder; of a new one, masked where the family has it."""
    hidden: Size | None = None
    """Width of the residual stream; like the other sizes, null for that of the folder or the default of the family."""
    layers: Layers | None = None
    """Number of transformer layers."""
    heads: Layers | None = None
    """Attention heads, of keys and values too."""
    intermediate: Size | None = None
    """Inner width of the feed-forward layer."""
    max_length: Size | None = None
    """Longest row that the model takes, in tokens; null for all positions that it has."""
    dropout: float | None = Field(None, ge=0, lt=1)
    """Every probability of dropout; null for those of the folder or the family."""
    nhot: NHot | None = None
    """N-hot embeddings: the substrings of a token are added to its input embedding; null for the embedding alone."""
    options: dict[str, Any] = Field(default_factory=dict)
    """More options of the family's configuration, by its own names; of a folder, its whole configuration."""

    def __post_init__(self) -> None:
        for name, value in family.resolved(self).items():
            object.__setattr__(self, name, value)

    def build(self, vocabulary_size: int, generator: torch.Generator) -> nn.Module:
        """A model of `vocabulary_size` tokens on the CPU, float32, with all values drawn from `generator`.

        A folder's own rows beyond the vocabulary are kept, and never scored. Raises ValueError for a family that breaks
        a contract of models.
        """
        model = TransformersModel(self, family.network(self, vocabulary_size, generator), vocabulary_size)
        if model.nhot is not None:
            model.nhot.initialise(generator)
        check(model, self.architecture)
        return model


def in_folder(folder: str | Path) -> Transformers:
    """The settings of the model in a folder of `transformers`.

    Raises ValueError, in one sentence, where there is none, or of a family without a masked and a causal class.
    """
    return from_mapping(Transformers, {"path": str(folder)}, "model")
