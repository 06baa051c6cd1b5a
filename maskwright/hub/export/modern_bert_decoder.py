"""A `modern` model that reads forward as `transformers.ModernBertDecoderForCausalLM`: ModernBERT under a causal mask.

The names are ModernBERT's but for the head's and for queries, keys and values, which are three matrices there.
transformers has it since 4.54; before, there is no class of it.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from ...models.modern import Modern
from . import modern_bert
from ._weights import filled

SHARED = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "max_position_embeddings", "layer_types", "rope_parameters", "norm_eps", "embedding_dropout", "attention_dropout",
    "mlp_dropout", "pad_token_id", "bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id",
)  # fmt: skip
"""What the configurations of encoder and decoder have in common."""

JOINT = "attn.Wqkv.weight"
APART = "attn.q_proj.weight", "attn.k_proj.weight", "attn.v_proj.weight"


def config(settings: Modern, vocabulary_size: int, **special: int | None) -> Any:
    """The `ModernBertDecoderConfig` of `settings`; `special` are ids such as `pad_token_id`.

    Raises ValueError for learned positions and n-hot embeddings, which ModernBERT does not have, and when transformers
    is older than the decoder.
    """
    if not hasattr(transformers, "ModernBertDecoderConfig"):
        raise ValueError(f"transformers {transformers.__version__} has no causal ModernBERT, which came with 4.54")
    encoder = modern_bert.config(settings, vocabulary_size, **special)
    shared = {name: getattr(encoder, name) for name in SHARED}
    made = transformers.ModernBertDecoderConfig(local_attention=encoder.local_attention + 2, **shared)
    for name, value in modern_bert.before_5(settings).items():
        setattr(made, name, value)
    return made


def settings_of(config: Any) -> Modern:
    """The settings that give a decoder of `config`. Raises ValueError where `modern` has no counterpart."""
    found = modern_bert.settings_of(config)
    return found if found.window is None else replace(found, window=found.window - 1)  # the position itself counts


def to_transformers(model: nn.Module, settings: Modern, **special: int | None) -> Any:
    """A decoder with the weights of `model`, which `settings` built; `special` are token ids such as `pad_token_id`."""
    made = config(settings, model.get_parameter("embedding.weight").shape[0], **special)
    kind = transformers.ModernBertDecoderForCausalLM
    return filled(lambda: kind(made), to_names(model.state_dict()), tied={"decoder.weight"})


def to_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the entries of a `modern` state to those of the decoder."""
    named: dict[str, Tensor] = {}
    for name, weight in modern_bert.to_names(weights).items():
        if name.endswith(JOINT):
            start = name.removesuffix(JOINT)
            named |= {start + part: piece for part, piece in zip(APART, weight.chunk(3), strict=True)}
        else:
            named[f"lm_{name}" if name.startswith("head.") else name] = weight
    return named


def from_names(weights: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """The state of `model` out of the decoder's; the inverse of `to_names`. KeyError names what is missing."""
    encoder = {name.removeprefix("lm_"): weight for name, weight in weights.items()}
    for name in [name for name in weights if name.endswith(APART[0])]:
        start = name.removesuffix(APART[0])
        encoder[start + JOINT] = torch.cat([weights[start + part] for part in APART])
    return modern_bert.from_names(encoder, model)
