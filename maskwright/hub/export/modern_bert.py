"""A `modern` model as `transformers.ModernBertForMaskedLM`: the same numbers under the names that the hub knows."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from transformers import ModernBertConfig, ModernBertForMaskedLM

from ...models.modern import EPSILON, Modern
from ._weights import filled

NAMES = {
    "embedding.": "model.embeddings.tok_embeddings.",
    "norm.": "model.embeddings.norm.",
    "final_norm.": "model.final_norm.",
    "head.0.": "head.dense.",
    "head.2.": "head.norm.",
    "decoder_bias": "decoder.bias",
}
"""How a name starts in `modern` and in ModernBERT."""

BLOCK_NAMES = {
    "attention_norm": "attn_norm",
    "attention.query_key_value": "attn.Wqkv",
    "attention.out": "attn.Wo",
    "feed_forward_norm": "mlp_norm",
    "feed_forward.into": "mlp.Wi",
    "feed_forward.out": "mlp.Wo",
}
"""The same within a layer, without the final `.weight`."""

WINDOW = 64
"""Positions on each side that a config names where no layer is local."""
OURS = "nhot", "positions", "attention", "residual", "feed_forward", "distinct_layers", "soft_cap", "mask_later"
"""Settings that ModernBERT has one value of."""
SWITCHES: dict[str, Any] = {
    "hidden_activation": "gelu",
    "classifier_activation": "gelu",
    "norm_eps": EPSILON,
    "norm_bias": False,
    "attention_bias": False,
    "mlp_bias": False,
    "classifier_bias": False,
    "decoder_bias": True,
    "tie_word_embeddings": True,
}
"""What makes a ModernBERT a `modern`; all of it is the default there."""


def transformers_name(name: str) -> str:
    """The name in ModernBERT of the parameter that is called `name` in `modern`."""
    if name.startswith("layers."):
        _, layer, rest = name.split(".", 2)
        return f"model.layers.{layer}.{BLOCK_NAMES[rest.removesuffix('.weight')]}.weight"
    start = next(start for start in NAMES if name.startswith(start))
    return NAMES[start] + name.removeprefix(start)


def config(settings: Modern, vocabulary_size: int, **special: int | None) -> ModernBertConfig:
    """The ModernBERT configuration of `settings`; `special` are token ids such as `pad_token_id`.

    Raises ValueError for learned positions, n-hot embeddings and variants, which ModernBERT does not have.
    """
    for name in OURS:
        if (value := getattr(settings, name)) != (plain := getattr(Modern(), name)):
            raise ValueError(f"model.{name}={value} has no counterpart in ModernBERT; it takes {plain}")
    rotary = {"rope_type": "default", "rope_theta": settings.theta}
    kinds = ["sliding_attention" if local(settings, layer) else "full_attention" for layer in range(settings.layers)]
    ids = dict.fromkeys(["pad_token_id", "bos_token_id", "eos_token_id", "cls_token_id", "sep_token_id"]) | special
    made = ModernBertConfig(
        vocab_size=vocabulary_size,
        hidden_size=settings.hidden,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        intermediate_size=settings.intermediate,
        max_position_embeddings=settings.max_length,
        layer_types=kinds,
        local_attention=2 * (settings.window or WINDOW),
        rope_parameters={"full_attention": rotary, "sliding_attention": rotary | {"rope_theta": local_theta(settings)}},
        norm_eps=EPSILON,
        embedding_dropout=settings.dropout,
        attention_dropout=settings.dropout,
        mlp_dropout=settings.dropout,
        **ids,
    )
    for name, value in before_5(settings).items():
        setattr(made, name, value)
    return made


def before_5(settings: Modern) -> dict[str, Any]:
    """What transformers before 5 reads, and later ones pass over, instead of `layer_types` and `rope_parameters`."""
    return {
        "global_attn_every_n_layers": 1 if settings.window is None else settings.global_every,
        "global_rope_theta": settings.theta,
        "local_rope_theta": local_theta(settings),
    }


def local(settings: Modern, layer: int) -> bool:
    """Whether a layer attends to its neighbourhood only."""
    return settings.window is not None and layer % settings.global_every > 0


def local_theta(settings: Modern) -> float:
    """The base of local layers; that of all where there are none."""
    return settings.theta if settings.window is None else settings.local_theta


def settings_of(config: ModernBertConfig) -> Modern:
    """The settings that give a ModernBERT of `config`; the inverse of `config`.

    Raises ValueError where `modern` has no counterpart.
    """
    for switch, wanted in SWITCHES.items():
        if (found := getattr(config, switch)) != wanted:
            raise ValueError(f"{switch}={found!r} has no counterpart in modern, which takes {wanted!r}")
    dropouts = {config.embedding_dropout, config.attention_dropout, config.mlp_dropout}
    if len(dropouts) > 1:
        raise ValueError("modern has one dropout: those of embedding, attention and mlp must be equal")
    rotary, near = (rotary_of(config, kind) for kind in ("full_attention", "sliding_attention"))
    for one in (rotary, near):
        if one["rope_type"] != "default":
            raise ValueError(f"rope_type={one['rope_type']!r} has no counterpart in modern, which takes 'default'")
    return Modern(
        hidden=config.hidden_size,
        layers=config.num_hidden_layers,
        heads=config.num_attention_heads,
        intermediate=config.intermediate_size,
        max_length=config.max_position_embeddings,
        dropout=dropouts.pop(),
        theta=rotary["rope_theta"],
        **local_attention(config, near["rope_theta"]),
    )


def local_attention(config: ModernBertConfig, theta: float) -> dict[str, Any]:
    """The settings of local attention, none where every layer is global.

    Raises ValueError for an order of the layers that is not one global layer and then so many local ones, repeatedly.
    """
    if not hasattr(config, "layer_types"):
        every = config.global_attn_every_n_layers
        config.layer_types = ["sliding" * (layer % every > 0) for layer in range(config.num_hidden_layers)]
    are = [kind.startswith("sliding") for kind in config.layer_types]
    if not any(are):
        return {}
    every = next((layer for layer in range(1, len(are)) if not are[layer]), len(are))
    if are != [layer % every > 0 for layer in range(len(are))]:
        raise ValueError(f"layer_types={config.layer_types}: modern has every n-th layer global, from the first on")
    return {"window": config.local_attention // 2, "global_every": every, "local_theta": theta}


def rotary_of(config: ModernBertConfig, kind: str) -> dict[str, Any]:
    """`rope_type` and `rope_theta` of layers of a kind."""
    if hasattr(config, "rope_parameters"):
        return dict(config.rope_parameters[kind])
    theta = config.global_rope_theta if kind == "full_attention" else config.local_rope_theta
    return {"rope_type": "default", "rope_theta": theta}


def to_transformers(model: nn.Module, settings: Modern, **special: int | None) -> ModernBertForMaskedLM:
    """A ModernBERT with the weights of `model`, built from `settings`; `special` are ids such as `pad_token_id`."""
    made = config(settings, model.get_parameter("embedding.weight").shape[0], **special)
    return filled(lambda: ModernBertForMaskedLM(made), to_names(model.state_dict()), tied={"decoder.weight"})


def to_names(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Rename the entries of a `modern` state to those of ModernBERT."""
    return {transformers_name(name): weight for name, weight in weights.items()}


def from_names(weights: Mapping[str, Tensor], model: nn.Module) -> dict[str, Tensor]:
    """The state of `model` out of ModernBERT's; the inverse of `to_names`. KeyError names what is missing."""
    return {name: weights[transformers_name(name)] for name in model.state_dict()}
