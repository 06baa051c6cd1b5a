"""Training and testing a retriever that compares token vectors (Khattab and Zaharia 2020, "ColBERT", section 3), by
sentence-transformers."""

import sys
from copy import deepcopy
from dataclasses import dataclass
from tempfile import TemporaryDirectory

import datasets
import numpy as np
import torch
from sentence_transformers import MultiVectorEncoder
from sentence_transformers.base.modules import Dense, Normalize
from sentence_transformers.multi_vector_encoder.model_card import (
    MultiVectorEncoderModelCardCallback,
    MultiVectorEncoderModelCardData,
)
from sentence_transformers.multi_vector_encoder.trainer import MultiVectorEncoderTrainer
from sentence_transformers.multi_vector_encoder.training_args import MultiVectorEncoderTrainingArguments
from sklearn.feature_extraction.text import TfidfVectorizer
from torch import nn
from transformers import PrinterCallback

from ...noise import address
from ...text.tokenizers.tokenizer import Tokenizer
from .pairs import Pairs
from .token_vectors import TokenVectors

TOKENS = "token_embeddings"


@dataclass(frozen=True)
class Recipe:
    """How a retriever is trained."""

    epochs: int
    batch: int
    """Queries in an update; the passages of the others are what a query's own is told from."""
    lr: float
    width: int
    """Of the vectors that are compared."""


def retriever(
    model: nn.Module, tokenizer: Tokenizer, views: tuple[int, ...], length: int, width: int, seed: int
) -> MultiVectorEncoder:
    """A copy of `model` with a linear layer to `width` on top, drawn from `seed`; vectors have norm 1."""
    vectors = TokenVectors(deepcopy(model), tokenizer, views, length)
    inner = vectors(vectors.preprocess(["width"]))[TOKENS].shape[-1]
    generator = torch.Generator().manual_seed(address(seed, "retriever") % 2**63)
    weight = torch.randn(width, inner, generator=generator) / inner**0.5
    layer = Dense(
        inner, width, bias=False, activation_function=nn.Identity(), init_weight=weight, module_input_name=TOKENS
    )
    device = str(next(model.parameters()).device)
    card = MultiVectorEncoderModelCardData(generate_widget_examples=False)
    return MultiVectorEncoder(modules=[vectors, layer, Normalize(TOKENS)], device=device, model_card_data=card)


def learn(found: MultiVectorEncoder, pairs: Pairs, recipe: Recipe, seed: int) -> None:
    """Train on pairs, other passages of the batch as negatives; warm-up over a tenth, then a linear decay."""
    with TemporaryDirectory() as scratch:
        arguments = MultiVectorEncoderTrainingArguments(
            output_dir=scratch, num_train_epochs=recipe.epochs, per_device_train_batch_size=recipe.batch,
            learning_rate=recipe.lr, warmup_steps=0.1, seed=address(seed, "order") % 2**32, save_strategy="no",
            report_to="none", logging_strategy="no", disable_tqdm=not sys.stderr.isatty(), dataloader_drop_last=True,
            use_cpu=found.device.type == "cpu",
        )  # fmt: skip
        data = datasets.Dataset.from_dict({"query": pairs.queries, "passage": pairs.passages})
        trainer = MultiVectorEncoderTrainer(found, arguments, data)
        for talkative in (PrinterCallback, MultiVectorEncoderModelCardCallback):
            trainer.remove_callback(talkative)
        trainer.train()


@torch.no_grad()
def ranks(found: MultiVectorEncoder, pairs: Pairs) -> np.ndarray:
    """[N] int64, the rank of each query's own passage among all, from 1; equals count half, rounded up."""
    found.eval()
    queries, passages = found.encode_query(pairs.queries), found.encode_document(pairs.passages)
    return ranks_in(found.similarity(queries, passages).cpu().numpy())


def lexical_ranks(pairs: Pairs) -> np.ndarray:
    """The same by words alone: the cosine of TF-IDF vectors (scikit-learn's)."""
    words = TfidfVectorizer(sublinear_tf=True).fit(pairs.passages)
    return ranks_in((words.transform(pairs.queries) @ words.transform(pairs.passages).T).toarray())


def ranks_in(scores: np.ndarray) -> np.ndarray:
    """[N] int64, the rank of the diagonal in each row of `scores` [N, N]; equals share their ranks."""
    own = scores.diagonal()[:, None]
    above, equal = (scores > own).sum(1), (scores == own).sum(1)
    return above + (equal + 1) // 2


def reciprocal(ranks: np.ndarray) -> np.ndarray:
    """[N] float64, 1 / rank up to rank 10, else 0: what MRR@10 is the mean of."""
    return np.where(ranks <= 10, 1 / ranks, 0.0)


def gain(ranks: np.ndarray) -> np.ndarray:
    """[N] float64, 1 / log2(1 + rank) up to rank 10, else 0: what nDCG@10 is the mean of, with one right passage."""
    return np.where(ranks <= 10, 1 / np.log2(1 + ranks), 0.0)
