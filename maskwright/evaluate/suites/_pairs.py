"""Shared by the suites of minimal pairs and multiple choice: score the texts, count how often the right one wins."""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ...run.load import LoadedRun
from ...settings import Listed, Names, did_you_mean, settings
from ...settings.bounds import PositiveInt, Tokens
from ...storage.atomic import atomic_write
from ..babylm.layout import official_folder
from ..scoring.load import scorer
from ..scoring.minimal_pairs import Item, ItemResults, Rules, accuracies, limited, predictions, score_items
from ..scoring.scorer import Scorer
from ._floors import floors


@settings
class Options:
    """How the items of a suite are scored."""

    backend: str | None = None
    """How texts are scored: mlm, mlm_word, mntp, mntp_word, causal, backward, fused, own, mask_free; by default what
    the model was trained for."""
    limit: PositiveInt | None = None
    """Use only the first so many items of each paradigm; none for all."""
    paradigms: Names = ()
    """Only these paradigms, separated by commas; empty for all."""
    per: Literal["text", "token", "byte"] = "text"
    """Log-likelihoods are compared whole (text), or divided by the number of tokens or bytes."""
    temperatures: Annotated[tuple[Annotated[float, Field(gt=0)], ...], Listed] = Field((1.0,), min_length=1)
    """Softmax temperatures; the first gives all metrics, the others an accuracy each."""
    batch_tokens: Tokens = 4096
    """Positions per batch, padding included."""
    half: bool = False
    """Matrix products in bfloat16: faster, but near ties may flip."""
    floors: bool = True
    """Also score what knows no language: guessing, and counts of one and of three tokens of the training text."""
    rules: Rules = 2026
    """The year of the official BabyLM evaluation that is followed: 2026 or 2025."""
    predictions: Path | None = None
    """A folder to write predictions.json to, in the format and folder layout of the official BabyLM evaluation."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU if there is one."""


def build_scorer(run: LoadedRun, options: Options) -> tuple[str, Scorer]:
    """The backend's name, from the options or else from how the run was trained, and the scorer."""
    return scorer(run, options.backend, options.temperatures, options.batch_tokens, options.half, unknown=True)


def evaluate_pairs(
    run: LoadedRun,
    items: Iterable[Item],
    options: Options,
    place: Sequence[str],
    whole: bool = False,
    summary: Callable[[ItemResults], dict[str, float]] = accuracies,
) -> dict[str, float]:
    """Accuracies of the model in `run`, overall and by group; see `accuracies`, in place of which `summary` may stand.

    place: task and dataset, as the official evaluation names its folders.
    whole: predictions hold the whole text, not only the scored part.
    Raises ValueError when there are no items.
    """
    backend, scorer = build_scorer(run, options)
    selected = select_items(items, options, place[-1])
    found = score_items(scorer, selected, options.per, options.rules)
    if options.predictions:
        write_predictions(options.predictions, run, backend, place, predictions(found[0], whole))
    numbers = summary(found[0])
    numbers.update(_by_temperature(found, options, summary))
    if options.floors:
        numbers.update(floors(run, scorer, selected, options.per, summary))
    return numbers


def select_items(items: Iterable[Item], options: Options, suite: str) -> list[Item]:
    """The items that the options select. Raises ValueError when there are none, or a named paradigm does not exist."""
    every = list(items)
    names = {item.paradigm for item in every}
    if missing := [name for name in options.paradigms if name not in names]:
        raise ValueError(f"no paradigm {missing[0]!r} in {suite}: {did_you_mean(missing[0], names)}")
    kept = limited((item for item in every if item.paradigm in (options.paradigms or names)), options.limit)
    if not kept:
        raise ValueError(f"{suite} is empty: its files contain no items")
    return kept


def _by_temperature(
    found: Sequence[ItemResults], options: Options, summary: Callable[[ItemResults], dict[str, float]]
) -> dict[str, float]:
    """The accuracy at each temperature, if there are several."""
    if len(found) == 1:
        return {}
    pairs = zip(options.temperatures, found, strict=True)
    return {f"temperature={t:g}/accuracy": summary(one)["accuracy"] for t, one in pairs}


def write_predictions(out: Path, run: LoadedRun, backend: str, place: Sequence[str], made: object) -> Path:
    """Write predictions to `out`/MODEL/REVISION/zero_shot/BACKEND/TASK/DATASET/predictions.json."""
    target = official_folder(out, run.path) / "zero_shot" / backend / Path(*place) / "predictions.json"
    atomic_write(target, json.dumps(made))
    return target
