"""The manifest of tokenized text: counts, hashes, sources, versions.

Nothing in it depends on when, where or in how many attempts it was made, so equal text gives an equal manifest.
"""

import dataclasses
import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from ...storage.sealed import file_hash
from ..corpus import Source
from ..tokenizers.tokenizer import Tokenizer
from .journal import Journal
from .layout import DOCUMENT, FORMAT, SPLITS, data_files


def describe(
    folder: Path, journal: Journal, tokenizer: Tokenizer, sources: list[Source], share: float
) -> dict[str, Any]:
    """The manifest of the finished arrays in `folder`."""
    files = {name: {"bytes": journal.sizes[name], "sha256": file_hash(folder / name)} for name in data_files()}
    records = {split: np.fromfile(folder / f"{split}.documents", dtype=DOCUMENT) for split in SPLITS}
    return {
        "format": FORMAT,
        "key": journal.key,
        "fingerprint": fingerprint(files, tokenizer.fingerprint),
        "tokenizer": {"sha256": tokenizer.fingerprint, "size": tokenizer.vocabulary.size},
        "text": {"characters": journal.characters, "dropped": journal.dropped},
        "splits": {split: _counts(found) for split, found in records.items()},
        "domains": [_domain(name, i, records) for i, name in enumerate(journal.domains)],
        "validation": {"share": share, "overlap": {**journal.overlap, "example": journal.example}},
        "sources": [dataclasses.asdict(source) for source in sources],
        "files": files,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in ("numpy", "tokenizers")}},
    }


def fingerprint(files: dict[str, Any], tokenizer: str) -> str:
    """SHA-256 of the arrays and the tokenizer: equal for equal tokens, whatever the source."""
    named = json.dumps([[name, files[name]["sha256"]] for name in sorted(files)] + [tokenizer])
    return hashlib.sha256(named.encode()).hexdigest()


def _counts(records: np.ndarray) -> dict[str, int]:
    tokens = int(records["end"][-1]) if len(records) else 0
    sums = {name: int(records[name].sum()) for name in ("words", "bytes")}
    return {"documents": len(records), "tokens": tokens, **sums}


def _domain(name: str, number: int, records: dict[str, np.ndarray]) -> dict[str, Any]:
    """Counts per split, and SHA-256 of the hashes of the domain's texts in order."""
    chosen = {split: found[found["domain"] == number] for split, found in records.items()}
    sha256 = hashlib.sha256(b"".join(chosen[split]["hash"].tobytes() for split in SPLITS)).hexdigest()
    counts = {
        split: {"documents": len(found), "words": int(found["words"].sum()), "bytes": int(found["bytes"].sum())}
        for split, found in chosen.items()
    }
    return {"name": name, "sha256": sha256, **counts}
