"""How a text is scored: a backend makes the questions whose summed weighted loss is its negative log-likelihood.

| backend | the questions about a text |
|---|---|
| mlm | each token hidden alone (Salazar et al. 2020, "Masked language model scoring", eq. 1) |
| mlm_word | each token hidden with what follows it in its word (Kauf and Ivanova 2023, "A better way to do masked language model scoring", section 2) |
| mntp, mntp_word | likewise, named from the position before it |
| causal, backward | each token after those before it; before those after it |
| mlm_ahead, mntp_ahead | each token after those before it and nothing else, three masks in its place and after it |
| mask_free | each token as it stands, nothing hidden (Huebner et al. 2021, BabyBERTa, section 4) |
| fused | the mean of those that the objective has the capabilities for: forward and backward, or masked and causal |
| own | the objective's own exam: the bound of a diffusion, the end of a text of a causal model |
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

Ask = Callable[[Rows], Iterator[Problem]]
"""From rows of text to the questions about them; what is no text (a 0 in `Rows.word`) is not asked for."""


def of_text(exam: Ask) -> Ask:
    """The exam without its questions about special tokens, as the end of a text."""

    def ask(rows: Rows) -> Iterator[Problem]:
        special = torch.from_numpy(rows.vocabulary.is_special)
        for problem in exam(rows):
            text = (problem.targets != IGNORE) & ~special[problem.targets.clamp(min=0)]
            weights = torch.where(text, problem.weights, 0.0)
            yield replace(problem, targets=torch.where(text, problem.targets, IGNORE), weights=weights)

    return ask


def before(exam: Ask) -> Ask:
    """The questions of an exam, put to the position before."""
    return lambda rows: (shifted(problem, rows.document, 1) for problem in exam(rows))


def word_by_word(rows: Rows) -> Iterator[Problem]:
    """One question per position: that token, hidden with the rest of its word."""
    for place in torch.nonzero(rows.maskable.any(0)).flatten().tolist():
        rest = rows.maskable & (rows.word == rows.word[:, place, None])
        rest[:, :place] = False
        yield _asked_at(place, rows, torch.where(rest, rows.vocabulary.mask, rows.tokens))


def ahead(rows: Rows, shift: int = 0) -> Iterator[Problem]:
    """One question per position, in rows that end there with three masks, named `shift` positions before it.

    So a masked model reads from left to right in the official BabyLM evaluation. Problems are shorter than the text.
    """
    end = torch.tensor([rows.vocabulary.mask] * 3 + [rows.vocabulary.sep]).expand(len(rows), -1)
    for place in torch.nonzero(rows.maskable.any(0)).flatten().tolist():
        inputs = torch.cat([rows.tokens[:, :place], end], 1)  # [B, place + 4]
        targets = torch.full_like(inputs, IGNORE)
        targets[:, place - shift] = torch.where(rows.maskable[:, place], rows.tokens[:, place], IGNORE)
        yield Problem(inputs, targets, (targets != IGNORE).float(), torch.full_like(rows.ids, BOTH))


def as_it_stands(rows: Rows) -> Iterator[Problem]:
    """All tokens at once, none hidden."""
    targets = torch.where(rows.maskable, rows.tokens, IGNORE)
    yield Problem(rows.tokens, targets, rows.maskable.float(), torch.full_like(rows.ids, BOTH))


def _asked_at(place: int, rows: Rows, inputs: torch.Tensor) -> Problem:
    """The question about the tokens at one place, where `inputs` [B, L] are seen."""
    here = torch.zeros_like(rows.maskable)
    here[:, place] = rows.maskable[:, place]
    return Problem(inputs, torch.where(here, rows.tokens, IGNORE), here.float(), torch.full_like(rows.ids, BOTH))


PLAIN: dict[str, Ask] = {
    "mlm": Mlm().scoring,
    "mlm_word": word_by_word,
    "mntp": before(Mlm().scoring),
    "mntp_word": before(word_by_word),
    "causal": of_text(Causal().scoring),
    "backward": of_text(Causal(direction="backward").scoring),
    "mlm_ahead": ahead,
    "mntp_ahead": partial(ahead, shift=1),
    "mask_free": as_it_stands,
}
"""The backends that ask every model the same."""


def dressed(exam: Ask, objective: Objective) -> Ask:
    """The exam as a model reads that was trained by `objective`: with [FW] before a text, where it has that habit."""
    return lambda rows: (objective.prepare_inputs(problem, rows) for problem in exam(rows))


def fused(objective: Objective) -> Ask:
    """The mean of the log-likelihoods under all fitting backends. Raises ValueError when there are not two."""
    names = backends(objective)
    if len(names) < 2:
        raise ValueError(
            f"backend=fused needs a model with two capabilities, and this has {', '.join(names) or 'none'}"
        )

    def ask(rows: Rows) -> Iterator[Problem]:
        for name in names:
            for problem in dressed(PLAIN[name], objective)(rows):
                yield replace(problem, weights=problem.weights / len(names))

    return ask


MADE: dict[str, Callable[[Any], Ask]] = {"fused": fused, "own": lambda objective: objective.scoring}
"""The backends that depend on how a model was trained."""


def choose(name: str | None, objective: Objective | None) -> tuple[str, Ask]:
    """A backend and its name; by default the first that fits the objective, or its own exam.

    Raises ValueError when there is none of that name, or it needs an objective that is not known.
    """
    if name in PLAIN:
        return name, dressed(PLAIN[name], objective) if objective else PLAIN[name]
    if name is not None and name not in MADE:
        raise ValueError(f"no backend {name!r}: {did_you_mean(name, [*PLAIN, *MADE])}")
    if objective is None:
        raise ValueError(f"how the model was trained is not known: choose a backend, {', '.join(PLAIN)}")
    if name is None:
        return choose(next(iter(backends(objective)), "own"), objective)
    return name, MADE[name](objective)
