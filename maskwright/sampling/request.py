"""From what a user wishes to texts that form: open the models, make the sampler, let them write."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from torch import nn

from ..attention import FORWARD
from ..objectives.base.detector import detector
from ..objectives.base.objective import Objective
from ..run.load import LoadedRun, load
from ..settings import from_mapping, override, registry, settings
from ..text.tokenizers.tokenizer import Tokenizer
from .canvas import Canvas, blank, whole
from .denoiser import Judge, Speaker
from .fill import SIGNS
from .generate import Frame, generate
from .mask_schedule import SHAPES, Shares
from .prefill import ahead
from .sampler import Sampler

LENGTH = 64
"""Tokens in a text of which nothing else is said."""
USUAL = "mdlm", "left_to_right"
"""The samplers that are taken where none is named, the first that the model can write with."""
TOUCH = 0.3
"""The share of a text that is masked at the outset when it is polished."""
Count = Annotated[int, Field(ge=1)]


@settings
class Manner:
    """How texts are written."""

    remasker: Path | None = None
    """The run whose model finds wrong tokens; none for the writer itself, where it learned both."""
    sampler: str | None = None
    """A file in `samplers/`; none for mdlm where the model fills masks, else left_to_right."""
    knobs: tuple[str, ...] = ()
    """Its knobs, `eta=0.1`."""
    length: Count | None = None
    """Tokens in a text; none for those of a prompt with gaps, else 64."""
    steps: Count = 64
    """How often the model is asked; from left to right it is once for each token."""
    schedule: str = "linear"
    """A shape, or the share masked after each step but the last: `0.5,0.2`."""
    start: Annotated[float, Field(ge=0, le=1)] | None = None
    """The share masked at the outset of the schedule; none for all, and for a light touch where a text is polished."""
    block: Count | None = None
    """Write so many tokens after the others."""
    temperature: float = 1.0
    """Of the draws; 0 for the best token always."""
    top_k: int = 0
    """Draw from so many best tokens; 0 for all."""
    top_p: float = 1.0
    """Draw from the best tokens that hold this probability."""
    seed: Annotated[int, Field(ge=0, lt=2**64)] = 0
    """Decides every draw."""


@settings
class Wish(Manner):
    """What to write, and how."""

    run: Path
    """The run whose model writes."""
    prompt: str = ""
    """What the text begins with; [MASK] in it is a gap."""
    edit: str | None = None
    """A text to polish instead."""
    count: Count = 1
    """How many texts."""
    ends: bool = True
    """Whether a text that is written from left to right may end before its length."""


@dataclass(frozen=True)
class Cast:
    """The models that write, opened once for any number of texts."""

    model: nn.Module
    tokenizer: Tokenizer
    objective: Objective
    """What the model was trained by."""
    judge: Judge | None


def opened(wish: Wish) -> Cast:
    """The models that a wish names. Raises ValueError when they cannot do what they are for."""
    return cast(load(wish.run, "cpu"), load(wish.remasker, "cpu") if wish.remasker else None)


def cast(run: LoadedRun, remasker: LoadedRun | None = None) -> Cast:
    """The models of a run and its remasker. Raises ValueError when they cannot do what they are for."""
    objective = run.known_objective
    if not able(objective):
        raise ValueError(
            f"{run.path} was trained with {registry.name_of(objective)}, "
            "which neither fills masks nor names what comes next"
        )
    return Cast(run.model, run.tokenizer, objective, judge(run, remasker))


def able(objective: Objective) -> list[str]:
    """The samplers that a model trained by `objective` can write with."""
    kinds = {name: registry.load("sampling.samplers", name)[0] for name in registry.names("sampling.samplers")}
    return [name for name, kind in kinds.items() if not objective.capabilities.isdisjoint(kind.capabilities)]  # type: ignore[attr-defined]


def named(wish: Wish, models: Cast) -> str:
    """The sampler that a wish names, or the one that is taken where it names none."""
    fit = able(models.objective)
    return wish.sampler or next(name for name in (*USUAL, *fit) if name in fit)


def judge(run: LoadedRun, remasker: LoadedRun | None) -> Judge | None:
    """The model that finds wrong tokens, if there is one. Raises ValueError when what is given cannot."""
    source = remasker or run
    found = detector(source.objective) if source.objective else None
    if found is None and remasker is None:
        return None
    if found is None:
        raise ValueError(
            f"{source.path} never learned to find wrong tokens: a remasker is trained with objective.name=remask"
        )
    if source.tokenizer.fingerprint != run.tokenizer.fingerprint:
        raise ValueError(
            f"{source.path} has another tokenizer than {run.path}: a remasker reads what the unmasker writes"
        )
    return Judge(source.model, found, run.tokenizer.vocabulary)


def texts(wish: Wish, models: Cast) -> list[str]:
    """The finished texts. Raises ValueError when something does not fit."""
    *_, last = form(wish, models)
    return [models.tokenizer.decode(row).strip() for row in last.tokens]


def form(wish: Wish, models: Cast) -> Iterator[Frame]:
    """A frame after each step. Raises ValueError when something does not fit."""
    made = sampler(named(wish, models), wish.knobs)
    canvas, speaker = _canvas(wish, models.tokenizer, longest(models.model)), _speaker(wish, made, models)
    if models.judge and longest(models.judge.model) < canvas.tokens.shape[1]:
        raise ValueError(
            f"{wish.remasker or wish.run} takes {longest(models.judge.model)} tokens, "
            f"and the text has {canvas.tokens.shape[1]}"
        )
    if made.view == FORWARD:
        canvas, seen = ahead(canvas, models.objective, models.tokenizer.vocabulary)
        speaker, plan = replace(speaker, seen=seen, ends=wish.ends), Shares(steps=int(canvas.free[0].sum()))
        return generate(speaker, made, canvas, plan, wish.seed)
    return generate(speaker, made, canvas, shares(wish), wish.seed, models.judge, wish.block)


def _speaker(wish: Wish, made: Sampler, models: Cast) -> Speaker:
    """The model as the sampler asks it. Raises ValueError when it was never trained to answer that."""
    capabilities = models.objective.capabilities
    shift = next((shift for capability, shift in made.capabilities.items() if capability in capabilities), None)
    if shift is None:
        raise ValueError(
            f"sampler {registry.name_of(made)} needs a model with the capability {' or '.join(made.capabilities)}; "
            f"{wish.run} was trained with {registry.name_of(models.objective)}, "
            f"which has {' and '.join(sorted(capabilities))}"
        )
    return Speaker(models.model, models.tokenizer.vocabulary, shift, wish.temperature, wish.top_k, wish.top_p)


def longest(model: nn.Module) -> int:
    """The positions that a model takes."""
    return int(model.max_length)  # type: ignore[arg-type]


def sampler(name: str, knobs: Iterable[str] = ()) -> Sampler:
    """The sampler of a name with `knob=value` set. Raises ValueError when there is none, or no such knob."""
    kind, preset = registry.load("sampling.samplers", name)
    made: Sampler = from_mapping(kind, override(preset, knobs), name)
    return made


def shares(wish: Wish) -> Shares:
    """The schedule that is wished for. Raises ValueError for a shape that does not exist."""
    start = wish.start if wish.start is not None else 1.0 if wish.edit is None else TOUCH
    knobs: dict[str, Any] = {"steps": wish.steps, "shape": wish.schedule, "start": start}
    if wish.schedule not in SHAPES:
        try:
            knobs |= {"shape": "linear", "custom": tuple(float(share) for share in wish.schedule.split(","))}
        except ValueError:
            shapes = ", ".join(SHAPES)
            raise ValueError(f"schedule={wish.schedule!r}: give {shapes}, or shares such as 0.8,0.5,0.2") from None
    return from_mapping(Shares, knobs, "schedule")


def _canvas(wish: Wish, tokenizer: Tokenizer, room: int) -> Canvas:
    if wish.edit is not None:
        return whole(tokenizer, wish.edit, wish.count, room)
    default = None if SIGNS in wish.prompt else min(LENGTH, room - 2)
    return blank(tokenizer, wish.prompt, wish.length or default, wish.count, room)
