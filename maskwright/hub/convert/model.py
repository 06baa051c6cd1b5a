"""A model of `transformers` as the beginning of a run: a folder `final`, and a config that goes on from it."""

from pathlib import Path

from ...run import saved
from ...run.config import Config
from ...settings.registry import name_of
from ...text.tokenizers.tokenizer import Tokenizer


def adopt(folder: Path, out: Path) -> str:
    """Write the run `out` from the model and the tokenizer in `folder`, and say what was carried.

    `out/config.yaml` continues training it: training.init_from is `out` and the tokenizer is the model's own; text,
    objective and budget are for the user to choose. Raises ValueError when `out` exists or the model is unsupported.
    """
    from .weights import ROWS, adopt, resized

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} is not empty: choose another folder")
    settings, weights, objective = adopt(folder)
    tokenizer, had = Tokenizer.load(folder), len(weights[ROWS[0]])
    size = tokenizer.vocabulary.size
    place = out.resolve()
    config = Config.of(
        {
            "model": saved.describe(settings, size)["settings"] | {"name": name_of(settings)},
            "objective": {"name": objective},
            "tokenizer": {"file": str(place / "final")},
            "rows": {"length": min(128, settings.max_length)},
            "training": {"init_from": str(place), "epochs": 1},
        }
    )
    saved.save(out / "final", resized(weights, size), settings, tokenizer, "")
    config.write(out / "config.yaml")
    padded = f", where the model had {had:,} rows" if had != size else ""
    return f"{name_of(settings)}, {settings.layers} layers of {settings.hidden}; {size:,} tokens{padded}"
