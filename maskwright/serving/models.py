"""The models that answer, opened once, and what each of them can do."""

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
    """A run's model, and the one that finds wrong tokens, if there is one."""

    run: Path
    objective: Objective
    model: nn.Module
    tokenizer: Tokenizer
    writers: LoadedModels | None
    """The models that write; none where the model neither fills masks nor predicts the next token."""
    most: int
    """Tokens of the longest text."""

    @property
    def trained(self) -> str:
        """How the model was trained, as a name."""
        return name_of(self.objective)

    @property
    def backends(self) -> list[str]:
        """The ways in which the model can score a text."""
        return backends(self.objective)

    @property
    def unable(self) -> dict[str, str]:
        """What the model cannot do, each with a sentence that says why."""
        never = f"This model was trained with {self.trained}, which"
        can = {
            "fill": (mask_shift(self.objective) is not None, "never fills a mask"),
            "score": (bool(self.backends), "gives no likelihood of a text"),
            "sample": (bool(self.writers), "neither fills masks nor predicts the next token"),
        }
        return {tab: f"{never} {why}." for tab, (does, why) in can.items() if not does}

    def scorer(self, backend: str | None) -> tuple[str, Scorer]:
        """A backend that fits and its scorer, by default the first. Raises ValueError when it does not fit."""
        if backend is not None and backend not in self.backends:
            raise ValueError(f"backend={backend!r}: this model was trained for {', '.join(self.backends)}")
        name, ask = choose(backend, self.objective)
        return name, Scorer(self.model, self.tokenizer, ask)


def opened(run: Path, remasker: Path | None, most: int) -> Models:
    """The models of finished runs. Raises ValueError when there are none, or they do not fit each other.

    most: tokens of the longest text; never more than the model takes.
    """
    source = load(run, "cpu")
    objective = source.known_objective
    found = remasker_of(source, load(remasker, "cpu") if remasker else None)
    writers = LoadedModels(source.model, source.tokenizer, objective, found) if compatible_samplers(objective) else None
    room = [longest(part) - 2 for part in (source.model, found and found.model) if part]
    return Models(run, objective, source.model, source.tokenizer, writers, min(most, *room))
