"""The style that pages share: dark by the reader's setting, readable at the width of a telephone."""

from pathlib import Path

STYLE = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
"""CSS, to stand at the beginning of a page's own."""
