"""The interface of objectives, which turn clean rows into a problem, and the base class of masking objectives.

Shapes: B rows of text, P rows of a problem, L positions. Rows are independent of each other: every draw depends on its
address alone.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from pydantic import BeforeValidator
from torch import Tensor

from ...attention import BOTH
from ...data.rows import Rows
from ...masking.replace import replace as replace_tokens
from ...masking.select import IGNORE, row_budgets
from ...noise import Noise
from ...settings import from_mapping, settings, short_repr
from ...settings.bounds import PositiveInt
from ...settings.registry import load
from ...settings.schedule import Probability, Ratio, Scheduled, constant, sums, value
from ...text.shards.shards import Shards
from .problem import Problem, TokenScorer

OpenRun = Callable[[str], TokenScorer]
"""Opens the finished run in a folder and returns its model as a scorer of tokens."""


@dataclass(frozen=True)
class Teaching:
    """Trained models whose scores are targets beside the tokens."""

    teachers: tuple[str, ...]
    """Their folders."""
    share: float
    """Weight of the divergence from them in the loss."""
    temperature: float
    """What scores are divided by."""


def no_runs(folder: str) -> TokenScorer:
    """Refuse to open a run: the default, for objectives that need none."""
    raise ValueError(f"generator_run={folder}: pass open_run to build, which opens the model of a run")


@settings
class Objective(ABC):
    """Turns clean rows into a problem. A subclass is its own settings class and must define `corrupt` only.

    Settings are values. `build` gives the live objective: most are their own live form, and those that learn or that
    must have seen the text return a `Live` subclass, which holds the state.
    """

    prompt_from_both_sides: ClassVar[bool] = False
    """Whether attention within a prompt is bidirectional when the model continues it."""

    num_static_masks: PositiveInt | None = None
    """How many different corruptions a row gets: null for a new one each epoch (dynamic), 1 for the same one always
    (static), 10 as in BERT."""

    @property
    def settings(self) -> "Objective":
        """The settings that this objective was built from; itself where it has no state."""
        return self

    @property
    def leak_exemption(self) -> str:
        """Why a position may have as its target the very token that it sees, where an objective does so: no other
        position may reveal it."""
        return ""

    @property
    def capabilities(self) -> frozenset[str]:
        """What a model trained this way can predict, by the names of `base.capabilities`: `unmask` (a masked token from
        both sides), `forward` (the next token), `detect` (which are corrupted) …"""
        return frozenset()

    @property
    def reads_blocks(self) -> int | None:
        """The tokens of a block, where a text is read block by block, each with all before it; else None."""
        return next((size for part in self.sub_objectives.values() if (size := part.reads_blocks)), None)

    @property
    def learns(self) -> bool:
        """Whether the trainer must call `observe`."""
        return type(self).observe is not Objective.observe

    @property
    def teaching(self) -> Teaching | None:
        """Whom the model learns from beside the targets; None where from nobody."""
        return next((part.teaching for part in self.sub_objectives.values() if part.teaching), None)

    @property
    def by_word(self) -> bool:
        """Whether it needs to know where words begin."""
        return any(part.by_word for part in self.sub_objectives.values())

    @property
    def follows_validation(self) -> bool:
        """Whether validations decide how it goes on, so that their number is part of the run."""
        own = type(self).on_validation is not Objective.on_validation
        return own or any(part.follows_validation for part in self.sub_objectives.values())

    @property
    def sub_objectives(self) -> dict[str, "Objective"]:
        """The objectives that it holds, by field."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Objective)}

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> "Objective":
        """The live objective for a run on the text `shards` with `seed`. The settings stay as they are.

        open_run: opens the trained model of a run that the settings name. Raises ValueError when that cannot be done.
        """
        return self.with_parts({name: part.build(shards, seed, open_run) for name, part in self.sub_objectives.items()})

    def with_parts(self, parts: Mapping[str, "Objective"]) -> "Objective":
        """The same with other sub-objectives, by their names; itself where none differs."""
        changed: dict[str, Any] = {name: part for name, part in parts.items() if part is not getattr(self, name)}
        return replace(self, **changed) if changed else self

    @abstractmethod
    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        """The problem made from `rows` with the random numbers of `noise`."""

    def __call__(self, rows: Rows, seed: int) -> Problem:
        """The problem of a training step: `corrupt` at the address of `seed`, the rows and their epochs."""
        epoch = rows.epoch if self.num_static_masks is None else rows.epoch % self.num_static_masks
        return self.corrupt(rows, Noise(seed, epoch, rows.ids))

    def corrupt_some(self, rows: Rows, noise: Noise, chosen: Tensor) -> Problem:
        """The problem of the `chosen` rows, [B] bool."""
        places = torch.nonzero(chosen)[:, 0]
        problem = self.corrupt(rows[places], noise[places])
        return replace(problem, source_row=places[problem.source_row])

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        """The problems whose summed weighted loss scores each row: a negative log-likelihood, a bound or a stand-in."""
        yield self.corrupt(rows, Noise(0, torch.zeros_like(rows.ids), rows.ids))

    def prepare_inputs(self, problem: Problem, rows: Rows) -> Problem:
        """`problem` with the control tokens that a model trained this way expects, for problems made elsewhere."""
        for part in self.sub_objectives.values():
            problem = part.prepare_inputs(problem, rows)
        return problem

    def for_validation(self) -> "Objective":
        """The same with nothing learned, so that validation poses the same problems to every checkpoint."""
        return self.with_parts({name: part.for_validation() for name, part in self.sub_objectives.items()})

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:  # noqa: B027  most learn nothing
        """Learn from an update: loss [P, L] float32 and correct [P, L] bool, both 0 where there is no target."""

    def end_step(self) -> None:
        """Act on what was observed: called once per step, after `observe`."""
        for part in self.sub_objectives.values():
            part.end_step()

    def on_validation(self, metrics: Mapping[str, float]) -> None:
        """React to validation `metrics` (`loss` and others), before the checkpoint is written.

        One that only warns here sets `follows_validation = False`.
        """
        for part in self.sub_objectives.values():
            part.on_validation(metrics)

    def state_dict(self) -> dict[str, Tensor]:
        """Learned state for the checkpoint; that of each sub-objective under `NAME.`."""
        parts = self.sub_objectives.items()
        return {f"{name}.{key}": value for name, part in parts for key, value in part.state_dict().items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Restore the state of a checkpoint. Raises ValueError when it belongs to another text or vocabulary."""
        for name, part in self.sub_objectives.items():
            start = f"{name}."
            part.load_state_dict({key[len(start) :]: state[key] for key in state if key.startswith(start)})

    def log(self) -> dict[str, Any]:
        """Numbers for the log; those of each sub-objective under `NAME/`."""
        parts = self.sub_objectives.items()
        return {f"{name}/{key}": value for name, part in parts for key, value in part.log().items()}

    def table(self) -> dict[str, np.ndarray]:
        """What was learned about each token: columns [V] by name, for mask_weights.parquet; by default none."""
        return {name: column for part in self.sub_objectives.values() for name, column in part.table().items()}


def objective_field(name: str) -> BeforeValidator:
    """For a setting that is itself an objective, written as a name or `{name: span, ratio: 0.3}`; by default `name`."""

    def parse(value: Any) -> Any:
        if isinstance(value, Objective):
            return value
        if not isinstance(value, str | Mapping):
            raise ValueError(f"{short_repr(value)} is not an objective: give its name, or {{name: {name}, …}}")
        fields = {"name": value} if isinstance(value, str) else dict(value)
        kind, preset = load("objectives", chosen := str(fields.pop("name", name)))
        return from_mapping(kind, preset | fields, chosen)

    return BeforeValidator(parse)


@settings
class Masked(Objective, ABC):
    """Masked language modelling. A subclass only chooses the positions: `select`."""

    ratio: Ratio = 0.15
    """The fraction of maskable positions that are chosen, or a schedule of it."""
    random_prob: Scheduled[Probability] = 0.1
    """The fraction of chosen positions that get a random token, or a schedule of it."""
    keep_prob: Scheduled[Probability] = 0.1
    """The fraction of chosen positions that keep their token, or a schedule of it."""
    corruption_unit: Literal["token", "span"] = "token"
    """Whether [MASK], random or keep is drawn per token, or once per unit (word or span)."""
    at_least_one: bool = True
    """Whether every row that has a maskable position gets at least one target."""
    balance: bool = False
    """Whether positions take turns: in each cycle of 1 / ratio epochs, all are masked before any is masked twice."""

    def __post_init__(self) -> None:
        if (both := max(sums(self.random_prob, self.keep_prob))) > 1:
            raise ValueError(f"random_prob + keep_prob = {both:g}: their sum is a probability, at most 1")
        if self.balance and not constant(self.ratio):
            raise ValueError("balance needs a constant ratio: a cycle lasts 1 / ratio epochs")

    @property
    def capabilities(self) -> frozenset[str]:
        return frozenset({"unmask"})

    @abstractmethod
    def select(self, rows: Rows, noise: Noise) -> Tensor:
        """[B, L] int32: 0 where a token is not chosen, else the number of its unit (1, 2, ...) in the row."""

    def corrupt(self, rows: Rows, noise: Noise) -> Problem:
        """[MASK], a random token or the token itself at the selected positions; the original as their target."""
        inputs, targets = torch.empty_like(rows.tokens), torch.empty_like(rows.tokens)
        weights = torch.empty(rows.tokens.shape, dtype=torch.float32)
        units = self.select(rows, noise)
        random, keep = value(self.random_prob, rows.progress), value(self.keep_prob, rows.progress)
        thresholds = np.float32(random), np.float32(random + keep)
        replace_tokens(
            rows.tokens.numpy(), units.numpy(), noise.keys("fate"), noise.keys("other"),
            rows.vocabulary.ordinary, rows.vocabulary.mask, *thresholds, self.corruption_unit == "span",
            inputs.numpy(), targets.numpy(), weights.numpy(),
        )  # fmt: skip
        return Problem(inputs, targets, weights, torch.full_like(rows.ids, BOTH), span_id=units)

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        """Pseudo-log-likelihood: one problem per position, in which that position alone is masked.

        Salazar et al. 2020, "Masked language model scoring", eq. 1.
        """
        for place in torch.nonzero(rows.maskable.any(0)).flatten():
            here = torch.zeros_like(rows.maskable)
            here[:, place] = rows.maskable[:, place]
            inputs = torch.where(here, rows.vocabulary.mask, rows.tokens)
            yield Problem(inputs, torch.where(here, rows.tokens, IGNORE), here.float(), torch.full_like(rows.ids, BOTH))

    @property
    def cycle(self) -> int:
        """How many epochs share one order of positions: 1, or with `balance` as many as mask every position."""
        return int(np.ceil(1 / value(self.ratio, 0.0))) if self.balance else 1

    def order(self, noise: Noise) -> Noise:
        """The noise shared by the epochs of a cycle."""
        return Noise(noise.seed, noise.epochs // self.cycle, noise.rows)

    def budget_and_order(self, rows: Rows, noise: Noise) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """How many positions of each row are masked, where in its random order they begin, and the key of that order.

        The ratio times the maskable positions, rounded up or down at random so that the mean is exact. [B] int64, [B]
        int64 and [B] uint64, as the kernels take them.
        """
        order, turns = self.order(noise), noise.epochs.numpy() % self.cycle
        mask_ratio = value(self.ratio, rows.progress)
        budget, first = row_budgets(rows.word.numpy(), mask_ratio, int(self.at_least_one), turns, order.keys("budget"))
        return budget, first, order.keys("select")
