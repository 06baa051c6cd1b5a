"""File kinds by name, and the files of a folder without hidden ones."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from .errors import listing, note

COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".lz4")
JSON_LINES = (".jsonl", ".ndjson")


def kind(path: Path) -> str:
    """The suffix in lower case, ignoring that of a compression: `.txt` for `A.TXT.gz`."""
    return _plain(path).suffix.lower()


def stem(path: Path) -> str:
    """The name without its suffixes: `bnc_spoken` for `bnc_spoken.train.gz`."""
    return _plain(path).stem


def _plain(path: Path) -> Path:
    return path.with_suffix("") if path.suffix.lower() in COMPRESSED else path


def of_kind(folder: Path, *kinds: str) -> list[Path]:
    """The files of these kinds in `folder`, by name, without hidden ones."""
    files = (path for path in folder.glob("*") if kind(path) in kinds and path.is_file())
    return sorted(visible(files, folder))


def visible(paths: Iterable[Path], root: Path) -> Iterator[Path]:
    """`paths` without those hidden below `root`; skipped ones are logged."""
    skipped = []
    for path in paths:
        if hidden(path, root):
            skipped.append(str(path.relative_to(root)))
        else:
            yield path
    if skipped:
        note(f"{root}: skipped hidden files ({len(skipped):,}): {listing(sorted(skipped))}")


def hidden(path: Path, root: Path) -> bool:
    """Whether a part of the path below `root` begins with a dot, or is `__MACOSX`."""
    parts = path.relative_to(root).parts
    return any(part == "__MACOSX" or (part.startswith(".") and part != "..") for part in parts)
