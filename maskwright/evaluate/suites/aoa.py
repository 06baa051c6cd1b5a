"""Age of acquisition: does a model learn words in the same order as children? Needs a folder of checkpoints.

The official BabyLM evaluation compares surprisal in nats with a threshold in bits, for a vocabulary of 300,000 words;
here both are in bits, and chance level is that of the model's own vocabulary.
"""

import json
from math import log
from pathlib import Path
from typing import Any

import numpy as np

from ...files.errors import short_repr
from ...files.json_files import read_object
from ...files.tables import rows
from ...run.discover import models
from ...run.load import load
from ...storage.atomic import atomic_write
from ..scoring.scorer import Text
from ..statistics.acquisition import of_children, of_model
from ..statistics.correlation import pearson
from ._pairs import Options, build_scorer

__all__ = ["NEEDS_CHECKPOINTS", "Options", "evaluate"]

NEEDS_CHECKPOINTS = True
"""`evaluate` takes the folder of checkpoints, not one open run."""
AGES = [str(month) for month in range(16, 31)]


def evaluate(run: Path, data: Path | None, options: Options) -> dict[str, float]:
    """`correlation` (Pearson) of when model and children learn a word, over the `words` where both are defined.

    run: a folder with chck_1M, chck_2M …, at least three.
    data: the folder of cdi_childes.json and cdi_human.csv; or one that holds it as `aoa`.
    """
    checkpoints = {int(row.partition("/")[2]): path for row, path in models(run).items() if row.startswith("words/")}
    if len(checkpoints) < 3:
        raise ValueError(
            f"{run} holds {len(checkpoints)} checkpoints chck_1M, chck_2M …: a learning curve needs at least three"
        )
    place = _place(data)
    contexts, children = _contexts(place / "cdi_childes.json", options.limit), _children(place / "cdi_human.csv")
    results, size = [], 0
    for path in checkpoints.values():
        name, scorer = build_scorer(load(path, options.device), options)
        size = scorer.tokenizer.vocabulary.size
        results += [{"step": path.name} | line for line in _surprisals(scorer, contexts)]
    if options.predictions:
        _write(options.predictions / run.resolve().name / "main/zero_shot" / name / "AoA_word", results)
    curves = _curves(results, contexts, len(checkpoints))
    learned = {word: of_model(np.array([*checkpoints]), curve, size) for word, curve in curves.items()}
    both = [(learned[word], children[word]) for word in curves if word in children]
    known = np.array([pair for pair in both if np.isfinite(pair).all()])
    fitness = pearson(*known.T) if len(known) > 2 else 0.0
    return {"correlation": fitness, "words": len(known), "asked": len(contexts)}


def _surprisals(scorer: Any, contexts: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Surprisal in bits of each word after each of its contexts."""
    asked = [(word, i, f"{context.strip()} ") for word, some in contexts.items() for i, context in enumerate(some)]
    bits = -scorer([Text(context + word, len(context)) for word, _, context in asked]).total[0] / log(2)
    return [
        {"target_word": word, "context_id": i, "context": context, "surprisal": float(one)}
        for (word, i, context), one in zip(asked, bits, strict=True)
    ]


def _curves(results: list[dict[str, Any]], contexts: dict[str, list[str]], steps: int) -> dict[str, np.ndarray]:
    """[steps] mean surprisal of each word, in bits."""
    table = np.array([line["surprisal"] for line in results]).reshape(steps, -1)
    ends = np.cumsum([len(some) for some in contexts.values()])
    return {word: table[:, end - len(contexts[word]) : end].mean(1) for word, end in zip(contexts, ends, strict=True)}


def _place(data: Path | None) -> Path:
    if data is None:
        raise ValueError("evaluation data not found: pass --data FOLDER (with cdi_childes.json)")
    places = (data, data / "aoa", data / "full_eval/aoa")
    found = next((place for place in places if (place / "cdi_childes.json").is_file()), None)
    if found is None:
        raise ValueError(f"{data} holds no cdi_childes.json, nor does a folder aoa in it")
    return found


def _contexts(path: Path, limit: int | None) -> dict[str, list[str]]:
    """The contexts of each word. Raises ValueError when a word has none."""
    found: dict[str, list[str]] = {}
    for word, lines in read_object(path).items():
        some = lines if isinstance(lines, list) else []
        contexts = [line["context"] for line in some if isinstance(line, dict) and line.get("context")]
        if not contexts or len(contexts) < len(some) or not all(isinstance(one, str) for one in contexts):
            raise ValueError(
                f"{path}: {short_repr(word)} needs a list of objects, each with a text in the field 'context'"
            )
        found[word] = contexts[:limit]
    return found


def _children(path: Path) -> dict[str, float]:
    """The month at which half of the children say each word. Raises ValueError when a column is missing."""
    lines = list(rows(path, ("word",)))
    ages = [age for age in AGES if lines and age in lines[0].cells]
    if not ages:
        raise ValueError(f"{path}:1: give the columns word and 16 to 30, the months, and a row for each word")
    months = np.array(ages, np.float64)
    shares = {line["word"]: np.array([line.number(age) for age in ages]) for line in lines}
    return {word: of_children(months, share) for word, share in shares.items()}


def _write(folder: Path, results: list[dict[str, Any]]) -> None:
    """surprisal.json in the official format, which is in nats."""
    lines = [line | {"surprisal": line["surprisal"] * log(2)} for line in results]
    atomic_write(folder / "surprisal.json", json.dumps({"results": lines}))
