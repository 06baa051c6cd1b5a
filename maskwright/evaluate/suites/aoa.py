"""Age of acquisition: does a model learn words in the same order as children? Needs a folder of checkpoints.

As in the official BabyLM evaluation: surprisal in nats, its mean over the contexts of a word at each checkpoint, and
chance at k · ln V for a word of k tokens of the model's own vocabulary. That of 2025 took log2 of 300,000 words for it
and fitted every context.
"""

import json
from math import log, log2
from pathlib import Path
from typing import Any

import numpy as np

from ...files.errors import short_repr
from ...files.json_files import read_object
from ...files.tables import rows
from ...progress import through
from ...run.discover import models
from ...run.load import load
from ...storage.atomic import atomic_write
from ...text.tokenizers.tokenizer import Tokenizer
from ..babylm.layout import official_folder
from ..scoring.scorer import Scorer, Text
from ..statistics.acquisition import SURE, agreement, of_children, of_model
from ._pairs import Options, build_scorer

__all__ = ["NEEDS_CHECKPOINTS", "Options", "evaluate"]

NEEDS_CHECKPOINTS = True
"""`evaluate` takes the folder of checkpoints, not one open run."""
AGES = [str(month) for month in range(16, 31)]


def evaluate(run: Path, data: Path | None, options: Options) -> dict[str, float]:
    """`correlation` (Pearson) of when model and children learn a word, over the `words` where both are defined.

    `skipped`: words of one letter, and those without contexts.
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
    asked = {word: some for word, some in contexts.items() if len(word) > 1 and some}
    results: list[dict[str, Any]] = []
    for count, path in through([*checkpoints.items()]):
        name, scorer = build_scorer(load(path, options.device), options)
        results += [{"step": path.name, "word_count": count} | line for line in _surprisals(scorer, asked)]
    chances = {word: chance(scorer.tokenizer, word) for word in asked}
    learned = _learned(results, chances if options.rules == 2026 else None)
    both = [(age, children[word]) for word, age in learned.items() if word in children]
    known = np.array([pair for pair in both if np.isfinite(pair).all()]).reshape(-1, 2)
    fitness = agreement(known[:, 0], known[:, 1], SURE if options.rules == 2026 else 1.0)
    if options.predictions:
        folder = official_folder(options.predictions, run) / "zero_shot" / name / "AoA_word"
        _write(folder, results, len(checkpoints), fitness)
    numbers = {"correlation": fitness, "words": len(known), "asked": len(asked)}
    return numbers | {"skipped": len(contexts) - len(asked)}


def chance(tokenizer: Tokenizer, word: str) -> float:
    """k · ln V, the surprisal in nats of guessing the k tokens, at least one, that a word adds to a text."""
    alone, with_word = (len(tokenizer.encode(text)[0]) for text in ("The", f"The {word}"))
    return max(with_word - alone, 1) * log(tokenizer.pieces)


def _surprisals(scorer: Scorer, contexts: dict[str, list[str]]) -> list[dict[str, Any]]:
    """Surprisal in nats of each word after each of its contexts."""
    asked = [(word, i, context) for word, some in contexts.items() for i, context in enumerate(some)]
    texts = [Text(f"{context.strip()} {word.strip()}", len(context.strip()) + 1) for word, _, context in asked]
    return [
        {"target_word": word, "context_id": i, "context": context, "surprisal": float(one)}
        for (word, i, context), one in zip(asked, -scorer(texts).total[0], strict=True)
    ]


def _learned(results: list[dict[str, Any]], chances: dict[str, float] | None) -> dict[str, float]:
    """log10 of the words after which each word is learned: of the mean over its contexts at each checkpoint; without
    `chances`, by the rules of 2025."""
    points: dict[str, dict[int, list[float]]] = {}
    for line in results:
        points.setdefault(line["target_word"], {}).setdefault(line["word_count"], []).append(line["surprisal"])
    if chances is not None:
        means = {
            word: {count: [float(np.mean(some))] for count, some in curve.items()} for word, curve in points.items()
        }
        return {word: of_model(*_columns(curve), chances[word]) for word, curve in means.items()}
    return {word: of_model(*_columns(curve), log2(300_000), bounded=False) for word, curve in points.items()}


def _columns(curve: dict[int, list[float]]) -> tuple[np.ndarray, np.ndarray]:
    """Words read and surprisal, [N] each."""
    pairs = [(count, one) for count, some in curve.items() for one in some]
    words, surprisal = np.array(pairs, np.float64).T
    return words, surprisal


def _place(data: Path | None) -> Path:
    if data is None:
        raise ValueError("evaluation data not found: pass --data FOLDER (with cdi_childes.json)")
    places = (data, data / "aoa", data / "full_eval/aoa")
    found = next((place for place in places if (place / "cdi_childes.json").is_file()), None)
    if found is None:
        raise ValueError(f"{data} holds no cdi_childes.json, nor does a folder aoa in it")
    return found


def _contexts(path: Path, limit: int | None) -> dict[str, list[str]]:
    """The contexts of each word, which may have none. Raises ValueError for anything but a list of texts."""
    found: dict[str, list[str]] = {}
    for word, lines in read_object(path).items():
        if not isinstance(lines, list) or not all(_is_context(line) for line in lines):
            raise ValueError(
                f"{path}: {short_repr(word)} needs a list of objects, each with a text in the field 'context'"
            )
        found[word] = [line["context"] for line in lines[:limit]]
    return found


def _is_context(line: Any) -> bool:
    return isinstance(line, dict) and isinstance(line.get("context"), str)


def _children(path: Path) -> dict[str, float]:
    """The month at which half of the children say each word. Raises ValueError when a column is missing."""
    lines = list(rows(path, ("word",)))
    ages = [age for age in AGES if lines and age in lines[0].cells]
    if not ages:
        raise ValueError(f"{path}:1: give the columns word and 16 to 30, the months, and a row for each word")
    months = np.array(ages, np.float64)
    shares = {line["word"]: np.array([line.number(age) for age in ages]) for line in reversed(lines)}  # the first
    return {word: of_children(months, share) for word, share in shares.items()}


def _write(folder: Path, results: list[dict[str, Any]], steps: int, score: float) -> None:
    """surprisal.json and aoa_score.json, as the official evaluation writes them."""
    facts = {"model_name": folder.parents[3].name, "use_bos_only": False, "total_steps": steps}
    whole = {"metadata": facts | {"completed_steps": steps}, "results": results}
    atomic_write(folder / "surprisal.json", json.dumps(whole))
    atomic_write(folder / "aoa_score.json", json.dumps({"aoa": score}))
