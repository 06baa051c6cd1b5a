"""A pretrained model as the first module of a retriever of sentence-transformers: from texts to a vector per token.

Shapes: B texts, L positions, D width, W views.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sentence_transformers.base.modules import InputModule
from torch import Tensor, nn

from ...attention import mask
from ...text.tokenizers.tokenizer import Tokenizer
from ..finetuning.encoder import padded


class TokenVectors(InputModule):
    """Reads texts in one view or several; the vectors of a token under each are put side by side, [B, L, W · D].

    model: gives hidden states, [B, L, D].  views: BOTH, FORWARD or BACKWARD.  length: tokens after which a text is cut.
    """

    def __init__(self, model: nn.Module, tokenizer: Tokenizer, views: Sequence[int], length: int):
        super().__init__()
        self.model, self.views, self.length = model, tuple(views), length
        self.encoder = tokenizer

    def preprocess(self, inputs: Sequence[Any], prompt: str | None = None, **kwargs: Any) -> dict[str, Tensor]:
        """`input_ids` [B, L] int64 and `attention_mask` [B, L] bool, of [CLS] text [SEP]."""
        vocabulary = self.encoder.vocabulary
        encoded = self.encoder.encode_batch([(prompt or "") + text for text in inputs])
        ids = [np.r_[vocabulary.cls, some[: self.length - 2], vocabulary.sep] for some, _ in encoded]
        tokens, _, inside = padded(ids, vocabulary.pad, 0, torch.device("cpu"))
        return {"input_ids": tokens, "attention_mask": inside}

    def forward(self, features: dict[str, Tensor], **kwargs: Any) -> dict[str, Tensor]:
        """Adds `token_embeddings`, [B, L, W · D] float32."""
        tokens, inside = features["input_ids"], features["attention_mask"].bool()
        document = torch.where(inside, 0, -1)
        masks = [mask(document, torch.full_like(document[:, 0], view)) for view in self.views]
        return features | {"token_embeddings": torch.cat([self.model(tokens, seen).float() for seen in masks], -1)}

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        """Not offered: `maskwright export` writes a model that sentence-transformers reads by itself."""
        raise NotImplementedError("export the run, and give the folder to sentence-transformers")
