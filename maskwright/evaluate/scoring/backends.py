"""Scoring backends: how a text becomes prediction problems whose summed weighted loss is its negative log-likelihood.

| backend | what is predicted |
|---|---|
| mlm | each token, it alone masked (Salazar et al. 2020, "Masked language model scoring", eq. 1) |
| mlm_word | each token, it and the rest of its word masked (Kauf and Ivanova 2023, "A better way to do masked language model scoring", section 2) |
| mntp, mntp_word | likewise, predicted at the position before it |
| causal, backward | each token from those before it (causal) or after it (backward) |
| mlm_ahead, mntp_ahead | each token from those before it and three masks in its place and after it |
| mask_free | each token at its own position, nothing masked (Huebner et al. 2021, BabyBERTa, section 4) |
| fused | the mean over the backends that the objective has the capabilities for: forward and backward, or masked and causal |
| own | the objective's own scoring: for diffusion the bound, for a causal model including the end of the text |
"""  # noqa: E501

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import torch

from ...attention import BOTH
from ...data.rows import Rows
from ...objectives.base.capabilities import backends
from ...objectives.base.objective import IGNORE, Objective
from ...objectives.base.problem import Problem, shifted
from ...objectives.causal import Causal
from ...objectives.mlm import Mlm
from ...settings import did_you_mean

Questions = Callable[[Rows], Iterator[Problem]]
"""From rows to the problems that score them; special tokens (0 in `Rows.word`) are never predicted."""


def without_special(exam: Questions) -> Questions:
    """The problems of `exam` without those that predict special tokens, such as the end of the text.

    A special token that the rows do ask for stays: the unknown one, where it is scored.
    """

    def questions(rows: Rows) -> Iterator[Problem]:
        special = torch.from_numpy(rows.vocabulary.is_special.copy())
        special[rows.tokens[rows.maskable]] = False
        for problem in exam(rows):
            text = (problem.targets != IGNORE) & ~special[problem.targets.clamp(min=0)]
            weights = torch.where(text, problem.weights, 0.0)
            yield replace(problem, targets=torch.where(text, problem.targets, IGNORE), weights=weights)

    return questions


def from_previous_position(exam: Questions) -> Questions:
    """The problems of `exam`, with each token predicted at the position before it."""
    return lambda rows: (shifted(problem, rows.document, 1) for problem in exam(rows))


def rest_of_word_masked(rows: Rows) -> Iterator[Problem]:
    """One problem per position: predict that token, with it and the rest of its word masked."""
    for place in torch.nonzero(rows.maskable.any(0)).flatten().tolist():
        rest = rows.maskable & (rows.word == rows.word[:, place, None])
        rest[:, :place] = False
        yield _predict_at(place, rows, torch.where(rest, rows.vocabulary.mask, rows.tokens))


def left_to_right(rows: Rows, shift: int = 0) -> Iterator[Problem]:
    """One problem per position: the row is cut there and ends in three masks; read off `shift` positions before.

    This is how the official BabyLM evaluation reads a masked model from left to right.
    """
    end = torch.tensor([rows.vocabulary.mask] * 3 + [rows.vocabulary.sep]).expand(len(rows), -1)
    for place in torch.nonzero(rows.maskable.any(0)).flatten().tolist():
        inputs = torch.cat([rows.tokens[:, :place], end], 1)  # [B, place + 4]
        targets = torch.full_like(inputs, IGNORE)
        targets[:, place - shift] = torch.where(rows.maskable[:, place], rows.tokens[:, place], IGNORE)
        earlier = torch.full_like(rows.ids, shift)
        yield Problem(inputs, targets, (targets != IGNORE).float(), torch.full_like(rows.ids, BOTH), shift=earlier)


def unmasked(rows: Rows) -> Iterator[Problem]:
    """All tokens at once, none masked."""
    targets = torch.where(rows.maskable, rows.tokens, IGNORE)
    yield Problem(rows.tokens, targets, rows.maskable.float(), torch.full_like(rows.ids, BOTH))


def _predict_at(place: int, rows: Rows, inputs: torch.Tensor) -> Problem:
    """The problem of predicting the tokens at one position from `inputs` [B, L]."""
    here = torch.zeros_like(rows.maskable)
    here[:, place] = rows.maskable[:, place]
    return Problem(inputs, torch.where(here, rows.tokens, IGNORE), here.float(), torch.full_like(rows.ids, BOTH))


FIXED: dict[str, Questions] = {
    "mlm": Mlm().scoring,
    "mlm_word": rest_of_word_masked,
    "mntp": from_previous_position(Mlm().scoring),
    "mntp_word": from_previous_position(rest_of_word_masked),
    "causal": without_special(Causal().scoring),
    "backward": without_special(Causal(direction="backward").scoring),
    "mlm_ahead": left_to_right,
    "mntp_ahead": partial(left_to_right, shift=1),
    "mask_free": unmasked,
}
"""The backends that are the same for every model."""

ENCODER_DECODER = ("enc_dec", "enc_dec_mask", "enc_dec_prefix")
OFFICIAL = "of the official backends choose mlm, mntp or causal"


def as_trained(exam: Questions, objective: Objective) -> Questions:
    """The problems in the input format of `objective`, such as with [FW] in front of a text."""
    return lambda rows: (objective.prepare_inputs(problem, rows) for problem in exam(rows))


def fused(objective: Objective) -> Questions:
    """The mean of the log-likelihoods over all backends that fit. Raises ValueError when there are fewer than two."""
    names = backends(objective)
    if len(names) < 2:
        raise ValueError(
            f"backend=fused needs a model with two capabilities, and this has {', '.join(names) or 'none'}"
        )

    def questions(rows: Rows) -> Iterator[Problem]:
        for name in names:
            for problem in as_trained(FIXED[name], objective)(rows):
                yield replace(problem, weights=problem.weights / len(names))

    return questions


def fits(name: str, objective: Objective) -> bool:
    """Whether a model trained by `objective` has learned what the backend asks."""
    trained = {"mask_free": "mlm"}.get(name, name.partition("_")[0])
    return name in BY_OBJECTIVE or trained in backends(objective)


BY_OBJECTIVE: dict[str, Callable[[Any], Questions]] = {"fused": fused, "own": lambda objective: objective.scoring}
"""The backends that depend on the objective that the model was trained with."""


def choose(name: str | None, objective: Objective | None) -> tuple[str, Questions]:
    """The name and problems of a backend; by default the first that fits the objective, else `own`.

    Raises ValueError for an unknown name, and when the backend needs an objective and none is known.
    """
    if name in FIXED:
        return name, as_trained(FIXED[name], objective) if objective else FIXED[name]
    if name in ENCODER_DECODER:
        raise ValueError(f"backend={name} is for encoder-decoder models, which maskwright does not train: {OFFICIAL}")
    if name is not None and name not in BY_OBJECTIVE:
        raise ValueError(f"no backend {name!r}: {did_you_mean(name, [*FIXED, *BY_OBJECTIVE])}")
    if objective is None:
        raise ValueError(f"how the model was trained is not known: choose a backend, {', '.join(FIXED)}")
    if name is None:
        return choose(next(iter(backends(objective)), "own"), objective)
    return name, BY_OBJECTIVE[name](objective)
