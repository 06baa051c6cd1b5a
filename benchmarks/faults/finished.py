"""A finished run for the inputs that need one: as small as one can be, made once."""

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path

from maskwright.run.config import Config
from maskwright.run.load import LoadedRun, load
from maskwright.training.trainer import Trainer


@cache
def folder(objective: str = "mlm") -> Path:
    """The folder of the run."""
    place = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, place, ignore_errors=True)
    words = ("the cat sat on a mat", "a dog ran to the old house", "what is said here is said twice")
    texts = (f"{words[n % 3]} {n}. It was number {n * n}, and {words[n % 2]}." for n in range(60))
    (place / "text.txt").write_text("\n\n".join(texts))
    tree = {
        "corpus": {"files": [str(place / "text.txt")]},
        "tokenizer": {"size": 300},
        "rows": {"length": 16},
        "model": {"name": "modern", "hidden": 8, "layers": 1, "heads": 1, "intermediate": 8, "max_length": 2048},
        "objective": {"name": objective},
        "training": {"steps": 2, "batch_tokens": 64, "precision": "fp32", "device": "cpu"},
        "evaluation": {"held_out": 0.2},
    }
    Trainer(Config.of(tree), place / "run", show=False).train()
    return place / "run"


@cache
def opened(objective: str = "mlm") -> LoadedRun:
    """The run, open."""
    return load(folder(objective), "cpu")
