"""A run, a checkpoint or a folder `final`, handed over to `transformers`."""

from dataclasses import replace
from pathlib import Path

import torch

from ...attention import BOTH, FORWARD
from ...data.rows import Rows
from ...objectives.base.capabilities import backends, predicted
from ...objectives.base.objective import Objective
from ...objectives.base.problem import Problem
from ...run import saved
from ...run.load import LoadedRun
from ...settings.registry import name_of
from ...storage.atomic import atomic_folder
from ...text.tokenizers.tokenizer import Tokenizer
from .published import published


def way(objective: Objective | None, causal: bool | None) -> tuple[bool, str]:
    """Whether a model is handed over as one that reads forward, and the backend that scores it.

    By default as it was trained, first of all. Raises ValueError when it was not trained so, or nobody knows how.
    """
    if objective is None:
        if causal is None:
            raise ValueError("how the model was trained is not known: say whether it is --masked or --causal")
        return causal, "causal" if causal else "mlm"
    ways = {name: name == "causal" for name in backends(objective) if name != "backward"}
    if not ways and "backward" in objective.capabilities:
        raise ValueError("the model only reads backward, which no class of transformers supports")
    ways = ways or {"own": False}
    found = next((name for name, forward in ways.items() if causal in (None, forward)), None)
    if found is None:
        asked, has = ("causal", "masked") if causal else ("masked", "causal")
        raise ValueError(
            f"the model was trained by {name_of(objective)}, which does not give a {asked} model: use --{has}"
        )
    return ways[found], found


def export(
    source: LoadedRun,
    out: Path,
    causal: bool | None = None,
    name: str = "",
    revision: str = "",
    own_code: bool = False,
) -> str:
    """Write `source` as a folder of `transformers` with its card, and say under which class and why.

    model.json and config.yaml go along, so that `maskwright.load` opens the folder as the very model that it was; files
    of this machine are in it by their names alone.

    name, revision: by which it will be loaded, as the card says; by default the folder's name, and none.
    own_code: with our modelling file even where `transformers` has a class, which older versions of it may lack.

    Raises ValueError when `out` holds something already, or the model was not trained in that way.
    """
    from . import model_card, transformers

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is not empty: choose another folder")
    forward, backend = way(source.objective, causal)
    tokenizer = opened_as_trained(source, forward)
    found = transformers.peer(source.model, source.model_settings, tokenizer.vocabulary, forward, own_code)
    config = published(source.config) if source.config else None
    settings = source.model_settings
    if path := getattr(settings, "path", None):
        settings = replace(settings, path=Path(path).name)
    facts = {
        "name": name or out.resolve().name,
        "revision": revision,
        "kind": type(found.model).__name__,
        "why": found.why + _adapters(source),
        "causal": getattr(source.model, "causal", forward),
        "remote": found.source is not None,
        "backend": backend,
        "predicts": " and ".join(predicted(source.objective)) if source.objective else "",
        "parameters": sum(parameter.numel() for parameter in source.model.parameters()),
        "vocabulary": source.tokenizer.vocabulary.size,
        "length": source.model_settings.max_length,
    }
    with atomic_folder(out) as aside:
        transformers.write(aside, found, tokenizer, source.model_settings.max_length, forward)
        text = model_card.card(facts, config.tree() if config else {}, source.metrics)
        (aside / "README.md").write_text(text, encoding="utf-8")
        saved.write_description(aside, settings, tokenizer, source.text_fingerprint, found.names)
        if config:
            config.write(aside / "config.yaml")
    code = "with code of ours (trust_remote_code=True)" if found.source else "native"
    return f"{facts['kind']}, {code}: {facts['why']}"


def _adapters(source: LoadedRun) -> str:
    """What became of low-rank adapters, in words; empty where there were none."""
    lora = source.config.training.lora if source.config else None
    return f"; its adapters of rank {lora.rank} are added to its matrices" if lora else ""


def opened_as_trained(source: LoadedRun, forward: bool) -> Tokenizer:
    """The tokenizer by which a text opens as in training, with [FW] where the objective puts that before it."""
    if source.config is None:
        return source.tokenizer
    known = source.tokenizer.vocabulary
    row = torch.tensor([[known.cls, int(known.ordinary[0]), known.sep]])
    word, nought = torch.tensor([[0, 1, 0]], dtype=torch.int32), torch.zeros(1, dtype=torch.int64)
    rows = Rows(row, torch.zeros_like(word), word, nought, nought, 1.0, known)
    way = torch.full_like(nought, FORWARD if forward else BOTH)
    seen = source.config.objective.prepare_inputs(Problem(row, row, torch.ones(row.shape), way), rows).inputs
    return source.tokenizer if torch.equal(seen, row) else source.tokenizer.opening(int(seen[0, 0]))
