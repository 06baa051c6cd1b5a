"""Families of `transformers`: their configurations, their sizes under one name, and an untrained network."""

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...files.json_files import parse_json, read_object
from ...layers.dropout import quicken
from ...layers.init import check_memory
from ...settings import did_you_mean

SIZES = {
    "hidden": ("hidden_size",),
    "layers": ("num_hidden_layers",),
    "heads": ("num_attention_heads", "num_key_value_heads"),
    "intermediate": ("intermediate_size", "n_inner", "hidden_dim", "ffn_dim"),
}
"""Our name of a size, and the names that configurations have for it; each that is there gets it."""
NOT_OF_THE_MODEL = ("transformers_version", "_name_or_path", "dtype", "torch_dtype", "architectures")
"""What a config.json says of the file, not of the model."""
FEWEST_TOKENS = 0.9
"""Share of a folder's rows of embeddings for which its own tokenizer has a token; sizes are rounded up."""
CLASSES = {"masked": "AutoModelForMaskedLM", "causal": "AutoModelForCausalLM"}
"""The auto class of each head."""


def resolved(settings: Any) -> dict[str, Any]:
    """What a folder or a family says of a model: its architecture, head, configuration and longest row.

    Raises ValueError for a folder without a model, an unknown family, one without a head, and sizes that do not fit.
    """
    found: dict[str, Any] = {"architecture": settings.architecture, "options": settings.options}
    if settings.path is not None and not settings.options:
        found = _of_folder(settings, Path(settings.path).expanduser())
    found["head"] = settings.head or found.get("head") or _default_head(found["architecture"])
    config = configuration({**vars(settings), **found})
    there = positions(found["head"], config)
    if settings.path is not None and (settings.max_length or 0) > there:
        raise ValueError(f"max_length={settings.max_length}: {settings.path} has {there} positions")
    return found | {"max_length": settings.max_length or there}


def _of_folder(settings: Any, folder: Path) -> dict[str, Any]:
    if not (folder / "config.json").is_file():
        hub = "; names of the Hub are not looked up: download the model first" if not folder.exists() else ""
        raise ValueError(f"path={settings.path}: no model of transformers (config.json) is there{hub}")
    if sized := [name for name in SIZES if getattr(settings, name) is not None]:
        raise ValueError(f"{sized[0]}={getattr(settings, sized[0])}: the sizes are those of path={settings.path}")
    config = read_object(folder / "config.json")
    kind, named = str(config.get("model_type")), str((config.get("architectures") or [""])[0])
    head = "causal" if named.endswith(("ForCausalLM", "LMHeadModel")) else None
    return {
        "architecture": kind,
        "head": head or ("masked" if named.endswith(("ForMaskedLM", "ForPreTraining")) else None),
        "options": {name: value for name, value in config.items() if name not in NOT_OF_THE_MODEL},
    }


def _default_head(architecture: str) -> str:
    from transformers.models.auto import modeling_auto as auto

    heads = {"masked": auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES, "causal": auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES}
    if found := next((head for head, names in heads.items() if architecture in names), None):
        return found
    known = sorted({name for names in heads.values() for name in names})
    asked = did_you_mean(architecture, known) if len(known) < 40 else "see model_type in its config.json"
    raise ValueError(f"architecture={architecture}: transformers has no masked or causal class of it; {asked}")


def configuration(values: dict[str, Any]) -> Any:
    """The `PretrainedConfig` of settings, given as a mapping; that of a new model has our padding, id 0."""
    from transformers import CONFIG_MAPPING

    architecture, options = values["architecture"], dict(values["options"])
    if architecture not in CONFIG_MAPPING:
        raise ValueError(f"architecture={architecture}: {did_you_mean(architecture, CONFIG_MAPPING)}")
    kind, options = CONFIG_MAPPING[architecture], {k: v for k, v in options.items() if k != "model_type"}
    if values["path"] is None:
        options = _sized(values, kind()) | options
    made = _said(architecture, lambda: kind(**_rotated(options, kind())))
    for name in _dropouts(made) if values["dropout"] is not None else ():
        setattr(made, name, values["dropout"])
    return made


