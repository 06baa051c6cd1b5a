"""Training and testing a model for vectors of texts by sentence-transformers."""

import sys
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerModelCardData,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.base.model_card import BaseModelCardCallback
from sentence_transformers.sentence_transformer.losses import DenoisingAutoEncoderLoss, MultipleNegativesRankingLoss
from torch import nn
from transformers import PrinterCallback

from ...evaluate.retrieval.late_interaction import ranks_in
from ...evaluate.retrieval.pairs import Pairs
from ...models.transformers.quiet import silence
from ...noise import Noise, address

DELETED = 0.6
"""Share of the words that TSDAE deletes (Wang et al. 2021, section 3.1)."""


def opened(folder: Path, device: torch.device, length: int) -> SentenceTransformer:
    """The model in a folder that `hub.export.sentences` has written; texts are cut after `length` tokens."""
    with silence():
        card = SentenceTransformerModelCardData(generate_widget_examples=False)
        found = SentenceTransformer(str(folder), device=str(device), trust_remote_code=True, model_card_data=card)
    found.max_seq_length = length
    return found


@torch.no_grad()
def ranks(model: SentenceTransformer, test: Pairs) -> np.ndarray:
    """[N] int64, the rank of each query's own passage among all, from 1, by the cosine of vectors."""
    queries, passages = model.encode(test.queries), model.encode(test.passages)
    return ranks_in(queries @ passages.T)  # of length 1


def columns(method: str, train: Pairs, seed: int) -> dict[str, list[str]]:
    """What a loss compares, a text a row in each of two columns."""
    if method == "pairs":
        return {"anchor": train.queries, "positive": train.passages}
    whole = [f"{first} {rest}" for first, rest in zip(train.queries, train.passages, strict=True)]
    if method == "simcse":
        return {"anchor": whole, "positive": whole}
    return {"damaged": [damaged(text, number, seed) for number, text in enumerate(whole)], "text": whole}


def damaged(text: str, number: int, seed: int) -> str:
    """What is left of the words of a text, at least one; which go depends on the seed and the `number` of the text."""
    words = text.split()
    kept = Noise(seed, torch.tensor([0]), torch.tensor([number])).uniform("deleted", len(words))[0] >= DELETED
    return " ".join(word for word, keep in zip(words, kept, strict=True) if keep) or words[0]


def loss_of(model: SentenceTransformer, method: str, temperature: float) -> nn.Module:
    """The loss of a method. Raises ValueError for tsdae and a class without cross-attention."""
    if method != "tsdae":
        ranking: nn.Module = MultipleNegativesRankingLoss(model, scale=1 / temperature)
        return ranking
    kind = model[0].auto_model.config.model_type
    try:
        with silence():
            found: nn.Module = DenoisingAutoEncoderLoss(model, tie_encoder_decoder=True)
    except (ValueError, TypeError) as error:
        raise ValueError(_without_decoder(kind)) from error
    if not any("crossattention" in name for name, _ in found.named_parameters()):
        raise ValueError(_without_decoder(kind))
    return found


def _without_decoder(kind: str) -> str:
    return (
        f"method=tsdae needs a class that can be a decoder with cross-attention, as bert and roberta: {kind} is none; "
        "take simcse or pairs"
    )


def train(model: SentenceTransformer, texts: Pairs, options: Any, scratch: Path) -> None:
    """Train in place; warm-up over a tenth of the updates, then a linear decay. `scratch` is for the library."""
    loss = loss_of(model, options.method, options.temperature)
    arguments = SentenceTransformerTrainingArguments(
        output_dir=str(scratch), num_train_epochs=options.epochs, per_device_train_batch_size=options.batch,
        learning_rate=options.lr, warmup_steps=0.1, seed=address(options.seed, "order") % 2**32, save_strategy="no",
        report_to="none", logging_strategy="no", disable_tqdm=not sys.stderr.isatty(), dataloader_drop_last=True,
        use_cpu=model.device.type == "cpu",
    )  # fmt: skip
    data = datasets.Dataset.from_dict(columns(options.method, texts, options.seed))
    trainer = SentenceTransformerTrainer(model, arguments, data, loss=loss)
    for talkative in [callback for callback in trainer.callback_handler.callbacks
                      if isinstance(callback, PrinterCallback | BaseModelCardCallback)]:  # fmt: skip
        trainer.remove_callback(talkative)
    trainer.train()
