"""The loaded models, and what they can do."""

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from ..evaluate.scoring.backends import choose
from ..evaluate.scoring.scorer import Scorer
from ..objectives.base.capabilities import backends, mask_shift
from ..objectives.base.objective import Objective
from ..run.load import load
from ..sampling.request import LoadedModels, compatible_samplers, longest, remasker_of
from ..settings.registry import name_of
from ..text.tokenizers.tokenizer import Tokenizer


@dataclass(frozen=True)
class Models:
    """A run's model, and optionally a remasker."""

    run: Path
    objective: Objective
    model: nn.Module
    tokenizer: Tokenizer
    writers: LoadedModels | None
    """The models for sampling; None if the model neither fills masks nor predicts the next token."""
    max_tokens: int
    """Maximum tokens of a text."""

    @property
    def trained(self) -> str:
        """The name of the objective that it was trained with."""
        return name_of(self.objective)

    @property
    def backends(self) -> list[str]:
        """The scoring backends that fit the model."""
        return backends(self.objective)

    @property
    def unavailable(self) -> dict[str, str]:
        """Tabs that the model does not support, each with the reason."""
        never = f"This model was trained with {self.trained}, which"
        can = {
            "fill": (mask_shift(self.objective) is not None, "never fills a mask"),
            "score": (bool(self.backends), "gives no likelihood of a text"),
            "sample": (bool(self.writers), "neither fills masks nor predicts the next token"),
        }
        return {tab: f"{never} {why}." for tab, (does, why) in can.items() if not does}

    def scorer(self, backend: str | None) -> tuple[str, Scorer]:
        """A backend's name and scorer; by default the first that fits. Raises ValueError when it does not fit."""
        if backend is not None and backend not in self.backends:
            raise ValueError(f"backend={backend!r}: this model was trained for {', '.join(self.backends)}")
        name, questions = choose(backend, self.objective)
        return name, Scorer(self.model, self.tokenizer, questions)


def opened(run: Path, remasker: Path | None, most: int) -> Models:
    """Load the models of finished runs. Raises ValueError when there are none, or they do not match.

    most: maximum tokens of a text, capped at the model's maximum.
    """
    source = load(run, "cpu")
    objective = source.known_objective
    found = remasker_of(source, load(remasker, "cpu") if remasker else None)
    writers = LoadedModels(source.model, source.tokenizer, objective, found) if compatible_samplers(objective) else None
    room = [longest(part) - 2 for part in (source.model, found and found.model) if part]
    return Models(run, objective, source.model, source.tokenizer, writers, min(most, *room))
