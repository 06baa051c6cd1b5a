"""Quality of generated texts by an independent causal model and by their own statistics, next to held-out text.

Perplexity alone rewards repetition, so that entropy and repetition always come with it.
"""

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from ...run.load import LoadedRun, load
from ...sampling.request import LENGTH, SampleRequest, SamplingOptions, longest, models_of, stream
from ...settings import from_mapping, settings
from ...settings.bounds import Size
from ..generation.quality import evaluate_texts, independent_scorer, shuffled
from ..generation.references import halves

__all__ = ["NEEDS_ONE_MODEL", "Options", "evaluate"]

NEEDS_ONE_MODEL = True


@settings
class Options(SamplingOptions):
    """How texts are sampled, how many, and which model scores them."""

    scorer: Path
    """The run of a causal model with the same text and tokenizer; not the sampled run itself."""
    samples: Annotated[Size, Field(ge=2)] = 256
    """Number of texts."""


def evaluate(run: LoadedRun, data: Path | None, options: Options) -> dict[str, float]:
    """The metrics of `evaluate_texts` for samples of `run`, for held-out text (`held_out/…`) and for the same tokens
    shuffled (`shuffled/…`), at most `samples` of each. The reference is a different set of held-out documents.

    Raises ValueError when the scorer is the sampled run or part of it, is not causal, or was trained on other text.
    """
    shards, scorer = run.data.shards, independent_scorer(run, options.scorer)
    sampling = {name: getattr(options, name) for name in vars(options) if name not in ("scorer", "samples")}
    length = options.length or min(LENGTH, longest(run.model) - 2)
    whole = {
        "run": run.path,
        "count": options.samples,
        "length": length,
        "stop_at_sep": False,  # so that samples are as long as the held-out pieces
    }
    request = from_mapping(SampleRequest, sampling | whole, "generation")
    reference, held_out = halves(shards.valid, shards.vocabulary, length, options.samples)
    many = min(len(reference), len(held_out))
    reference, held_out = reference[:many], held_out[:many]
    texts = {"": sampled(request, run), "held_out/": held_out, "shuffled/": shuffled(held_out)}
    numbers: dict[str, float] = {"texts": options.samples, "length": length, "held_out/texts": len(held_out)}
    for column, tokens in texts.items():
        figures = evaluate_texts(tokens, reference, scorer, shards.train)
        numbers |= {f"{column}{name}": figure for name, figure in figures.items()}
    return numbers


def sampled(request: SampleRequest, run: LoadedRun) -> np.ndarray:
    """[N, L] int64, the requested texts without [CLS] and [SEP]."""
    *_, last = stream(request, models_of(run, load(request.remasker) if request.remasker else None))
    return last.tokens[:, 1:-1].numpy()
