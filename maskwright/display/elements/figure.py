"""Figures: a name in one is text, whatever its signs and its script.

An SVG has it as text, which whoever shows the file draws in their own fonts; other formats have the glyphs of the fonts
that are installed here.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np

matplotlib.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.font_manager import fontManager

FONTS = (
    "DejaVu Sans", "Noto Sans Devanagari", "Nirmala UI", "Noto Sans Thai", "Leelawadee UI", "Noto Sans Arabic",
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Microsoft YaHei", "Noto Emoji", "Segoe UI Emoji", "Arial Unicode MS",
    "Unifont",
)  # fmt: skip
"""A sign is drawn in the first of them that has it."""
STYLE = {
    "figure.figsize": (6.4, 3.4), "figure.dpi": 150, "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "grid.alpha": 0.25, "font.size": 9, "legend.frameon": False, "svg.hashsalt": "maskwright",
    "svg.fonttype": "none", "text.parse_math": False,
}  # fmt: skip


@contextmanager
def figure(
    *paths: Path, rows: int = 1, columns: int = 1, size: tuple[float, float] | None = None, **options: Any
) -> Iterator[np.ndarray]:
    """Axes, [rows, columns], to draw on; after the block they are saved to `paths`.  options: of `plt.subplots`."""
    installed = {font.name for font in fontManager.ttflist}
    style = STYLE | {"font.family": [name for name in FONTS if name in installed]}
    with warnings.catch_warnings(), plt.rc_context(style | ({"figure.figsize": size} if size else {})):
        warnings.filterwarnings(
            "ignore", "Glyph .* missing from font|.* does not support .* natively"
        )  # an SVG needs none
        drawn, axes = plt.subplots(rows, columns, squeeze=False, **options)
        yield axes
        drawn.tight_layout()
        for path in paths:
            path.parent.mkdir(parents=True, exist_ok=True)
            # the date is left out, so that equal figures are equal files
            drawn.savefig(path, bbox_inches="tight", **({"metadata": {"Date": None}} if path.suffix == ".svg" else {}))
        plt.close(drawn)
