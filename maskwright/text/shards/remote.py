"""Tokenized text in any store that fsspec supports: s3://, gs://, hf://, sftp://, file:// and others.

It is downloaded once into the cache, keyed by the hash of its manifest, and memory-mapped there; an interrupted
download resumes at the next file. The manifest is published last, so whatever has one is complete.
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
from fsspec.callbacks import Callback

from ...files.secrets import hide, refuse, remember
from ...storage import sealed
from ...storage.cache import cache_folder, file_lock
from ..tokenizers.tokenizer import Tokenizer
from . import verify
from .layout import data_files
from .progress import copying
from .shards import drop_damaged

MANIFEST = "manifest.json"
TOKENIZER = "tokenizer.json"


def is_url(place: str) -> bool:
    """Whether `place` is a URL rather than a folder."""
    return "://" in place


def fetch(url: str, progress: bool = True) -> Path:
    """The cache folder with the tokenized text at `url`, downloaded if necessary.

    Raises ValueError when the store or the text does not exist, a file differs from what was published, or the URL
    holds a password.
    """
    refuse(url)
    with _errors_named(url):
        store, root = fsspec.url_to_fs(url)
        if not store.exists(f"{root}/{MANIFEST}"):
            raise FileNotFoundError(f"it holds no tokenized text (no {MANIFEST})")
        manifest = store.cat_file(f"{root}/{MANIFEST}")
    place = cache_folder() / "fetched" / hashlib.sha256(manifest).hexdigest()[:16]
    with file_lock(cache_folder() / "locks" / place.name):
        drop_damaged(place)
        if not place.exists():
            aside = place.with_name(f"{place.name}.partial")
            aside.mkdir(parents=True, exist_ok=True)
            (aside / MANIFEST).write_bytes(manifest)
            _fetch(store, root, aside, url, progress)
            aside.replace(place)
    return place


def _fetch(store: Any, root: str, aside: Path, url: str, progress: bool) -> None:
    """Download all files into `aside`, except those from an earlier attempt."""
    try:
        manifest = verify.manifest(aside / MANIFEST)
    except ValueError as error:
        shutil.rmtree(aside)
        raise ValueError(str(error).replace(str(aside), url)) from None
    files = manifest["files"]
    names = [name for name in (*data_files(), TOKENIZER) if not (aside / name).exists()]
    total = sum(files[name]["bytes"] for name in names if name in files)
    with copying(f"fetching {url}", total, progress) as advance, _errors_named(url):
        for name in names:
            half = aside / f"{name}.half"
            store.get_file(f"{root}/{name}", str(half), callback=_Progress(advance))
            half.replace(aside / name)
    for name in (*sealed.damaged(aside, files), *_wrong_tokenizer(aside, manifest["tokenizer"]["sha256"])):
        shutil.rmtree(aside)
        raise ValueError(f"{url}/{name} is not what was published there: it was damaged, publish it anew")


def _wrong_tokenizer(aside: Path, wanted: str) -> Iterator[str]:
    """The name of the tokenizer file in `aside` unless its hash is `wanted`. The companion files for `transformers`
    carry no hash, so they are rewritten."""
    try:
        found = Tokenizer.load(aside)
    except ValueError:
        found = None
    if found and found.fingerprint == wanted:
        found.save(aside)
    else:
        yield TOKENIZER


def publish(folder: Path, url: str, progress: bool = True) -> None:
    """Copy the tokenized text in `folder` to `url`, unless it is there already.

    Raises ValueError when different text is there, the store cannot be written, or the URL holds a password.
    """
    refuse(url)
    files = sorted(folder.iterdir(), key=lambda path: path.name == MANIFEST)
    with (
        copying(f"publishing {url}", sum(path.stat().st_size for path in files), progress) as advance,
        _errors_named(url),
    ):
        store, root = fsspec.url_to_fs(url)
        if store.exists(f"{root}/{MANIFEST}"):
            if store.cat_file(f"{root}/{MANIFEST}") == (folder / MANIFEST).read_bytes():
                return
            raise FileExistsError("it holds other tokenized text already, remove it or choose another place")
        _make(store, root)
        for path in files:
            store.put_file(str(path), f"{root}/{path.name}", callback=_Progress(advance))


def _make(store: Any, folder: str) -> None:
    """Create `folder` and its parents, but no bucket: `makedirs` would turn a typo into a new bucket."""
    if "/" in folder and not store.exists(folder):
        _make(store, store._parent(folder))
        store.mkdir(folder, create_parents=False)


class _Progress(Callback):
    """Reports copied bytes to `advance`."""

    def __init__(self, advance: Any) -> None:
        super().__init__()
        self.advance = advance

    def relative_update(self, inc: int = 1) -> None:
        self.advance(inc)


@contextmanager
def _errors_named(url: str) -> Iterator[None]:
    remember(fsspec.config.conf)
    try:
        yield
    except Exception as error:  # every store raises kinds of its own
        told = hide(" ".join(str(error).split())) or type(error).__name__
        raise ValueError(f"{url} cannot be used: {told}") from None
