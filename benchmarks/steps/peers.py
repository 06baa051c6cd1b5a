"""The steps of `transformers`: models with labels, scored at every position, as its Trainer runs them."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from transformers import (
    BertConfig,
    BertForMaskedLM,
    DebertaV2Config,
    DebertaV2ForMaskedLM,
    GPT2Config,
    GPT2LMHeadModel,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedModel,
)

from .task import Task, step


def bert(task: Task) -> PreTrainedModel:
    config = BertConfig(
        **_sizes(task),
        intermediate_size=task.feed_forward,
        hidden_dropout_prob=task.dropout,
        attention_probs_dropout_prob=task.dropout,
    )
    return BertForMaskedLM(config)


def deberta_v2(task: Task) -> PreTrainedModel:
    """With the switches of the published DeBERTa-v3 models."""
    config = DebertaV2Config(
        **_sizes(task),
        intermediate_size=task.feed_forward,
        hidden_dropout_prob=task.dropout,
        attention_probs_dropout_prob=task.dropout,
        relative_attention=True,
        position_buckets=256,
        norm_rel_ebd="layer_norm",
        share_att_key=True,
        pos_att_type=["p2c", "c2p"],
        position_biased_input=False,
    )
    return DebertaV2ForMaskedLM(config)


def modernbert(task: Task, sparse: bool = False) -> PreTrainedModel:
    """With its usual pattern of local and global layers; `sparse`: with scores only where there is a label."""
    ids = dict.fromkeys(["bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"], 1)
    config = ModernBertConfig(
        **_sizes(task),
        intermediate_size=task.gated,
        embedding_dropout=task.dropout,
        attention_dropout=task.dropout,
        mlp_dropout=task.dropout,
        pad_token_id=0,
        sparse_prediction=sparse,
        **ids,
    )
    return ModernBertForMaskedLM(config)


def gpt2(task: Task) -> PreTrainedModel:
    """Causal, with its fused attention; labels are its inputs, which it shifts itself."""
    sizes = {"n_embd": task.hidden, "n_layer": task.layers, "n_head": task.heads, "n_positions": 512}
    dropout = dict.fromkeys(["resid_pdrop", "embd_pdrop", "attn_pdrop"], task.dropout)
    ids = dict.fromkeys(["bos_token_id", "eos_token_id"], 1)
    return GPT2LMHeadModel(GPT2Config(vocab_size=task.vocabulary, **sizes, **dropout, **ids, use_cache=False))


PEERS: dict[str, Callable[[Task], PreTrainedModel]] = {
    "bert": bert,
    "modernbert": modernbert,
    "modernbert-sparse": partial(modernbert, sparse=True),
    "deberta-v2": deberta_v2,
    "gpt-2": gpt2,
}


def peer(task: Task, name: str, compiled: bool) -> Callable[[], None]:
    """An update of the peer `name`."""
    torch.manual_seed(0)
    model = PEERS[name](task).to(task.device).train()
    inputs, asked, targets = task.batch()
    hidden = torch.full_like(inputs, -100).flatten().index_copy(0, asked, targets).view_as(inputs)
    labels = inputs if task.causal else hidden
    seen = torch.ones_like(inputs)
    ask = torch.compile(model) if compiled else model

    def loss() -> Tensor:
        return ask(input_ids=inputs, attention_mask=seen, labels=labels).loss

    return step(model, loss, task.device)


def _sizes(task: Task) -> dict[str, int]:
    return {
        "vocab_size": task.vocabulary,
        "hidden_size": task.hidden,
        "num_hidden_layers": task.layers,
        "num_attention_heads": task.heads,
        "max_position_embeddings": 512,
    }
