"""From what a user wishes to texts: open the models, make the sampler, let them write, and show it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from rich.console import Console
from rich.live import Live
from torch import nn

from .. import folder
from ..config import make, override, settings
from ..objectives._wrong import detector
from ..sample.canvas import Canvas, blank, whole
from ..sample.fill import SIGNS, named_from
from ..sample.generate import Frame, generate
from ..sample.sampler import Sampler
from ..sample.shares import SHAPES, Shares
from ..sample.speaker import Judge, Speaker
from ..text.tokenizer import Tokenizer
from ..training.config import Config
from ..training.final import load
from .replay import page, view

LENGTH = 64
"""Tokens in a text of which nothing else is said."""
TOUCH = 0.3
"""The share of a text that is masked at the outset when it is polished."""
Count = Annotated[int, Field(ge=1)]


@settings
class Wish:
    """What to write, with what."""

    run: Path
    """The run whose model names hidden tokens."""
    remasker: Path | None = None
    """The run whose model finds wrong tokens; none for the first, where it learned both."""
    sampler: str = "mdlm"
    """A file in `samplers/`."""
    knobs: tuple[str, ...] = ()
    """Its knobs, `eta=0.1`."""
    prompt: str = ""
    """What the text begins with; [MASK] in it is a gap."""
    edit: str | None = None
    """A text to polish instead."""
    length: Count | None = None
    """Tokens in a text; none for those of a prompt with gaps, else 64."""
    steps: Count = 64
    """How often the model is asked."""
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
    count: Count = 1
    """How many texts."""
    seed: Annotated[int, Field(ge=0, lt=2**64)] = 0
    """Decides every draw."""


def write(wish: Wish, live: bool = False, html: Path | None = None) -> list[str]:
    """The texts that are wished for.

    live: show them as they form, where there is a terminal.  html: write a page on which they form again.
    Raises ValueError when something does not fit.
    """
    tokenizer, frames = forming(wish)
    console, kept = Console(stderr=True), list[Frame]()
    for frame in _shown(frames, wish.steps, tokenizer, console) if live and console.is_terminal else frames:
        kept = [*kept, frame] if html else [frame]
    if html:
        title = f"{wish.sampler}, {kept[-1].step} steps, seed {wish.seed}"
        console.print(f"replay  {page(kept, tokenizer, title, html)}", highlight=False)
    return [tokenizer.decode(row).strip() for row in kept[-1].tokens]


def forming(wish: Wish) -> tuple[Tokenizer, Iterator[Frame]]:
    """The tokenizer, and a frame after each step. Raises ValueError when something does not fit."""
    model, tokenizer = load(wish.run)
    objective = Config.load(wish.run).objective
    if (shift := named_from(objective)) is None:
        raise ValueError(f"{wish.run} was trained with {folder.name_of(objective)}, which never fills a mask")
    cuts = wish.temperature, wish.top_k, wish.top_p
    speaker = Speaker(model, tokenizer.vocabulary, shift, *cuts)
    canvas = _canvas(wish, tokenizer, _longest(model))
    judge = _judge(wish, tokenizer, canvas)
    parts = sampler(wish.sampler, wish.knobs), canvas, shares(wish)
    return tokenizer, generate(speaker, *parts, wish.seed, judge, wish.block)


def sampler(name: str, knobs: Iterable[str] = ()) -> Sampler:
    """The sampler of a name with `knob=value` set. Raises ValueError when there is none, or no such knob."""
    kind, preset = folder.load("samplers", name)
    made: Sampler = make(kind, override(preset, knobs), name)
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
    return make(Shares, knobs, "schedule")


def _canvas(wish: Wish, tokenizer: Tokenizer, longest: int) -> Canvas:
    if wish.edit is not None:
        return whole(tokenizer, wish.edit, wish.count, longest)
    default = None if SIGNS in wish.prompt else min(LENGTH, longest - 2)
    return blank(tokenizer, wish.prompt, wish.length or default, wish.count, longest)


def _judge(wish: Wish, tokenizer: Tokenizer, canvas: Canvas) -> Judge | None:
    """The model that finds wrong tokens, if there is one. Raises ValueError when what is given cannot."""
    found = detector(Config.load(source := wish.remasker or wish.run).objective)
    if found is None and wish.remasker is None:
        return None
    if found is None:
        raise ValueError(
            f"{source} never learned to find wrong tokens: a remasker is trained with objective.name=remask"
        )
    model, known = load(source)
    if known.fingerprint != tokenizer.fingerprint:
        raise ValueError(f"{source} has another tokenizer than {wish.run}: a remasker reads what the unmasker writes")
    if _longest(model) < canvas.tokens.shape[1]:
        raise ValueError(f"{source} takes {_longest(model)} tokens, and the text has {canvas.tokens.shape[1]}")
    return Judge(model, found, tokenizer.vocabulary)


def _longest(model: nn.Module) -> int:
    return int(model.max_length)  # type: ignore[arg-type]


def _shown(frames: Iterable[Frame], steps: int, tokenizer: Tokenizer, console: Console) -> Iterator[Frame]:
    """The same frames, shown in the terminal as they pass."""
    with Live(console=console, transient=True) as live:
        for frame in frames:
            live.update(view(frame, steps, tokenizer))
            yield frame
