"""Merge several trained models into one: a folder that opens like a run and records its parents."""

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
    """What to merge, and how."""

    models: Sequence[Path]
    """Runs, checkpoints or kept models; the result inherits the text and budget of the first."""
    weights: Sequence[float]
    method: str
    """A file in `merging/methods/`."""
    base: Path | None = None
    """The common ancestor for methods that merge task vectors."""


def merge(request: Merge, out: Path) -> str:
    """Write the run `out`, and return a description.

    `out/merged.json` lists the parents, their weights and objectives. `out/config.yaml` has the objective of the first,
    or a hybrid of two different ones with half of the rows each, and continues training from the merged weights.
    Raises ValueError when `out` is not empty, or the models do not match.
    """
    _check(request, out)
    sources = [_opened(path) for path in request.models]
    base = _opened(request.base) if request.base else None
    others = list(zip(request.models, sources, strict=True))[1:] + (
        [(request.base, base)] if request.base and base else []
    )
    for path, other in others:
        if reason := difference(sources[0], other):
            raise ValueError(f"{path} cannot be merged with {request.models[0]}: {reason}")
    weights = merged(request, sources, base)
    config = _config(sources, out)
    with atomic_folder(out) as aside:
        saved.save(
            aside / "final", weights, sources[0].model_settings, sources[0].tokenizer, sources[0].text_fingerprint
        )
        config.write(aside / "config.yaml")
        (aside / "merged.json").write_text(json.dumps(_origin(request, sources), indent=1))
    return _describe(request, sources, config)


def numbers(written: str | None, count: int) -> list[float]:
    """The weights in `0.7,0.3`; by default `count` equal shares. Raises ValueError for anything else."""
    if written is None:
        return [1 / count] * count
    try:
        return [float(part) for part in written.split(",")]
    except ValueError:
        raise ValueError(f"weights={written!r}: give numbers separated by commas, such as 0.7,0.3") from None


def _check(request: Merge, out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is not empty: choose another folder")
    if len(request.models) < 2:
        raise ValueError(f"{len(request.models)} model is given: give at least two")
    if len(request.weights) != len(request.models) or not all(map(isfinite, request.weights)):
        given = ",".join(f"{weight:g}" for weight in request.weights)
        raise ValueError(f"weights={given}: give a number for each of the {len(request.models)} models")
    if not any(request.weights):
        raise ValueError("every weight is 0: give at least one that is not")
    if (needs := registry.module("merging.methods", request.method).BASE) != (request.base is not None):
        has = "needs a" if needs else "has no"
        raise ValueError(f"method={request.method} {has} base: the model that the others were trained from")


def _opened(path: Path) -> LoadedRun:
    found = load(path, "cpu")
    found.known_config  # noqa: B018  raises
    return found


def difference(one: LoadedRun, other: LoadedRun) -> str:
    """The first difference that prevents merging, in words; empty if there is none."""
    if reason := saved.difference(*(saved.describe(source.model_settings, 0) for source in (one, other))):
        return reason
    if one.tokenizer.fingerprint != other.tokenizer.fingerprint:
        return "it has another tokenizer"
    for (name, fixed), (_, theirs) in zip(one.model.named_buffers(), other.model.named_buffers(), strict=True):
        if not torch.equal(fixed, theirs):
            return f"it has other n-hot parts, in {name}"
    return ""


@torch.no_grad()
def merged(request: Merge, sources: Sequence[LoadedRun], base: LoadedRun | None) -> dict[str, Tensor]:
    """Every tensor of the merged model by name; buffers are those of the first."""
    found = registry.module("merging.methods", request.method)
    states = [source.model.state_dict() for source in sources]
    begin: Mapping[str, Tensor] = base.model.state_dict() if base else {}
    trained = {name for name, _ in sources[0].model.named_parameters(remove_duplicate=False)}
    return {
        name: found.merge([state[name] for state in states], request.weights, begin.get(name))
        if name in trained
        else kept
        for name, kept in states[0].items()
    }


def _config(sources: Sequence[LoadedRun], out: Path) -> Config:
    """The first model's config, with the objectives of the others."""
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


def _origin(request: Merge, sources: Sequence[LoadedRun]) -> dict[str, Any]:
    columns = zip(request.models, request.weights, _configs(sources), sources, strict=True)
    parents = [
        {
            "run": str(path.resolve()),
            "weight": weight,
            "objective": config.tree()["objective"],
            "data": source.text_fingerprint,
        }
        for path, weight, config, source in columns
    ]
    return {"method": request.method, "base": str(request.base.resolve()) if request.base else None, "parents": parents}


def _describe(request: Merge, sources: Sequence[LoadedRun], config: Config) -> str:
    shares = " + ".join(f"{weight:g} {path}" for path, weight in zip(request.models, request.weights, strict=True))
    lines = [f"{request.method}  {shares}" + (f", from {request.base}" if request.base else "")]
    lines += [f"objective  {config.tree()['objective']['name']}"]
    if len({source.text_fingerprint for source in sources}) > 1:
        lines.append(
            "the models were trained on different text: some may have trained on the first one's held-out text"
        )
    return "\n".join(lines)
