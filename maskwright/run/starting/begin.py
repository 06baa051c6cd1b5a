"""What a config leaves open, it takes from the model that it begins with: model, tokenizer and objective."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...data.loader import length_schedule
from ...files.yaml_files import read_yaml
from ...models.transformers import in_folder, pretrained
from .. import saved
from ..discover import is_model
from ..sections import Rows
from .stretch import stretched

OWN_TOKENIZER = ("file", "kind", "size")
"""Options by which a config has a tokenizer of its own."""
RATIO = 0.3
"""Share of tokens that a masked model of `transformers` hides by default (Wettig et al. 2023, arXiv 2202.08005)."""


def begins_with(config: Any) -> str | None:
    """The folder that a run begins with: `training.init_from`, or else the one that its model names; None for none."""
    source = config.training.init_from
    return getattr(config.model, "path", None) if source is None else source


def filled_in(tree: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of a config, with those of the model that `training.init_from` names where they name none."""
    source = (tree.get("training") or {}).get("init_from") if isinstance(tree.get("training"), Mapping) else None
    given = {name: tree.get(name) or {} for name in ("model", "tokenizer", "objective")}
    if not source or not all(isinstance(part, Mapping) for part in given.values()):
        return dict(tree)
    open_ = [name for name in ("model", "objective") if not given[name].get("name")]
    open_ += [] if any(given["tokenizer"].get(name) for name in OWN_TOKENIZER) else ["tokenizer"]
    found = beginning(str(source)) if open_ else {}
    if isinstance(factor := tree["training"].get("stretch"), int | float) and "model" in found:
        found["model"] = stretched(_whole(found["model"]), factor, _longest(tree.get("rows")))
    return {**tree, **{name: {**found.get(name, {}), **given[name]} for name in open_}}


def _whole(model: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a model with those that a folder of `transformers` says."""
    path = model.get("path")
    return {**model, **(dataclasses.asdict(in_folder(path)) if path and not model.get("options") else {})}


def _longest(rows: Any) -> int:
    length = rows.length if isinstance(rows, Rows) else (rows or {}).get("length", Rows.length)
    return max(number for _, number in length_schedule(length))


def beginning(source: str) -> dict[str, dict[str, Any]]:
    """Model, tokenizer and objective of `source`: a run, or a folder of `transformers`; nothing where it is neither."""
    folder = Path(source).expanduser()
    if pretrained.is_pretrained(folder):
        causal = in_folder(source).head == "causal"
        objective: dict[str, Any] = {"name": "causal"} if causal else {"name": "mlm", "ratio": RATIO}
        return {
            "model": {"name": "transformers", "path": source},
            "tokenizer": {"file": source},
            "objective": objective,
        }
    if not is_model(folder):  # said when training begins; a config can be read without its models
        return {}
    facts, known = saved.read(final := saved.final(folder)), saved.run_of(folder)
    found = {"model": {**facts["settings"], "name": facts["name"]}, "tokenizer": {"file": str(final)}}
    return found | ({"objective": read_yaml(known / "config.yaml")["objective"]} if known else {})
