"""A learned masking policy: a small network reads the clean row and masks what the model finds hard, within bounds.

Its reward is the model's loss at the masked positions. Unchecked it would settle on what cannot be predicted, such as
names and numbers, so a fraction of its distribution is uniform and its entropy has a floor. Its scores are sums of
floats, whose last bits may differ with the shape of a batch: masks are reproducible for the same batches, and so for a
resumed run, but not row by row.

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
from ...settings.bounds import Size
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
    """Masked language modelling with a neural masking policy."""

    channels: Size = 32
    """Width of the network."""
    lr: Annotated[float, Field(gt=0)] = 1e-3
    """Learning rate of its Adam."""
    uniform: Share = 0.2
    """The fraction of its distribution that is uniform over the row."""
    entropy: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """The floor of its entropy, as a fraction of that of a uniform distribution."""

    @property
    def learns(self) -> bool:
        return True

    def build(self, shards: Shards, seed: int, open_run: OpenRun = no_runs) -> "LiveLearned":
        """The same with a network, whose initial weights are a function of `seed`."""
        return LiveLearned(self, shards.vocabulary, seed)

    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        raise unbuilt(self)


class LiveLearned(Stateful, Learned):
    """Masking by a network that is trained in every step."""

    follows_validation = False

    def __init__(self, settings: Learned, vocabulary: Vocabulary, seed: int):
        super().__init__(settings)
        self.vocabulary, self.maskable = vocabulary, torch.from_numpy(~vocabulary.is_special)
        masker = Masker(vocabulary.size, self.channels, address(seed, "masker") % 2**63)
        self.policy = PolicyState(masker, self.lr)
        self.present_entropy = 1.0
        self.clock = StepClock()

    def weigh(self, rows: Rows, noise: Noise) -> Tensor:
        """The probabilities of the policy."""
        with self.clock.running(), torch.no_grad():
            return policy(self.policy.masker(rows.tokens, rows.maskable), rows.maskable, self.uniform)

    def for_validation(self) -> "LiveLearned":
        """The same with an untrained network, which masks uniformly."""
        return LiveLearned(self.settings, self.vocabulary, seed=0)

    def observe(self, problem: Problem, loss: Tensor, correct: Tensor) -> None:
        """Accumulate the gradient of the policy. Kept tokens, which are visible, earn no reward."""
        with self.clock.running():
            chosen = problem.targets != IGNORE
            tokens = torch.where(chosen, problem.targets, problem.inputs)  # the clean row, which the policy saw
            free, hidden = self.maskable[tokens], chosen & (problem.inputs != problem.targets)
            if not hidden.any():
                return
            reward = torch.zeros_like(loss)
            reward[hidden] = self.policy.advantage(loss[hidden])
            probs = policy(self.policy.masker(tokens, free), free, self.uniform)
            (policy_loss(probs, free, chosen, reward, self.entropy) / len(tokens)).backward()
            self.present_entropy = float(entropy(probs.detach(), free).mean())

    def end_step(self) -> None:
        """Take an optimizer step on the policy."""
        with self.clock.running():
            self.policy.step()
        self.clock.end_step()

    def on_validation(self, metrics: Mapping[str, float]) -> None:
        """Warn when the entropy is below the floor."""
        present = self.present_entropy
        if present < self.entropy - 0.05:
            logger.warning(
                f"the masker's entropy is {present:.2f}, below its floor of {self.entropy}: lower objective.lr"
            )

    def state_dict(self) -> dict[str, Tensor]:
        return self.policy.state_dict()

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        if (size := len(state["masker.embedding.weight"])) != self.vocabulary.size:
            raise ValueError(f"the masker was learned for {size} tokens, and the tokenizer has {self.vocabulary.size}")
        self.policy.load_state_dict(state)

    def log(self) -> dict[str, Any]:
        """The policy's entropy, and the fraction of the last step's time that it took."""
        return {"masker/entropy": self.present_entropy, "masker/step_share": self.clock.share}


class StepClock:
    """Measures the fraction of a step's time that is spent in one part of it."""

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
        """Compute the fraction for the step, and reset."""
        self.share = self.seconds / (monotonic() - (self.since or 0.0))
        self.seconds, self.since = 0.0, None
