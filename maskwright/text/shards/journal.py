"""What has been written for good: a kill at any moment loses at most what came after the last entry.

The arrays only grow; the journal says how far they count. After a kill they are cut back to it and go on from there.
"""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

from ...storage import sealed
from .layout import data_files


@dataclass
class Journal:
    """The state of a tokenization: all there is to know for going on."""

    key: str
    """Of corpus, tokenizer and settings: with another one, the work begins anew."""
    documents: int = 0
    """Documents of the corpus that are done, explicit validation documents after the others."""
    bytes: int = 0
    """UTF-8 bytes of their text."""
    sizes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(data_files(), 0))
    """Bytes of each array that count."""
    domains: list[str] = field(default_factory=list)
    """In the order in which they first came up."""
    overlap: dict[str, int] = field(default_factory=lambda: {"documents": 0, "words": 0})
    """Explicit validation documents that were dropped, since they stand in training too."""
    example: str = ""
    """The beginning of the first of them."""

    def save(self, folder: Path) -> None:
        """Write it; the arrays must be on disk by then."""
        sealed.write(folder / "journal.json", dataclasses.asdict(self))


def resume(folder: Path, key: str) -> Journal:
    """The journal in `folder` when it is whole and about the same work, else a new one.

    What a kill left of a file that was being written aside is removed.
    """
    for half in folder.glob("*.json.*"):
        half.unlink()
    try:
        found = Journal(**sealed.read(folder / "journal.json", Journal, "a journal"))
    except ValueError:
        return Journal(key)
    return found if found.key == key else Journal(key)
