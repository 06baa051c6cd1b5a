"""The journal of a tokenization: what is durably on disk. A kill loses at most what came after the last entry.

The arrays only grow, and the journal records how many bytes of each are valid; on resume they are truncated to it.
"""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

from ...storage import sealed
from .layout import data_files


@dataclass
class Journal:
    """Everything needed to resume a tokenization."""

    key: str
    """Hash of corpus, tokenizer and settings; if it differs, tokenization starts over."""
    documents: int = 0
    """Documents done; a corpus's own validation documents come after the training documents."""
    bytes: int = 0
    """UTF-8 bytes of their text."""
    dropped: int = 0
    """Characters that the tokenizer drops, of all but whitespace, which are `characters`."""
    characters: int = 0
    sizes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(data_files(), 0))
    """Valid bytes of each array."""
    domains: list[str] = field(default_factory=list)
    """Domain names in order of first appearance."""
    overlap: dict[str, int] = field(default_factory=lambda: {"documents": 0, "words": 0})
    """Validation documents of the corpus that were dropped because they also occur in training."""
    example: str = ""
    """The beginning of the first of them."""

    def save(self, folder: Path) -> None:
        """Write the journal. The arrays must be synced to disk first."""
        sealed.write(folder / "journal.json", dataclasses.asdict(self))


def resume(folder: Path, key: str) -> Journal:
    """The journal in `folder` if it is intact and belongs to the same work, else a new one.

    Removes temporary files that a killed process left.
    """
    for half in folder.glob("*.json.*"):
        half.unlink()
    try:
        found = Journal(**sealed.read(folder / "journal.json", Journal, "a journal"))
    except ValueError:
        return Journal(key)
    return found if found.key == key else Journal(key)
