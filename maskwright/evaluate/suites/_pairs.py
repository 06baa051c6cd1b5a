"""What the suites of choices have in common: open the model, score the texts, count who wins."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from ...run.load import LoadedRun
from ...settings import Names, did_you_mean, settings
from ..scoring.load import scorer
from ..scoring.minimal_pairs import Item, Verdicts, accuracies, decide, limited, predictions
from ..scoring.scorer import Scorer


def _numbers(value: object) -> object:
    return (value,) if isinstance(value, int | float) else value


@settings
class Options:
    """How a suite of choices is asked."""

    backend: str | None = None
    """How texts are scored: mlm, mlm_word, mntp, mntp_word, causal, backward, fused, own, mask_free; by default what
    the model was trained for."""
    limit: Annotated[int, Field(ge=1)] | None = None
    """How many items of each paradigm are asked, the first ones; none for all."""
    paradigms: Names = ()
    """Names of paradigms, with commas; all where none is named."""
    per: Literal["text", "token", "byte"] = "text"
    """What log-likelihoods are divided by before they are compared."""
    temperatures: Annotated[tuple[Annotated[float, Field(gt=0)], ...], BeforeValidator(_numbers)] = Field(
        (1.0,), min_length=1
    )
    """What logits are divided by; the first gives the figures, each gets a line."""
    batch_tokens: Annotated[int, Field(ge=1)] = 4096
    """Positions that the model reads at once."""
    half: bool = False
    """Whether matrix products are bfloat16: sooner, and near ties may turn."""
    predictions: Path | None = None
    """A folder for predictions.json in the official format, and in the official places."""
    device: str = "auto"
    """cpu, cuda, cuda:1 …; auto takes a GPU where there is one."""


def scored(run: LoadedRun, options: Options) -> tuple[str, Scorer]:
    """The name of the backend that the options or the run choose, and the scorer."""
    return scorer(run, options.backend, options.temperatures, options.batch_tokens, options.half)


def judge(
    run: LoadedRun, items: Iterable[Item], options: Options, place: Sequence[str], whole: bool = False
) -> dict[str, float]:
    """Accuracies of the model in `run`, over all and by group; see `accuracies`.

    place: task and data set, as the official evaluation names its folders.
    whole: whether a prediction is a whole text, or the part of it that was scored.
    Raises ValueError when nothing is asked.
    """
    backend, ask = scored(run, options)
    found = decide(ask, chosen(items, options, place[-1]), options.per)
    if options.predictions:
        write(options.predictions, run, backend, place, predictions(found[0], whole))
    return accuracies(found[0]) | _swept(found, options)


def chosen(items: Iterable[Item], options: Options, suite: str) -> list[Item]:
    """The items that the options ask for. Raises ValueError when there are none, or no paradigm of a name."""
    every = list(items)
    names = {item.paradigm for item in every}
    if missing := [name for name in options.paradigms if name not in names]:
        raise ValueError(f"no paradigm {missing[0]!r} in {suite}: {did_you_mean(missing[0], names)}")
    kept = limited((item for item in every if item.paradigm in (options.paradigms or names)), options.limit)
    if not kept:
        raise ValueError(f"{suite} is empty: its files hold no items")
    return kept


def _swept(found: Sequence[Verdicts], options: Options) -> dict[str, float]:
    """The accuracy at each temperature, where there are several."""
    if len(found) == 1:
        return {}
    pairs = zip(options.temperatures, found, strict=True)
    return {f"temperature={t:g}/accuracy": accuracies(one)["accuracy"] for t, one in pairs}


def write(out: Path, run: LoadedRun, backend: str, place: Sequence[str], made: object) -> Path:
    """Write predictions to `out`/MODEL/main/zero_shot/BACKEND/TASK/DATASET/predictions.json."""
    target = out / run.path.resolve().name / "main" / "zero_shot" / backend / Path(*place) / "predictions.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(made), encoding="utf-8")
    return target
