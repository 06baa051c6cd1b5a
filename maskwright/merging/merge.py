"""Several trained models as one, a folder that opens as a run does and says where it came from."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..run import saved
from ..run.config import Config
from ..run.load import LoadedRun, load
from ..settings import registry
from ..storage.atomic import atomic_folder


@dataclass(frozen=True)
class Merge:
    """What is merged, and how."""

    models: Sequence[Path]
    """Runs, checkpoints or models kept; the first says whose text and budget the result goes on with."""
    weights: Sequence[float]
    method: str
    """A file in `mergers/`."""
    base: Path | None = None
    """The model that the others are measured from, where the method has one."""


def merge(wish: Merge, out: Path) -> str:
    """Write the run `out`, and say what it is.

    `out/merged.json` names the parents, their weights and what they were trained to do. `out/config.yaml` has the
    objective of the first, or where another has another, a mixture of both, half of the rows each; training would go on
    from the merged weights. Raises ValueError when `out` holds something, or the models are not alike.
    """
    _check(wish, out)
    sources = [_opened(path) for path in wish.models]
    base = _opened(wish.base) if wish.base else None
    others = list(zip(wish.models, sources, strict=True))[1:] + ([(wish.base, base)] if wish.base and base else [])
    for path, other in others:
        if told := difference(sources[0], other):
            raise ValueError(f"{path} cannot be merged with {wish.models[0]}: {told}")
    weights = merged(wish, sources, base)
    config = _config(sources, out)
    with atomic_folder(out) as aside:
        saved.save(
            aside / "final", weights, sources[0].model_settings, sources[0].tokenizer, sources[0].text_fingerprint
        )
        config.write(aside / "config.yaml")
        (aside / "merged.json").write_text(json.dumps(_origin(wish, sources), indent=1))
    return _told(wish, sources, config)


def numbers(written: str | None, count: int) -> list[float]:
    """The weights in `0.7,0.3`; equal shares of `count` where nothing is written. Raises ValueError for a word."""
    if written is None:
        return [1 / count] * count
    try:
        return [float(part) for part in written.split(",")]
    except ValueError:
        raise ValueError(f"weights={written!r}: give numbers with commas, such as 0.7,0.3") from None


def _check(wish: Merge, out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is not empty: choose another folder")
    if len(wish.models) < 2:
        raise ValueError(f"{len(wish.models)} model is given: two or more are merged")
    if len(wish.weights) != len(wish.models) or not all(map(isfinite, wish.weights)):
        given = ",".join(f"{weight:g}" for weight in wish.weights)
        raise ValueError(f"weights={given}: give a number for each of the {len(wish.models)} models")
    if not any(wish.weights):
        raise ValueError("every weight is 0: nothing is left of the models")
    if (needs := registry.module("merging.methods", wish.method).BASE) != (wish.base is not None):
        has = "needs a" if needs else "has no"
        raise ValueError(f"method={wish.method} {has} base: the model that tasks began from")


def _opened(path: Path) -> LoadedRun:
    found = load(path, "cpu")
    found.known_config  # noqa: B018  raises
    return found


def difference(one: LoadedRun, other: LoadedRun) -> str:
    """The first thing in which two models differ that makes them unlike, in words; empty where they are alike."""
    if told := saved.difference(*(saved.describe(source.model_settings, 0) for source in (one, other))):
        return told
    if one.tokenizer.fingerprint != other.tokenizer.fingerprint:
        return "it has another tokenizer"
    for (name, fixed), (_, theirs) in zip(one.model.named_buffers(), other.model.named_buffers(), strict=True):
        if not torch.equal(fixed, theirs):
            return f"its n-hot parts are others, in {name}"
    return ""


@torch.no_grad()
def merged(wish: Merge, sources: Sequence[LoadedRun], base: LoadedRun | None) -> dict[str, Tensor]:
    """Every tensor of the merged model by name; what is not trained is that of the first."""
    found = registry.module("merging.methods", wish.method)
    states = [source.model.state_dict() for source in sources]
    begin: Mapping[str, Tensor] = base.model.state_dict() if base else {}
    trained = {name for name, _ in sources[0].model.named_parameters(remove_duplicate=False)}
    return {
        name: found.merge([state[name] for state in states], wish.weights, begin.get(name)) if name in trained else kept
        for name, kept in states[0].items()
    }


def _config(sources: Sequence[LoadedRun], out: Path) -> Config:
    """That of the first, with what the others learned to do."""
    first, *others = (config.tree() for config in _configs(sources))
    other = next((tree for tree in others if tree["objective"]["name"] != first["objective"]["name"]), None)
    if other:
        parts = {"masked": first["objective"], "causal": other["objective"]}
        first["objective"] = {"name": "hybrid", "share": 0.5} | parts
    first["training"]["init_from"] = str(out.resolve())
    return Config.of(first)


def _configs(sources: Sequence[LoadedRun]) -> Iterator[Config]:
    for source in sources:
        assert source.config
        yield source.config


def _origin(wish: Merge, sources: Sequence[LoadedRun]) -> dict[str, Any]:
    columns = zip(wish.models, wish.weights, _configs(sources), sources, strict=True)
    parents = [
        {
            "run": str(path.resolve()),
            "weight": weight,
            "objective": config.tree()["objective"],
            "data": source.text_fingerprint,
        }
        for path, weight, config, source in columns
    ]
    return {"method": wish.method, "base": str(wish.base.resolve()) if wish.base else None, "parents": parents}


def _told(wish: Merge, sources: Sequence[LoadedRun], config: Config) -> str:
    shares = " + ".join(f"{weight:g} {path}" for path, weight in zip(wish.models, wish.weights, strict=True))
    lines = [f"{wish.method}  {shares}" + (f", from {wish.base}" if wish.base else "")]
    lines += [f"objective  {config.tree()['objective']['name']}"]
    if len({source.text_fingerprint for source in sources}) > 1:
        lines.append("the models were trained on different text: what the first held out, others may have seen")
    return "\n".join(lines)
