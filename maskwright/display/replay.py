"""Sampling step by step: live in the terminal, and as a self-contained page with a slider."""

import json
from collections.abc import Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template

from rich.console import Group, RenderableType
from rich.text import Text

from ..sampling.generate import GIVEN, MASKED, NEW, REMASKED, SETTLED, Frame
from ..text.tokenizers.token_text import in_sight
from ..text.tokenizers.tokenizer import Tokenizer
from .elements.painted import painted
from .elements.style import STYLE

NAMES = {GIVEN: "given", MASKED: "masked", NEW: "new", REMASKED: "remasked", SETTLED: "settled"}
STYLES = {GIVEN: "bold", MASKED: "bright_black", NEW: "black on green", REMASKED: "black on red", SETTLED: ""}
HIDDEN = "▒"
"""Stands for [MASK] on screen."""
PAGE = Path(__file__).with_name("replay.html")


def pieces(frame: Frame, row: int, tokenizer: Tokenizer) -> list[tuple[str, int]]:
    """The tokens of a text between [CLS] and the [SEP] that ends it, each as text, with its state.

    While some are hidden, a byte may belong to a character that is not whole yet, and is shown as a byte.
    """
    tokens, states, known = frame.tokens[row].tolist(), frame.state[row].tolist(), tokenizer.vocabulary
    end = tokens.index(known.pad) - 1 if tokens[-1] == known.pad else len(tokens) - 1
    texts: list[str] = []
    for hidden, run in groupby(tokens[1:end], lambda token: token == known.mask):
        there = list(run)
        texts += [HIDDEN] * len(there) if hidden else in_sight(tokenizer, there, as_bytes=known.mask in tokens)
    return list(zip(texts, states[1:end], strict=True))


def view(frame: Frame, tokenizer: Tokenizer, rows: int = 4) -> RenderableType:
    """The first texts of a frame in colour, with a legend."""
    legend = Text("  ").join(Text(f" {NAMES[state]} ", STYLES[state]) for state in (MASKED, NEW, REMASKED, SETTLED))
    texts = [
        painted((piece, STYLES[state]) for piece, state in pieces(frame, row, tokenizer))
        for row in range(min(rows, len(frame.tokens)))
    ]
    parts = [part for text in texts for part in (Text(), text)]
    return Group(legend, Text(f"step {frame.step} of at most {frame.max_steps}", "dim"), *parts)


def page(frames: Sequence[Frame], tokenizer: Tokenizer, title: str, path: Path) -> Path:
    """Write a page that replays the sampling step by step. Returns the path."""
    steps = [[pieces(frame, row, tokenizer) for row in range(len(frame.tokens))] for frame in frames]
    shown = json.dumps({"names": NAMES, "steps": steps}, ensure_ascii=False, separators=(",", ":"))
    html = Template(PAGE.read_text(encoding="utf-8"))
    path.write_text(
        html.substitute(style=STYLE, title=escape(title), data=shown.replace("<", "\\u003c")), encoding="utf-8"
    )
    return path
