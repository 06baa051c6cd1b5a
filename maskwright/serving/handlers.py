"""From a asked to its answer, as plain data. Whatever the asker can mend is a ValueError."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from ..display.masks import before, row
from ..display.masks import pieces as posed
from ..display.replay import NAMES, pieces
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
    """What there is to choose from, and what the model cannot do."""
    return {
        "run": models.run.resolve().name,
        "objective": models.trained,
        "parameters": sum(weight.numel() for weight in models.model.parameters()),
        "vocabulary": models.tokenizer.vocabulary.size,
        "unable": models.unable,
        "backends": models.backends,
        "samplers": [_sampler(name, models) for name in compatible_samplers(models.objective)],
        "schedules": list(SHAPES),
        "fates": list(FATES),
        "states": list(NAMES.values()),
        "limits": {"tokens": models.most, "epochs": MOST_EPOCHS, "top": MOST_GUESSES, "steps": MOST_STEPS},
    }


def _sampler(name: str, models: Models) -> Answer:
    """A sampler, whether it can polish a text, and whether there is the model that it needs."""
    made = build_sampler(name)
    ready = not made.needs_remasker or bool(models.writers and models.writers.remasker)
    return {"name": name, "ready": ready, "revises": made.revises, "told": (type(made).__doc__ or "").strip()}


def masks(models: Models, asked: Masks) -> Answer:
    """The text as each masking objective poses it in each epoch: for each token blank, token and fate."""
    ids, starts = models.tokenizer.encode(asked.text)
    if not len(ids):
        raise ValueError("there is no text to mask: type some")
    rows, blanks = row(ids, starts, models.tokenizer), before(models.tokenizer.slices(asked.text))
    shown = {
        name_of(objective): [
            posed(rows, blanks, models.tokenizer, objective, epoch, asked.seed) for epoch in range(asked.epochs)
        ]
        for objective in masked(None, asked.ratio)
        if type(objective).build is Objective.build  # others have state, which is built from a text or learned
    }
    return {"tokens": len(ids), "objectives": shown}


def fill(models: Models, asked: Fill) -> Answer:
    """The best guesses for every [MASK] in the text."""
    shift = mask_shift(_able(models, "fill").objective)
    assert shift is not None
    blanks = filled(models.model, models.tokenizer, asked.text, asked.top, shift)
    return {"blanks": [asdict(blank) for blank in blanks]}


def score(models: Models, asked: Score) -> Answer:
    """The log-likelihood of each token in nats, null where none is asked for, and their sum."""
    name, scorer = _able(models, "score").scorer(asked.backend)
    nats = scorer.by_token(asked.text)
    if np.isnan(nats).all():
        raise ValueError("there is no text to score: type some")
    written = models.tokenizer.slices(asked.text)
    tokens = [
        {"blank": blank, "token": part.strip(), "nats": None if np.isnan(found) else found}
        for blank, part, found in zip(before(written), written, nats.tolist(), strict=True)
    ]
    total, size = float(np.nansum(nats)), int(np.count_nonzero(~np.isnan(nats)))
    sums = {"log_likelihood": total, "per_token": total / size, "per_byte": total / len(asked.text.encode())}
    return {"backend": name, "tokens": tokens} | sums


def sample(models: Models, asked: Sample) -> Iterator[Answer]:
    """The text after each step: for each token how it is written and its state, a number in `states`."""
    writers = _able(models, "sample").writers
    assert writers
    if asked.sampler is not None and is_outside(asked.sampler):
        raise ValueError(f"sampler={asked.sampler!r}: a page runs the samplers that it lists")
    whole = asked.edit or MASK_TEXT in asked.text  # its length is that of the text
    request = SampleRequest(
        run=models.run, sampler=asked.sampler, length=asked.length or (None if whole else min(LENGTH, models.most)),
        prompt="" if asked.edit else asked.text, edit=asked.text if asked.edit else None, steps=asked.steps,
        schedule=asked.schedule, temperature=asked.temperature, seed=asked.seed,
    )  # fmt: skip
    for frame in stream(request, writers):
        yield {"step": frame.step, "pieces": pieces(frame, 0, writers.tokenizer)}


def _able(models: Models, tab: str) -> Models:
    """The models, if they can do what a tab is for. Raises ValueError when not."""
    if tab in models.unable:
        raise ValueError(models.unable[tab])
    return models
