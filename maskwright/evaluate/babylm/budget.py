"""Whether a model has seen no more text than its track of the BabyLM challenge allows."""

from collections.abc import Iterator

from ...run.words_seen import WordsSeen
from .tasks import TRACKS

EPOCHS = 10
"""Passes over the text, in round numbers (rules of 2025, section 4.2, to which those of 2026 refer)."""
STEP = 1.005
"""A run ends with the step that meets its budget, so it may exceed that by one batch."""


def excess(seen: WordsSeen, track: str) -> Iterator[str]:
    """What exceeds the budget of the track, or cannot be known, in words."""
    for run, count in seen.others.items():
        if count is None:
            yield f"nobody knows how many words {run} has seen, and they count: it holds no final.json with words"
    if seen.total > STEP * TRACKS[track]:
        yield f"{seen.total:,} words, those of other models counted, where {track} allows {TRACKS[track]:,}"
    if seen.epochs is not None and round(seen.epochs) > EPOCHS:
        yield f"{seen.epochs:.1f} epochs, where the challenge allows about {EPOCHS}"
