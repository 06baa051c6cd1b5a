"""Several folders of tokenized text as one corpus, written once into the cache.

The cache key covers the hashes of all parts, their domain names and the share held out, which the hashes do not cover.
"""

import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np

from ...storage import sealed
from ...storage.cache import cache_folder, file_lock, key
from ..corpus import Source
from . import verify
from .journal import Journal
from .layout import DOCUMENT, PARTS, SPLITS
from .manifest import describe
from .progress import copying
from .shards import Shards, drop_damaged


def concatenate(parts: list[Shards], progress: bool = True) -> Shards:
    """The documents of all `parts` in order; a single part is returned as it is.

    Raises ValueError when they differ in tokenizer or in the share held out, or when one part holds out a text that
    another trains on.
    """
    for one, other in pairwise(parts):
        _alike(one, other)
    if len(parts) == 1:
        return parts[0]
    name = key([[part.fingerprint, part.domains, part.manifest["validation"]["share"]] for part in parts])
    place = cache_folder() / "joined" / name
    with file_lock(cache_folder() / "locks" / name):
        drop_damaged(place)
        if not place.exists():
            _refuse_overlap(parts)
            _write(parts, name, place, progress)
    return Shards.open(place)


def _alike(one: Shards, other: Shards) -> None:
    if one.manifest["tokenizer"] != other.manifest["tokenizer"]:
        raise ValueError(
            f"{other.folder} was tokenized by another tokenizer than {one.folder}: tokenize it anew with "
            f"tokenizer.file={one.folder}"
        )
    here, there = (shards.manifest["validation"]["share"] for shards in (one, other))
    if here != there:
        raise ValueError(
            f"{other.folder} holds out {there:g} of its documents and {one.folder} {here:g}: tokenize it anew with "
            f"evaluation.held_out={here:g}"
        )


def _refuse_overlap(parts: list[Shards]) -> None:
    train = np.concatenate([part.train.hashes for part in parts])
    for part in parts:
        if twice := int(np.isin(part.valid.hashes, train).sum()):
            raise ValueError(
                f"{twice} of the {len(part.valid.hashes)} validation documents in {part.folder} stand in the training "
                "text of another folder: tokenize them as one corpus"
            )


def _write(parts: list[Shards], name: str, place: Path, progress: bool) -> None:
    aside = place.with_name(f"{name}.partial")
    shutil.rmtree(aside, ignore_errors=True)
    parts[0].tokenizer.save(aside)
    journal, total = Journal(name), sum(facts["bytes"] for part in parts for facts in part.manifest["files"].values())
    with copying(f"joining {len(parts)} folders of tokenized text", total, progress) as advance:
        for part in parts:
            _append(part, aside, journal)
            advance(sum(facts["bytes"] for facts in part.manifest["files"].values()))
    sources = [Source(**source) for part in parts for source in part.manifest["sources"]]
    manifest = describe(aside, journal, parts[0].tokenizer, sources, parts[0].manifest["validation"]["share"])
    sealed.write(aside / "manifest.json", manifest)
    aside.replace(place)
    verify.trust(place, manifest["files"])


def _append(part: Shards, aside: Path, journal: Journal) -> None:
    """Append the arrays of one folder to those in `aside`: document ends are shifted, equal domain names merged."""
    for name, count in part.text.items():
        setattr(journal, name, getattr(journal, name) + count)
    journal.domains += [name for name in part.domains if name not in journal.domains]
    number = np.array([journal.domains.index(name) for name in part.domains], np.uint16)
    for split in SPLITS:
        records = np.fromfile(part.folder / f"{split}.documents", dtype=DOCUMENT)
        records["end"] += journal.sizes[f"{split}.word_starts"]  # one byte a token
        records["domain"] = number[records["domain"]]
        for name in (f"{split}.tokens", f"{split}.word_starts"):
            with (part.folder / name).open("rb") as source, (aside / name).open("ab") as target:
                shutil.copyfileobj(source, target, 1 << 24)
        with (aside / f"{split}.documents").open("ab") as target:
            target.write(records.tobytes())
        for kind in PARTS:
            journal.sizes[f"{split}.{kind}"] = (aside / f"{split}.{kind}").stat().st_size
