"""A curriculum: one objective after the other, each until a share of the run is done or validation stops improving.

Bengio et al. 2009, "Curriculum learning", section 3. Which stage a step belongs to follows from the step, or from the
validations so far, which are part of a checkpoint: neither a resume nor ranks nor micro-batches matter.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from ..data.rows import Rows
from ..noise import Noise
from ..settings import Listed, settings
from ..settings.bounds import PositiveInt
from ..text.shards.shards import Shards
from .base.dealt import Dealt
from .base.live import Stateful, unbuilt
from .base.objective import Objective, OpenRun, no_runs, objective_field
from .base.problem import Problem


@settings
class Stage:
    """An objective, and where it ends."""

    objective: Annotated[Objective, objective_field("mlm")]
    """Its name, or its name and options."""
    until: Annotated[float, Field(gt=0, le=1)] | None = None
    """The share of the run at which it ends; 1 for the last."""
    patience: PositiveInt | None = None
    """Or after how many validations without a better loss it ends; the last has no end."""


@settings
class Staged(Dealt):
    """One objective after the other."""

    stages: Annotated[tuple[Stage, ...], Listed, Field(min_length=1)] = Field(
        ({"until": 0.5, "objective": "mlm"}, {"until": 1, "objective": "span"}), validate_default=True
    )
    """The stages in order: `[{until: 0.3, objective: span}, {until: 1, objective: {name: mlm, ratio: 0.3}}]`. The last
    is that of validation."""
    keep_earlier: bool = False
    """Whether earlier stages go on: each row then uses one of those begun, drawn uniformly."""

    def __post_init__(self) -> None:
        if self.by_patience:
            missing = [number for number, stage in enumerate(self.stages[:-1], 1) if stage.patience is None]
            if missing or self.stages[-1].patience is not None:
                number = missing[0] if missing else len(self.stages)
                wrong = "has neither until nor patience" if missing else "is the last and has a patience"
                raise ValueError(f"stage {number} {wrong}: each but the last says where it ends")
        else:
            self._check_ends()

    def _check_ends(self) -> None:
        for number, stage in enumerate(self.stages, 1):
            if stage.until is None or stage.patience is not None:
                raise ValueError(f"stage {number} must end by until, as others do, and by that alone")
        ends = self._ends
        if disorder := next((pair for pair in pairwise(ends) if pair[0] >= pair[1]), None):
            raise ValueError(f"until={disorder[1]:g} follows until={disorder[0]:g}: stages end in the order of the run")
        if ends[-1] != 1:
            raise ValueError(f"the last stage ends at until={ends[-1]:g}: it goes on to 1, the end of the run")

    @property
    def by_patience(self) -> bool:
        """Whether validations end the stages."""
        return all(stage.until is None for stage in self.stages)

    @property
    def _ends(self) -> list[float]:
        return [stage.until for stage in self.stages if stage.until is not None]

    @property
    def last(self) -> Objective:
        """The objective of the last stage, which the finished model is of."""
        return self.stages[-1].objective

    @property
    def capabilities(self) -> frozenset[str]:
        """Those of the last stage; of all stages, where earlier ones go on."""
        going_on = self.stages if self.keep_earlier else self.stages[-1:]
        return frozenset[str]().union(*(stage.objective.capabilities for stage in going_on))

    @property
    def prompt_from_both_sides(self) -> bool:  # type: ignore[override]  # a constant of the class elsewhere
        return self.last.prompt_from_both_sides

    @property
    def reads_blocks(self) -> int | None:
        return self.last.reads_blocks

    @property
    def follows_validation(self) -> bool:
        return (self.by_patience and len(self.stages) > 1) or any(
            part.follows_validation for part in self.sub_objectives.values()
        )  # fmt: skip

    @property
    def sub_objectives(self) -> dict[str, Objective]:
        return {f"stages.{number}": stage.objective for number, stage in enumerate(self.stages)}

    def with_parts(self, parts: Mapping[str, Objective]) -> "Staged":
        stages = zip(self.stages, parts.values(), strict=True)
        return replace(self, stages=tuple(replace(stage, objective=part) for stage, part in stages))

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> "LiveStaged":
        """The same with live objectives, at its first stage."""
        parts = {name: part.build(shards, seed, open_run) for name, part in self.sub_objectives.items()}
        return LiveStaged(self, parts)

    def begun(self, progress: float) -> int:
        """How many stages have begun when this share of the run is done."""
        if self.by_patience:
            raise unbuilt(self)
        return min(1 + sum(end <= progress for end in self._ends), len(self.stages))

    def deal(self, rows: Rows, noise: Noise) -> Tensor:
        begun = self.begun(rows.progress)
        return noise.below(begun, "stage", 1)[:, 0] if self.keep_earlier else torch.full_like(rows.ids, begun - 1)

    def scoring(self, rows: Rows) -> Iterator[Problem]:
        return self.last.scoring(rows)

    def prepare_inputs(self, problem: Problem, rows: Rows) -> Problem:
        return self.last.prepare_inputs(problem, rows)

    def for_validation(self) -> Objective:
        """The exam of the last stage, so that the checkpoints of all stages compare."""
        return self.last.for_validation()


class LiveStaged(Stateful, Staged):
    """Stages with live objectives, at one of them."""

    def __init__(self, settings: Staged, parts: Mapping[str, Objective]):
        super().__init__(settings.with_parts(parts))
        self.settings = settings
        self.patience = torch.tensor([0.0, 0.0, torch.inf], dtype=torch.float64)
        """[3]: the stages that have ended, the validations without improvement, the best loss of the stage."""
        self.stage = 1
        """The number of the present stage, for the log."""

    def begun(self, progress: float) -> int:
        return 1 + int(self.patience[0]) if self.by_patience else super().begun(progress)

    def deal(self, rows: Rows, noise: Noise) -> Tensor:
        self.stage = self.begun(rows.progress)
        return super().deal(rows, noise)

    def end_step(self) -> None:
        """Only what was trained on in this step acts: a stage that is over or has not begun stays as it is."""
        parts = list(self.sub_objectives.values())
        for part in parts[: self.stage] if self.keep_earlier else parts[self.stage - 1 : self.stage]:
            part.end_step()

    def on_validation(self, metrics: Mapping[str, float]) -> None:
        """End the stage after `patience` validations without a better loss."""
        super().on_validation(metrics)
        ended, waited, best = self.patience.tolist()
        patience = self.stages[int(ended)].patience
        if patience is None:
            return
        loss = metrics.get("loss", torch.inf)  # absent where nothing was asked
        waited = 0.0 if loss < best else waited + 1
        now = (ended + 1, 0.0, torch.inf) if waited >= patience else (ended, waited, min(best, loss))
        self.patience.copy_(torch.tensor(now))

    def state_dict(self) -> dict[str, Tensor]:
        return super().state_dict() | ({"patience": self.patience} if self.by_patience else {})

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        super().load_state_dict(state)
        if self.by_patience:
            self.patience.copy_(state["patience"])

    def log(self) -> dict[str, Any]:
        """The number of the present stage, from 1."""
        return super().log() | {"stage": self.stage}
