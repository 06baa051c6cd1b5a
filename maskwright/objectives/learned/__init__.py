"""A learned masker: a small network reads the clean row and hides what the model finds hard, within bounds.

It is rewarded with the model's loss at what it hid. Left alone it would end at what nobody can predict, names and
numbers; so a share of its choice is even, and its entropy has a floor. Its scores are sums of floats, whose last bits
may differ with the shape of a batch: what it hides is the same for the same batch, and so for a resumed run.

Shapes: B rows, L positions.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
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
from ...text.shards.shards import Shards
from ...text.tokenizers.vocabulary import Vocabulary
from ..base.by_weight import ByWeight
from ..base.live import Stateful, logger, unbuilt
from ..base.objective import OpenRun, no_runs
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

    @property
    def learns(self) -> bool:
        return True

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> "LiveLearned":
        """The same with a masker, whose initial weights are a function of `seed`."""
        return LiveLearned(self, shards.vocabulary, seed)

    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        raise unbuilt(self)


class LiveLearned(Stateful, Learned):
    """Masking by a network that learns in every step."""

    def __init__(self, settings: Learned, vocabulary: Vocabulary, seed: int):
        super().__init__(settings)
        self.vocabulary, self.maskable = vocabulary, torch.from_numpy(~vocabulary.is_special)
        masker = Masker(vocabulary.size, self.channels, address(seed, "masker") % 2**63)
        self.policy = PolicyState(masker, self.lr)
        self.present_entropy = 1.0
        self.clock = StepClock()

    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        """The policy."""
        with self.clock.running(), torch.no_grad():
            return policy(self.policy.masker(rows.tokens, rows.maskable), rows.maskable, self.uniform)

    def for_validation(self) -> "LiveLearned":
        """The same with a masker that has learned nothing, which hides evenly."""
        return LiveLearned(self.settings, self.vocabulary, seed=0)

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        """Add to the gradient of the masker. Tokens kept in sight earn no reward."""
        with self.clock.running():
            asked = problem.targets != IGNORE
            tokens = torch.where(asked, problem.targets, problem.inputs)
            free, hidden = self.maskable[tokens], asked & (problem.inputs != problem.targets)
            if not hidden.any():
                return
            reward = torch.zeros_like(loss)
            reward[hidden] = self.policy.advantage(loss[hidden])
            chance = policy(self.policy.masker(tokens, free), free, self.uniform)
            (policy_loss(chance, free, asked, reward, self.entropy) / len(tokens)).backward()
            self.present_entropy = float(entropy(chance.detach(), free).mean())

    def end_step(self) -> None:
        """Let the masker take its step."""
        with self.clock.running():
            self.policy.step()
        self.clock.end_step()

    def on_validation(self, metrics: Mapping[str, float]) -> None:
        """Warn when the entropy is below the floor."""
        found = self.present_entropy
        if found < self.entropy - 0.05:
            logger.warning(
                f"the masker's entropy is {found:.2f}, below its floor of {self.entropy}: lower objective.lr"
            )

    def state_dict(self) -> dict[str, Tensor]:
        return self.policy.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        if (size := len(state["masker.embedding.weight"])) != self.vocabulary.size:
            raise ValueError(f"the masker was learned for {size} tokens, and the tokenizer has {self.vocabulary.size}")
        self.policy.load_state_dict(state)

    def log(self) -> dict[str, Any]:
        """The masker's entropy, and the fraction of the last step's time that it took."""
        return {"masker/entropy": self.present_entropy, "masker/step_share": self.clock.share}


class StepClock:
    """Measures which fraction of a step is spent in some part of it."""

    def __init__(self) -> None:
        self.seconds, self.share = 0.0, 0.0
        self.since: float | None = None

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count the seconds of the block; the first block of a step begins the step."""
        begin = monotonic()
        self.since = begin if self.since is None else self.since
        yield
        self.seconds += monotonic() - begin

    def end_step(self) -> None:
        """Take stock of the step, and begin anew."""
        self.share = self.seconds / (monotonic() - (self.since or 0.0))
        self.seconds, self.since = 0.0, None
