"""Reading times: does a word's surprisal explain how long readers look at it (eye tracking, self-paced reading)?

As in the official BabyLM evaluation: the share of the variance left by frequency, length and position that surprisal
explains. For self-paced reading the length and surprisal of the previous word are predictors too (spillover). A word
stands after its item as it is in the table, with no blank between; where it has several tokens, each is read as text
behind the item, which is tokenized anew for the next.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...files.tables import Row, rows
from ...run.load import LoadedRun
from ..scoring.backends import choose
from ..scoring.next_word import surprisal
from ..statistics.regression import gain
from ._pairs import Options, build_scorer, write_predictions

__all__ = ["Options", "evaluate"]

LEFT_TO_RIGHT = {"mlm": "mlm_ahead", "mntp": "mntp_ahead"}
"""Left-to-right replacements of the backends that would see the words to come."""
EYES = ("RTfirstfix", "RTfirstpass", "RTgopast", "RTrightbound")
BASE = ("Subtlex_log10", "length", "context_length")
BEFORE = ("prev_length", "prev_pred")
PACE = "self_paced_reading_time"
TEXTS = ("item", "word", "prev_item", "prev_word")
MISSING = frozenset(
    [
        "#N/A",
        "#N/A N/A",
        "#NA",
        "-1.#IND",
        "-1.#QNAN",
        "-NaN",
        "-nan",
        "1.#IND",
        "1.#QNAN",
        "<NA>",
        "N/A",
        "NA",
        "NULL",
        "NaN",
        "None",
        "n/a",
        "nan",
        "null",
        "",
    ]
)
"""What pandas, by which the official evaluation reads the table, takes as missing: as an item it is the word None."""


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """`eye_tracking` (the mean over four measures), `self_paced`, and each measure, as shares of variance.

    data: reading_data.csv, or a folder with it or with `reading/reading_data.csv`.
    """
    lines = read(_file(data))[: options.limit]
    name, scorer = build_scorer(run, options)
    _, scorer.questions = choose(LEFT_TO_RIGHT.get(name, name), run.objective)
    words = [("None" if line["item"] in MISSING else line["item"], line["word"]) for line in lines]
    known = np.array([line["prev_item"] not in MISSING for line in lines])
    earlier = [(line["prev_item"], line["prev_word"]) for line, there in zip(lines, known, strict=True) if there]
    surprise = surprisal(scorer, [*words, *earlier], masked=name in LEFT_TO_RIGHT)
    before = np.full(len(lines), np.nan)
    before[known] = surprise[len(lines) :]
    if options.predictions:
        made = _predictions(surprise[: len(lines)], before)
        write_predictions(options.predictions, run, name, ("reading",), made)
    return figures(lines, surprise[: len(lines)], before)


def figures(lines: Sequence[Row], pred: np.ndarray, prev_pred: np.ndarray) -> dict[str, float]:
    """The shares of variance that the surprisal of N words, and of those before them, [N] each, explains."""
    columns = {name: np.array([line.number(name) for line in lines]) for name in (*EYES, PACE, *BASE, "prev_length")}
    columns |= {"pred": pred, "prev_pred": prev_pred}
    eyes = {name: gain(columns, name, BASE, "pred") for name in EYES}
    pace = gain(columns, PACE, (*BASE, *BEFORE), "pred")
    return {"eye_tracking": float(np.mean(list(eyes.values()))), "self_paced": pace} | eyes


def _file(data: Path | None) -> Path:
    if data is None:
        raise ValueError("evaluation data not found: pass --data FOLDER (with reading_data.csv)")
    places = [data, *(data / part / "reading_data.csv" for part in (".", "reading", "full_eval/reading"))]
    found = next((path for path in places if path.is_file()), None)
    if found is None:
        raise ValueError(f"{data} holds no reading_data.csv")
    return found


def read(path: Path) -> list[Row]:
    """The rows of the table. Raises ValueError as `tables.rows` does, and when a word is empty or there are no rows."""
    lines = list(rows(path, (*TEXTS, *EYES, PACE, *BASE, "prev_length")))
    if not lines:
        raise ValueError(f"{path} is empty: it contains no words")
    if empty := [line for line in lines if not line["word"]]:
        raise ValueError(f"{empty[0].place}: word is empty")
    return lines


def _predictions(pred: np.ndarray, prev_pred: np.ndarray) -> dict[str, Any]:
    pairs = zip(pred.tolist(), prev_pred.tolist(), strict=True)
    lines = [{"id": i, "pred": one, "prev_pred": before} for i, (one, before) in enumerate(pairs)]
    return {"reading": {"predictions": lines}}
