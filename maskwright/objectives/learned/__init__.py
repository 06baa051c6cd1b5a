"""A learned masker: a small network reads the clean row and hides what the model finds hard, within bounds.

It is rewarded with the model's loss at what it hid. Left alone it would end at what nobody can predict, names and
numbers; so a share of its choice is even, and its entropy has a floor. Its scores are sums of floats, whose last bits
may differ with the shape of a batch: what it hides is the same for the same batch, and so for a resumed run.

Shapes: B rows, L positions.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from time import monotonic
from typing import Annotated, Any

import torch
from pydantic import Field
from torch import Tensor

from ...data.rows import Rows
from ...masking.select import IGNORE
from ...noise import Noise, address
from ...settings import settings
from ...settings.schedule import Share
from ..base.by_weight import ByWeight
from ..base.problem import Problem
from .policy import Masker, PolicyState, entropy, policy, policy_loss


@settings
class Learned(ByWeight):
    """Masked language modelling by a neural masker."""

    channels: Annotated[int, Field(ge=1)] = 32
    """Its width."""
    lr: Annotated[float, Field(gt=0)] = 1e-3
    """Its learning rate, of Adam."""
    uniform: Share = 0.2
    """The share of its choice that is even over the row."""
    entropy: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """What its entropy is held above, as a share of that of an even choice."""

    @cached_property
    def _known(self) -> dict[str, Any]:
        """What it has learned (`mind`), which ids are special, and what the log is told."""
        return {"seconds": 0.0, "since": None, "share": 0.0, "entropy": 1.0}

    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        """The policy. Raises ValueError when it was learned with another vocabulary."""
        with self._timed():
            mind = self._begun(rows, noise.seed)
            self._known["free"] = torch.from_numpy(~rows.vocabulary.is_special)
            with torch.no_grad():
                return policy(mind.masker(rows.tokens, rows.maskable), rows.maskable, self.uniform)

    def _begun(self, rows: Rows, seed: int) -> PolicyState:
        if "mind" not in self._known:
            masker = Masker(rows.vocabulary.size, self.channels, address(seed, "masker") % 2**63)
            self._known["mind"] = PolicyState(masker, self.lr)
        mind: PolicyState = self._known["mind"]
        if (size := mind.masker.embedding.num_embeddings) != rows.vocabulary.size:
            raise ValueError(f"the masker was learned of {size} tokens, and the tokenizer has {rows.vocabulary.size}")
        return mind

    def for_validation(self) -> "Learned":
        """The same with a masker that has learned nothing, which hides evenly."""
        return replace(self)

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        """Add to the gradient of the masker. What was kept in sight was no question, and earns nothing."""
        with self._timed():
            mind, asked = self._known["mind"], problem.targets != IGNORE
            tokens = torch.where(asked, problem.targets, problem.inputs)
            free, hidden = self._known["free"][tokens], asked & (problem.inputs != problem.targets)
            if not hidden.any():
                return
            reward = torch.zeros_like(loss)
            reward[hidden] = mind.expect(loss[hidden])
            chance = policy(mind.masker(tokens, free), free, self.uniform)
            (policy_loss(chance, free, asked, reward, self.entropy) / len(tokens)).backward()
            self._known["entropy"] = float(entropy(chance.detach(), free).mean())

    def end_step(self) -> None:
        """Let the masker take its step."""
        with self._timed():
            self._known["mind"].step()
        begun, self._known["since"] = self._known["since"], None
        self._known["share"] = self._known["seconds"] / (monotonic() - begun)
        self._known["seconds"] = 0.0

    @contextmanager
    def _timed(self) -> Iterator[None]:
        """Count the seconds that the masker takes of a step."""
        begin = monotonic()
        if self._known["since"] is None:
            self._known["since"] = begin
        yield
        self._known["seconds"] += monotonic() - begin

    def state_dict(self) -> dict[str, Tensor]:
        return self._known["mind"].state_dict() if "mind" in self._known else {}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        if state:
            self._known["mind"] = PolicyState.restored(state, self.lr)

    def log(self) -> dict[str, Any]:
        """Its entropy, and the share of the last step's time that it took."""
        return {"masker/entropy": self._known["entropy"], "masker/step_share": self._known["share"]}

    def warnings(self) -> list[str]:
        """Whether it is below the floor."""
        if (found := self._known["entropy"]) >= self.entropy - 0.05:
            return []
        return [f"the masker's entropy is {found:.2f}, below its floor of {self.entropy}: lower objective.lr"]
