"""A published GPT-BERT (github.com/ltgoslo/gpt-bert, and its folders on the Hub) as one of ours, by names and sizes."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ...models.ltg_bert import GPT_BERT, LtgBert
from ...run.checkpoint import tensors

SIZES = {
    "hidden_size": "hidden",
    "num_hidden_layers": "layers",
    "num_attention_heads": "heads",
    "intermediate_size": "intermediate",
    "position_bucket_size": "buckets",
    "layer_norm_eps": "epsilon",
    "hidden_dropout_prob": "dropout",
}
"""Keys of its config, and ours."""
NAMES = {
    "embedding.word_embedding.weight": "embedding.weight",
    "embedding.relative_embedding": "distances.weight",
    "embedding.relative_layer_norm.weight": "distances_norm.weight",
    "embedding.relative_layer_norm.bias": "distances_norm.bias",
    "classifier.nonlinearity.1.weight": "head.1.weight",
    "classifier.nonlinearity.1.bias": "head.1.bias",
    "classifier.nonlinearity.5.bias": "decoder_bias",
}
BLOCK_NAMES = {
    "in_proj_qk": "attention.query_key",
    "in_proj_vg": "attention.value",
    "out_proj": "attention.out",
    "mlp.1": "feed_forward.into",
    "mlp.4": "feed_forward.out",
}
"""Within a layer, without the final `.weight` or `.bias`."""
MARK = "transformer.dwa_modules.alphas.0"
"""What neither LTG-BERT nor ELC-BERT has, whose configs have the same keys."""
FILES = "model.safetensors", "pytorch_model.bin"


def is_published(config: dict[str, Any]) -> bool:
    """Whether a config.json is of this family."""
    return SIZES.keys() <= config.keys()


def adopt(folder: Path, config: dict[str, Any]) -> tuple[LtgBert, dict[str, Tensor]]:
    """The settings and the weights under our names, float32.

    Raises ValueError when weights are missing, or are those of a relative.
    """
    found = _read(folder)
    if MARK not in found:
        raise ValueError(f"{folder} has no {MARK}: of this family, GPT-BERT with its weighted sums can be carried")
    length = config["max_position_embeddings"]
    given: dict[str, Any] = GPT_BERT | {ours: config[theirs] for theirs, ours in SIZES.items()}
    settings = LtgBert(**given, max_length=length, max_distance=length)
    with torch.device("meta"):
        wanted = list(settings.build(config["vocab_size"], torch.Generator()).state_dict())
    if lost := [name for name in wanted if public_name(name) not in found]:
        raise ValueError(f"{folder} lacks {len(lost)} weights of a GPT-BERT, as {public_name(lost[0])}")
    return settings, {name: found[public_name(name)].float() for name in wanted}


def public_name(name: str) -> str:
    """The name there of the parameter that is called `name` here."""
    if not name.startswith("layers."):
        return next(theirs for theirs, ours in NAMES.items() if ours == name)
    _, layer, rest = name.split(".", 2)
    part, kind = rest.rsplit(".", 1)
    if part.startswith("depth."):
        return f"transformer.dwa_modules.alphas.{2 * int(layer) + int(part[-1])}"
    theirs = next(theirs for theirs, ours in BLOCK_NAMES.items() if ours == part)
    return f"transformer.{'mlp' if 'mlp' in theirs else 'attention'}_layers.{layer}.{theirs}.{kind}"


def _read(folder: Path) -> dict[str, Tensor]:
    """The tensors in the file of weights; the prefix that data-parallel training puts before names is left out."""
    path = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if path is None:
        raise ValueError(f"{folder} has no weights: {' or '.join(FILES)}")
    found = tensors(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True, map_location="cpu")
    return {name.removeprefix("module."): tensor for name, tensor in found.items()}
