"""A model of `transformers` as one of ours: its settings and its weights, for the families that we have too."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM

from ...files.json_files import read_object
from ...models.transformers.quiet import silence
from ..export import deberta_v2, modern_bert, modern_bert_decoder
from . import gpt_bert

FAMILIES: dict[str, tuple[Any, Any]] = {
    "modernbert": (modern_bert, AutoModelForMaskedLM),
    "modernbert-decoder": (modern_bert_decoder, AutoModelForCausalLM),
    "deberta-v2": (deberta_v2, AutoModelForMaskedLM),
}
"""The `model_type` of a config to the file that knows the family, and the auto class of its head."""

ROWS = ("embedding.weight", "decoder_bias")
"""What has a row for each token."""


def adopt(folder: Path) -> tuple[Any, dict[str, Tensor], str]:
    """The settings, the weights under our names (float32), and the objective that the model in `folder` was trained by.

    Raises ValueError, in one sentence, when it is of no family that we have, or has what ours have not.
    """
    if not (folder / "config.json").is_file():
        raise ValueError(f"{folder} holds no model of transformers (config.json)")
    if gpt_bert.is_published(written := read_object(folder / "config.json")):
        return *gpt_bert.adopt(folder, written), "hybrid"
    config = AutoConfig.from_pretrained(folder)
    if config.model_type not in FAMILIES:
        raise ValueError(
            f"{folder} holds {config.model_type}, and what can be carried is {', '.join(FAMILIES)} and GPT-BERT; "
            f"it trains as it is: model.name=transformers model.path={folder} tokenizer.file={folder}"
        )
    family, auto = FAMILIES[config.model_type]
    settings = family.settings_of(config)
    with silence():
        peer, reloaded = auto.from_pretrained(folder, output_loading_info=True)
    if lost := [*reloaded["missing_keys"], *reloaded["mismatched_keys"]]:
        raise ValueError(f"{folder} lacks {len(lost)} weights of a {type(peer).__name__}, as {lost[0]}")
    with torch.device("meta"):
        ours = settings.build(config.vocab_size, torch.Generator())
    objective = "causal" if auto is AutoModelForCausalLM else "mlm"
    return settings, family.from_names(peer.float().state_dict(), ours), objective


def resized(weights: dict[str, Tensor], size: int) -> dict[str, Tensor]:
    """The weights for `size` tokens: rows without a token go, tokens without a row get the mean of the others."""
    changed = {}
    for name in ROWS:
        kept = weights[name][:size]
        mean = kept.mean(0, keepdim=True)
        changed[name] = torch.cat([kept, mean.expand(size - len(kept), *mean.shape[1:])]).contiguous()
    return weights | changed
