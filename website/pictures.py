"""The pictures of `docs/ideas.md`, drawn by the program itself.

    python website/pictures.py              # masks and views
    python website/pictures.py RUN          # and a text that RUN, of the recipe unmask_remask, writes and mends

Text in an SVG is text, so a picture can be searched and read aloud.
"""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

import maskwright
from maskwright import attention
from maskwright.display.elements.figure import figure
from maskwright.display.masks import pieces, row
from maskwright.display.replay import HIDDEN
from maskwright.display.replay import pieces as of_frame
from maskwright.run.build import data, masked
from maskwright.run.config import Config
from maskwright.sampling.generate import MASKED, NEW, REMASKED, Frame
from maskwright.sampling.request import SampleRequest, models_of, stream
from maskwright.text.tokenizers.tokenizer import Tokenizer

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
TEXT = "The masks of a row are drawn anew in every epoch, so that no two epochs ask the same questions of the text."
OBJECTIVES = ("mlm", "whole_word", "span", "ranked_span", "pmi")
COLOURS = {"masked": "#ffd54f", "random": "#ef9a9a", "kept": "#a5d6a7"}
STATES = {MASKED: "#e0e0e0", NEW: "#a5d6a7", REMASKED: "#ef9a9a"}
WIDTH = 0.18
"""Of a character, in the units of a line's height."""
NAMES = -4.2
"""Where the names of lines begin; their text begins at 0."""
Piece = tuple[str, str]
"""The text of a token and the colour behind it."""


def masks() -> None:
    """What each masking objective hides of one sentence in two epochs."""
    shards = data(Config.load("quickstart"), show=False).shards
    ids, starts = shards.tokenizer.encode(TEXT)
    rows, parts = row(ids, starts, shards.tokenizer), shards.tokenizer.slices(TEXT)
    lines: list[tuple[str, Sequence[Piece]]] = []
    for name, objective in zip(OBJECTIVES, masked(list(OBJECTIVES), 0.3), strict=True):
        built = objective.build(shards, 0)
        for epoch in range(2):
            found = pieces(rows, parts, shards.tokenizer, built, epoch, 0)
            coloured = [(blank + text, COLOURS.get(fate, "")) for blank, text, fate in found]
            lines.append((f"{name}, epoch {epoch}", coloured))
    _draw(lines, FOLDER / "masks.svg", dict(zip(COLOURS.values(), COLOURS, strict=True)))


def views() -> None:
    """Which position may see which: two packed documents under each view, and a prefix."""
    document = torch.tensor([[0] * 5 + [1] * 7])
    prefix = torch.tensor([[True, True, False, False, False] + [True, True, True] + [False] * 4])
    kinds = {
        "both (mlm, diffusion)": (attention.BOTH, None),
        "forward (causal)": (attention.FORWARD, None),
        "backward (mirror)": (attention.BACKWARD, None),
        "prefix, then forward": (attention.FORWARD, prefix),
    }
    with figure(FOLDER / "views.svg", columns=len(kinds), size=(9, 2.6)) as axes:
        for axis, (name, (view, seen)) in zip(axes[0], kinds.items(), strict=True):
            allowed = attention.mask(document, torch.tensor([view]), seen)
            axis.imshow(allowed[0, 0], cmap="Blues", vmin=0, vmax=1.6)
            axis.set(title=name, xlabel="may be seen", ylabel="position")
            axis.set_xticks(np.arange(-0.5, 12), [], minor=False)
            axis.set_yticks(np.arange(-0.5, 12), [])
            axis.tick_params(length=0)


def remasking(run: Path) -> None:
    """A text of the run's model, step by step: what is filled, what is found wrong and masked again."""
    loaded = maskwright.load(run)
    request = SampleRequest(run=run, sampler="renoise", steps=9, length=24, seed=5)
    frames = list(stream(request, models_of(loaded)))
    lines = [(f"step {frame.step}", _coloured(frame, loaded.tokenizer)) for frame in frames]
    _draw(lines, FOLDER / "remasking.svg", {"#e0e0e0": "masked", "#a5d6a7": "new", "#ef9a9a": "masked again"})


def _coloured(frame: Frame, tokenizer: Tokenizer) -> list[Piece]:
    found = of_frame(frame, 0, tokenizer)
    return [(f" {text}" if text == HIDDEN else text, STATES.get(state, "")) for text, state in found]


def _draw(lines: Iterable[tuple[str, Sequence[Piece]]], path: Path, legend: dict[str, str]) -> None:
    """Lines of tokens, each with a colour behind it and a name before the line."""
    lines = list(lines)
    longest = max(sum(len(text) for text, _ in line) for _, line in lines)
    with figure(path, size=(11, 0.32 * len(lines) + 0.5)) as axes:
        axis = axes[0][0]
        axis.set(xlim=(NAMES, WIDTH * longest), ylim=(-1.2, len(lines)))
        axis.axis("off")
        for place, (name, line) in zip(reversed(range(len(lines))), lines, strict=True):
            axis.text(NAMES, place, name, va="center", fontsize=8)
            _tokens(axis, line, place)
        for number, (colour, name) in enumerate(legend.items()):
            axis.text(3.0 * number, -1, f" {name} ", va="center", fontsize=8, backgroundcolor=colour)


def _tokens(axis: Axes, line: Sequence[Piece], place: float) -> None:
    left = 0.0
    for text, colour in line:
        wide = WIDTH * len(text)
        if colour:
            axis.add_patch(Rectangle((left, place - 0.4), wide, 0.8, color=colour))
        axis.text(left, place, text, va="center", family="monospace", fontsize=7)
        left += wide


if __name__ == "__main__":
    masks()
    views()
    for folder in sys.argv[1:]:
        remasking(Path(folder))
