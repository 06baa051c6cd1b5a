"""`transformers.Trainer` with ModernBERT, as someone who knows it sets it up.

It hides 30 % of the tokens, as ModernBERT's paper does (Warner et al. 2024, section 2.2), scores only those
(`sparse_prediction`), is compiled, and computes in bfloat16 where the machine multiplies that fast.
"""

import tempfile
from functools import partial
from pathlib import Path

import torch
import transformers
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from transformers import AutoTokenizer, ModernBertConfig, ModernBertForMaskedLM

from maskwright.data.loader import read_rows
from maskwright.data.order import shuffled_range
from maskwright.data.rows import Rows
from maskwright.hardware import fast_bf16
from maskwright.optimizers.muon import Muon
from maskwright.settings.schedule import learning_rate
from race.clock import Clock, Curve
from race.ours import OTHERS
from race.text import Text, score

RATIO = 0.3
WARMUP = 0.1
"""Share of the run in which the learning rate rises; it then falls in a line to 0, as Trainer has it."""


def model(text: Text, sizes: dict[str, int]) -> ModernBertForMaskedLM:
    """A fresh ModernBERT of our sizes that scores only what is asked, else as it comes."""
    v = text.shards.vocabulary
    ids = {"pad_token_id": v.pad, "cls_token_id": v.cls, "sep_token_id": v.sep, "bos_token_id": v.cls}
    config = ModernBertConfig(
        vocab_size=v.size, hidden_size=sizes["hidden"], num_hidden_layers=sizes["layers"],
        num_attention_heads=sizes["heads"], intermediate_size=sizes["intermediate"], eos_token_id=v.sep,
        sparse_prediction=True, **ids,
    )  # fmt: skip
    return ModernBertForMaskedLM(config)


def logits_of(peer: ModernBertForMaskedLM):
    """How it is examined: every position sees the whole row, as in training."""

    def predict_logits(rows: Rows, shown: Tensor, target_positions: Tensor) -> Tensor:
        peer.eval()
        hidden = peer.model(input_ids=shown, attention_mask=(rows.document >= 0).long()).last_hidden_state
        logits = peer.decoder(peer.head(hidden.flatten(0, 1)[target_positions]))
        peer.train()
        return logits

    return predict_logits


class Examined(transformers.TrainerCallback):
    """Takes the exam between steps."""

    def __init__(self, clock: Clock, batch_tokens: int):
        self.clock, self.batch_tokens = clock, batch_tokens

    def on_train_begin(self, args, state, control, **_):
        self.clock.start()

    def on_step_end(self, args, state, control, **_):
        self.clock.at(state.global_step * self.batch_tokens, state.global_step == state.max_steps)


def race(
    text: Text, sizes: dict[str, int], lr: float, tokens: int, batch_tokens: int, every: int, seed: int = 0, muon=False
) -> Curve:
    """One run over `tokens` tokens at peak learning rate `lr`; with `muon`, by our optimizer instead of its AdamW."""
    transformers.set_seed(seed)
    peer, steps, rows = model(text, sizes), tokens // batch_tokens, batch_tokens // text.train.length
    clock = Clock(lambda: score(logits_of(peer), text), every)
    with tempfile.TemporaryDirectory() as folder:
        text.shards.tokenizer.save(Path(folder))
        arguments = transformers.TrainingArguments(
            output_dir=folder, per_device_train_batch_size=rows, max_steps=steps, learning_rate=lr, seed=seed,
            warmup_steps=int(WARMUP * steps), weight_decay=0.01, adam_beta2=0.98, bf16=fast_bf16(torch.device("cpu")),
            torch_compile=True, use_cpu=True, save_strategy="no", report_to="none", logging_steps=50, disable_tqdm=True,
        )  # fmt: skip
        collator = transformers.DataCollatorForLanguageModeling(
            AutoTokenizer.from_pretrained(folder), mlm_probability=RATIO
        )
        transformers.Trainer(
            model=peer,
            args=arguments,
            train_dataset=dataset(text, steps * rows),
            data_collator=collator,
            callbacks=[Examined(clock, batch_tokens)],
            optimizers=ours(peer, lr, steps) if muon else (None, None),
        ).train()
    return clock.curve


race_with_muon = partial(race, muon=True)


def dataset(text: Text, count: int) -> list[dict[str, list[int]]]:
    """The first `count` rows in the order in which our side sees them."""
    epochs, numbers = shuffled_range(0, count, len(text.train), 0)
    rows = read_rows(text.train, numbers, epochs, 0.0)
    columns = rows.tokens.tolist(), (rows.document >= 0).long().tolist()
    return [{"input_ids": ids, "attention_mask": seen} for ids, seen in zip(*columns, strict=True)]


def ours(peer: torch.nn.Module, lr: float, steps: int) -> tuple[torch.optim.Optimizer, LambdaLR]:
    """Our Muon under our schedule."""
    optimizer = Muon(lr=lr, adamw_lr_ratio=OTHERS).build(peer)
    return optimizer, LambdaLR(optimizer, lambda step: learning_rate(min(step, steps - 1), steps, WARMUP, "linear"))
