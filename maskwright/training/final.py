"""The end of a run: a folder with the weights, the model's settings and the tokenizer, and the way back from it."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import nn

from .. import folder
from ..config import make
from ..text.tokenizer import Tokenizer
from .checkpoint import steps, written_aside


def save(out: Path, model: nn.Module, settings: Any, tokenizer: Tokenizer) -> None:
    """Write `out`: model.safetensors, model.json and the tokenizer's files."""
    with written_aside(out) as aside:
        tokenizer.save(aside)
        (aside / "model.json").write_text(json.dumps(describe(settings, tokenizer.vocabulary.size), indent=1))
        safetensors.torch.save_model(model, str(aside / "model.safetensors"))


def describe(settings: Any, vocabulary_size: int) -> dict[str, Any]:
    """What it takes to build the model anew."""
    knobs = {f.name: getattr(settings, f.name) for f in dataclasses.fields(settings) if f.init}
    return {"name": folder.name_of(settings), "vocabulary_size": vocabulary_size, "knobs": knobs}


def load(source: str | Path, device: str | torch.device = "cpu") -> tuple[nn.Module, Tokenizer]:
    """The model (in evaluation mode) and the tokenizer of a finished run, or of its folder `final`.

    Raises ValueError when `source` holds none.
    """
    path = Path(source)
    final = path / "final" if (path / "final").is_dir() else path
    if not (final / "model.json").is_file():
        unfinished = (
            f"; its run stopped at step {found[-1]}, resume it" if (found := steps(path / "checkpoints")) else ""
        )
        raise ValueError(f"{path} holds no trained model (final/model.json){unfinished}")
    facts = json.loads((final / "model.json").read_text())
    kind, _ = folder.load("models", facts["name"])
    settings: Any = make(kind, facts["knobs"], "model")
    model: nn.Module = settings.build(facts["vocabulary_size"], torch.Generator().manual_seed(0))
    safetensors.torch.load_model(model, str(final / "model.safetensors"))
    return model.to(device).eval(), Tokenizer.load(final)
