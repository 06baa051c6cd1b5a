"""Handlers: from a validated request to plain data. Mistakes in the request raise ValueError."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from ..display.masks import before, row
from ..display.masks import pieces as corrupted_pieces
from ..display.replay import NAMES, pieces
from ..evaluate.scoring.by_token import by_token
from ..evaluate.scoring.columns import of_tokens
from ..evaluate.scoring.text_files import Item
from ..evaluate.validation.mask_coverage import FATES
from ..objectives.base.capabilities import mask_shift
from ..objectives.base.objective import Objective
from ..run.build import masked
from ..sampling.fill import MASK_TEXT
from ..sampling.fill import fill as filled
from ..sampling.mask_schedule import SHAPES
from ..sampling.request import LENGTH, SampleRequest, build_sampler, compatible_samplers, stream
from ..settings.outside import is_outside
from ..settings.registry import name_of
from .models import Models
from .schemas import MOST_EPOCHS, MOST_GUESSES, MOST_STEPS, Fill, Masks, Sample, Score

Answer = dict[str, Any]


def about(models: Models) -> Answer:
    """The available choices, and what the model cannot do."""
    return {
        "run": models.run.resolve().name,
        "objective": models.trained,
        "parameters": sum(weight.numel() for weight in models.model.parameters()),
        "vocabulary": models.tokenizer.vocabulary.size,
        "unavailable": models.unavailable,
        "backends": models.backends,
        "samplers": [_sampler(name, models) for name in compatible_samplers(models.objective)],
        "schedules": list(SHAPES),
        "fates": list(FATES),
        "states": list(NAMES.values()),
        "limits": {"tokens": models.max_tokens, "epochs": MOST_EPOCHS, "top": MOST_GUESSES, "steps": MOST_STEPS},
    }


def _sampler(name: str, models: Models) -> Answer:
    """A sampler, whether it can revise a text, and whether the model that it needs is loaded."""
    made = build_sampler(name)
    ready = not made.needs_remasker or bool(models.writers and models.writers.remasker)
    return {"name": name, "ready": ready, "revises": made.revises, "description": (type(made).__doc__ or "").strip()}


def masks(models: Models, request: Masks) -> Answer:
    """The text as each masking objective corrupts it in each epoch: whitespace, token and fate of each token."""
    ids, starts = models.tokenizer.encode(request.text)
    if not len(ids):
        raise ValueError("there is no text to mask: type some")
    rows, parts = row(ids, starts, models.tokenizer), models.tokenizer.slices(request.text)
    shown = {
        name_of(objective): [
            corrupted_pieces(rows, parts, models.tokenizer, objective, epoch, request.seed)
            for epoch in range(request.epochs)
        ]
        for objective in masked(None, request.ratio)
        if type(objective).build is Objective.build  # others have state, learned or built from a corpus
    }
    return {"tokens": len(ids), "objectives": shown}


def fill(models: Models, request: Fill) -> Answer:
    """The top predictions for every [MASK] in the text."""
    shift = mask_shift(_require(models, "fill").objective)
    assert shift is not None
    blanks = filled(models.model, models.tokenizer, request.text, request.top, shift)
    return {"blanks": [asdict(blank) for blank in blanks]}


def score(models: Models, request: Score) -> Answer:
    """The log-likelihood of each token in nats (null for special tokens), their sum, and `table`, the columns that
    `maskwright score --per token` writes."""
    name, scorer = _require(models, "score").scorer(request.backend)
    (found_tokens,) = by_token(scorer, [request.text])
    nats = found_tokens.log_prob
    if np.isnan(nats).all():
        raise ValueError("there is no text to score: type some")
    written = models.tokenizer.slices(request.text)
    tokens = [
        {"blank": blank, "token": part.strip(), "nats": None if np.isnan(found) else found}
        for blank, part, found in zip(before(written), written, nats.tolist(), strict=True)
    ]
    total, size = float(np.nansum(nats)), int(np.count_nonzero(~np.isnan(nats)))
    sums = {"log_likelihood": total, "per_token": total / size, "per_byte": total / len(request.text.encode())}
    table = of_tokens([Item((request.text,))], [found_tokens], scorer.tokenizer, "nats")
    return {"backend": name, "pseudo": name not in ("causal", "backward"), "tokens": tokens, "table": table} | sums


def sample(models: Models, request: Sample) -> Iterator[Answer]:
    """The text after each step: each token's text and state, an index into `states`."""
    writers = _require(models, "sample").writers
    assert writers
    if request.sampler is not None and is_outside(request.sampler):
        raise ValueError(f"sampler={request.sampler!r}: choose a sampler from the list")
    whole = request.edit or MASK_TEXT in request.text  # its length is that of the text
    full = SampleRequest(
        run=models.run, sampler=request.sampler,
        length=request.length or (None if whole else min(LENGTH, models.max_tokens)),
        prompt="" if request.edit else request.text, edit=request.text if request.edit else None, steps=request.steps,
        schedule=request.schedule, temperature=request.temperature, seed=request.seed,
    )  # fmt: skip
    for frame in stream(full, writers):
        yield {"step": frame.step, "pieces": pieces(frame, 0, writers.tokenizer)}


def _require(models: Models, tab: str) -> Models:
    """The models, if they can do what the tab needs. Raises ValueError otherwise."""
    if tab in models.unavailable:
        raise ValueError(models.unavailable[tab])
    return models