def _rotated(options: dict[str, Any], default: Any) -> dict[str, Any]:
    """With `rope_parameters` under the names that a class of transformers before 5, as `default` is one, reads."""
    rotary = options.get("rope_parameters") or {}
    if "rope_theta" not in rotary or not hasattr(default, "rope_theta"):
        return options
    scaling = {name: value for name, value in rotary.items() if name != "rope_theta"}
    return options | {"rope_theta": rotary["rope_theta"], "rope_scaling": scaling}


def _sized(values: dict[str, Any], default: Any) -> dict[str, Any]:
    """The sizes of a new model under the names of its family, of whose configurations `default` is one."""
    ids = (
        f"{role}_token_id" for role in ("pad", "bos", "eos", "cls", "sep")
    )  # which an export takes from the tokenizer
    found: dict[str, Any] = {name: 0 for name in ids if hasattr(default, name)}
    for ours, theirs in SIZES.items():
        if values[ours] is not None:
            found |= {name: values[ours] for name in theirs if hasattr(default, name)}
    if values["hidden"] and values["heads"] and getattr(default, "head_dim", None):
        found["head_dim"] = values["hidden"] // values["heads"]
    if values["layers"] and "layer_types" in vars(default):
        found["layer_types"] = None  # they follow from the number of layers
    return found


def _dropouts(config: Any) -> list[str]:
    values = config.to_dict()
    return [
        name
        for name, value in values.items()
        if "drop" in name and not isinstance(value, bool) and (isinstance(value, float) or value == 0)
    ]


def positions(head: str, config: Any) -> int:
    """How many tokens a row may have: the positions of the configuration, less those that a padding id takes up."""
    if not hasattr(config, "max_position_embeddings"):
        raise ValueError(f"architecture={config.model_type}: it has no number of positions (max_position_embeddings)")
    return int(config.max_position_embeddings) - first_position(_one_layer(head, config.model_type, _written(config)))


def _written(config: Any) -> str:
    return json.dumps(config.to_dict(), default=str, sort_keys=True)


@lru_cache(maxsize=16)
def _one_layer(head: str, architecture: str, written: str) -> nn.Module:
    """A network of that configuration without weights, to read its structure; the text is the key."""
    from transformers import CONFIG_MAPPING

    options = {k: v for k, v in parse_json(written, architecture).items() if k not in ("model_type", *NOT_OF_THE_MODEL)}
    options |= {"num_hidden_layers": 1} | ({"layer_types": None} if options.get("layer_types") else {})
    with torch.device("meta"):
        return _made(head, _said(architecture, lambda: CONFIG_MAPPING[architecture](**options)))


def first_position(network: nn.Module) -> int:
    """The number of the first position: after the padding id, in families that count from there, as RoBERTa does."""
    for name, module in network.named_modules():
        if name.endswith("position_embeddings") and getattr(module, "padding_idx", None) is not None:
            return int(module.padding_idx) + 1
    return 0


def network(settings: Any, vocabulary_size: int, generator: torch.Generator) -> nn.Module:
    """An untrained network of `transformers` with the class's own initialisation, drawn from `generator`.

    Raises ValueError where there is no room for it.
    """
    config = configuration(vars(settings))
    rows = vocabulary_size
    if settings.path is not None:
        rows = max(rows, config.vocab_size) if rows >= FEWEST_TOKENS * config.vocab_size else rows
    else:
        assert settings.max_length
        before = first_position(_one_layer(str(settings.head), config.model_type, _written(config)))
        config.max_position_embeddings = settings.max_length + before
    config.vocab_size = rows
    with torch.device("meta"):
        check_memory(_made(str(settings.head), config))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        made = _made(str(settings.head), config).float()
    made.get_input_embeddings().padding_idx = None  # type: ignore[operator]  # the tokenizer says what is padding
    return quicken(made)


def _made(head: str, config: Any) -> nn.Module:
    import transformers

    auto = getattr(transformers, CLASSES[head])
    made: nn.Module = _said(config.model_type, lambda: auto.from_config(config))
    return made


def _said(architecture: str, make: Callable[[], Any]) -> Any:
    """What `make` makes. Raises ValueError with what the family says of sizes that do not fit, as each says it."""
    try:
        return make()
    except Exception as error:
        said = " ".join(str(error.__cause__ or error).split())[:200]
        raise ValueError(f"architecture={architecture}: transformers makes no such model: {said}") from None
