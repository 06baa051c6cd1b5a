"""A `deberta` model as `transformers.DebertaV2ForMaskedLM`: the same numbers under the names that the hub knows."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from transformers import DebertaV2Config, DebertaV2ForMaskedLM

from ...models.deberta import EPSILON, Deberta
from ._weights import filled

NAMES = {
    "embedding.": "deberta.embeddings.word_embeddings.",
    "norm.": "deberta.embeddings.LayerNorm.",
    "distances.": "deberta.encoder.rel_embeddings.",
    "distances_norm.": "deberta.encoder.LayerNorm.",
    "head.0.": "cls.predictions.transform.dense.",
    "head.2.": "cls.predictions.transform.LayerNorm.",
    "decoder_bias": "cls.predictions.bias",
}
"""How a name starts in `deberta` and in DebertaV2."""

BLOCK_NAMES = {
    "attention.query": "attention.self.query_proj",
    "attention.key": "attention.self.key_proj",
    "attention.value": "attention.self.value_proj",
    "attention.out": "attention.output.dense",
    "attention_norm": "attention.output.LayerNorm",
    "into": "intermediate.dense",
    "out": "output.dense",
    "norm": "output.LayerNorm",
}
"""The same within a layer, without the final `.weight` or `.bias`."""

SWITCHES: dict[str, Any] = {
    "relative_attention": True,
    "pos_att_type": ["p2c", "c2p"],
    "share_att_key": True,
    "norm_rel_ebd": "layer_norm",
    "position_biased_input": False,
    "type_vocab_size": 0,
    "hidden_act": "gelu",
    "legacy": True,
}
"""What makes a DebertaV2 a `deberta`: the switches of the v3 models, and the head that is the default there."""


def transformers_name(name: str) -> str:
    """The name in DebertaV2 of the parameter that is called `name` in `deberta`."""
    if name.startswith("layers."):
        _, layer, rest = name.split(".", 2)
        part, _, kind = rest.rpartition(".")
        return f"deberta.encoder.layer.{layer}.{BLOCK_NAMES[part]}.{kind}"
    start = next(start for start in NAMES if name.startswith(start))
    return NAMES[start] + name.removeprefix(start)


def config(settings: Deberta, vocabulary_size: int, **special: int | None) -> DebertaV2Config:
    """The DebertaV2 configuration of `settings`; `special` are token ids such as `pad_token_id`.

    Raises ValueError for n-hot embeddings, which DebertaV2 does not have.
    """
    if settings.nhot is not None:
        raise ValueError(f"model.nhot={settings.nhot} has no counterpart in DebertaV2; it takes none")
    return DebertaV2Config(
        vocab_size=vocabulary_size,
        hidden_size=settings.hidden,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        intermediate_size=settings.intermediate,
        max_position_embeddings=settings.max_length,
        max_relative_positions=settings.max_distance,
        position_buckets=settings.buckets,
        layer_norm_eps=EPSILON,
        hidden_dropout_prob=settings.dropout,
        attention_probs_dropout_prob=settings.dropout,
        **SWITCHES,
        **({"pad_token_id": None} | special),
    )


def settings_of(config: DebertaV2Config) -> Deberta:
    """The settings that give a DebertaV2 of `config`; the inverse of `config`.

    Raises ValueError where `deberta` has no counterpart.
    """
    for switch, wanted in (SWITCHES | {"layer_norm_eps": EPSILON}).items():
        found = getattr(config, switch, None)
        if sorted(found or []) != sorted(wanted) if isinstance(wanted, list) else found != wanted:
            raise ValueError(f"{switch}={found!r} has no counterpart in deberta, which takes {wanted!r}")
    if config.hidden_dropout_prob != config.attention_probs_dropout_prob:
        raise ValueError("deberta has one dropout: hidden_dropout_prob and attention_probs_dropout_prob must be equal")
    max_distance = config.max_relative_positions
    return Deberta(
        hidden=config.hidden_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        intermediate=config.intermediate_size,
        max_length=config.max_position_embeddings,
        dropout=config.hidden_dropout_prob,
        buckets=config.position_buckets,
        max_distance=max_distance if max_distance > 0 else config.max_position_embeddings,
    )


def to_transformers(model: nn.Module, settings: Deberta, **special: int | None) -> DebertaV2ForMaskedLM:
    """A DebertaV2 with the weights of `model`, built from `settings`; `special` are ids such as `pad_token_id`."""
    made = config(settings, model.get_parameter("embedding.weight").shape[0], **special)
    return filled(
        lambda: DebertaV2ForMaskedLM(made),
        to_names(model.state_dict()),
        tied={"cls.predictions.decoder.weight", "cls.predictions.decoder.bias"},
    )


def to_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the entries of a `deberta` state to those of DebertaV2."""
    return {transformers_name(name): weight for name, weight in weights.items()}


def from_names(weights: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """The state of `model` out of DebertaV2's; the inverse of `to_names`. KeyError names what is missing."""
    return {name: weights[transformers_name(name)] for name in model.state_dict()}
