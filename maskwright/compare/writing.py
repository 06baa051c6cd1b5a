"""Texts as they are wished for, shown while they form."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from rich.console import Console
from rich.live import Live

from ..sample.generate import Frame
from ..text.tokenizer import Tokenizer
from ..training.writing import Wish, forming
from .replay import page, view


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


def _shown(frames: Iterable[Frame], steps: int, tokenizer: Tokenizer, console: Console) -> Iterator[Frame]:
    """The same frames, shown in the terminal as they pass."""
    with Live(console=console, transient=True) as live:
        for frame in frames:
            live.update(view(frame, steps, tokenizer))
            yield frame
