"""Generated texts, judged by an independent causal model and by their own statistics, beside held-out text.

Perplexity never stands alone: entropy and repetition are always with it.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from ...run.load import LoadedRun, load
from ...sampling.request import LENGTH, SampleRequest, SamplingOptions, longest, models_of, stream
from ...settings import from_mapping, settings
from ..generation.quality import causal_scorer, judge, shuffled
from ..generation.references import halves

__all__ = ["Options", "evaluate"]


@settings
class Options(SamplingOptions):
    """How texts are written, how many, and who judges them."""

    scorer: Path
    """The run of a causal model on the same text and tokenizer, never the writer itself."""
    samples: Annotated[int, Field(ge=2)] = 256
    """How many texts."""


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """The figures of `judge` for texts of `run`; `held_out/…` and `shuffled/…` for held-out text and for its tokens in
    any order, as many as there are up to `samples`. All are measured against other held-out documents than those of
    `held_out/…`.

    Raises ValueError when the scorer is the writer or a part of its run, is not causal, or was trained on other text.
    """
    writer, judged_by = run.path.resolve(), options.scorer.resolve()
    if writer.is_relative_to(judged_by) or judged_by.is_relative_to(writer):
        raise ValueError(f"scorer={str(options.scorer)!r} is the writer itself: name a causal model that stands apart")
    shards, causal = run.data.shards, load(options.scorer)
    causal.check_text(shards.fingerprint)
    scorer = causal_scorer(causal, shards.tokenizer)
    manner = {name: getattr(options, name) for name in vars(options) if name not in ("scorer", "samples")}
    length = options.length or min(LENGTH, longest(run.model) - 2)
    whole = {
        "run": run.path,
        "count": options.samples,
        "length": length,
        "stop_at_sep": False,
    }  # as long as what is held out
    request = from_mapping(SampleRequest, manner | whole, "generation")
    reference, held_out = halves(shards.valid, shards.vocabulary, length, options.samples)
    many = min(len(reference), len(held_out))
    reference, held_out = reference[:many], held_out[:many]
    texts = {"": written(request, run), "held_out/": held_out, "shuffled/": shuffled(held_out)}
    numbers: dict[str, float] = {"texts": options.samples, "length": length, "held_out/texts": len(held_out)}
    for column, tokens in texts.items():
        numbers |= {f"{column}{name}": figure for name, figure in judge(tokens, reference, scorer).items()}
    return numbers


def written(request: SampleRequest, run: LoadedRun) -> np.ndarray:
    """[N, L] int64, the texts that are wished for, without [CLS] and [SEP]."""
    *_, last = stream(request, models_of(run, load(request.remasker) if request.remasker else None))
    return last.tokens[:, 1:-1].numpy()
