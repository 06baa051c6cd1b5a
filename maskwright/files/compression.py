"""Decompressed bytes of a file; the compression is recognised by content, not by name."""

import gzip
import lzma
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from .errors import WIDTH, cut

BLOCK = 1 << 20
"""Bytes in a block."""

MAGIC = {
    "gzip": rb"\x1f\x8b",
    "bz2": rb"BZh[1-9](?:1AY&SY|\x17rE8P\x90)",
    "xz": rb"\xfd7zXZ\x00",
    "zstd": rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\*M\x18",
    "lz4": rb"\x04\x22M\x18",
}
"""Magic bytes of each kind; no ordinary UTF-8 text begins with them."""

FOREIGN = {
    b"version https://git-lfs.github.com/": "a Git LFS pointer and not the file itself: run git lfs pull",
    b"PK\x03\x04": "a zip archive or an office document: unpack it, or export it as text",
}


DAMAGE = (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, pa.ArrowException, UnicodeDecodeError)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turn the errors of the libraries that read `path` into ValueError with its name."""
    try:
        yield
    except DAMAGE as error:
        after = isinstance(error, gzip.BadGzipFile) and str(error).startswith("Not a gzipped file")
        reason = "what follows the compressed bytes is not gzip" if after else _first_line(error)
        raise ValueError(f"{path} is damaged: {reason}") from None
    except OSError as error:
        if error.filename is not None:
            raise
        raise ValueError(f"{path} cannot be read: {_first_line(error)}") from None


def _first_line(error: BaseException) -> str:
    return cut(str(error).strip().partition("\n")[0] or type(error).__name__, 2 * WIDTH)


def blocks(path: Path) -> Iterator[bytes]:
    """The decompressed bytes in non-empty blocks of at most a megabyte.

    Raises ValueError when the file is damaged, a folder or missing.
    """
    if not path.exists() or path.is_dir():
        raise ValueError(f"{path} is a folder, not a file" if path.is_dir() else f"there is no file {path}")
    with named(path), path.open("rb") as raw:
        head = raw.peek(64)
        for magic, name in FOREIGN.items():
            if head.startswith(magic):
                raise ValueError(f"{path} is {name}")
        yield from _decompressed(raw, compression(head))


def compression(head: bytes) -> str | None:
    """The compression of a file that begins with the bytes `head`."""
    return next((name for name, magic in MAGIC.items() if re.match(magic, head)), None)


def is_compressed(path: Path) -> bool:
    """Whether the content of a file is compressed."""
    with path.open("rb") as raw:
        return compression(raw.peek(64)) is not None


def _decompressed(raw: BinaryIO, kind: str | None) -> Iterator[bytes]:
    if kind == "xz":
        return _xz(raw)
    if kind == "gzip":  # Python's own, because it accepts zero padding after the last member
        return _read(gzip.GzipFile(fileobj=raw))
    return _read(pa.input_stream(raw, compression=kind) if kind else raw)


def _read(file: Any) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block


def _xz(raw: BinaryIO) -> Iterator[bytes]:
    """Every stream of the file; lzma.LZMAFile ignores damage after the first."""
    data = raw.read(BLOCK)
    while data:
        decoder = lzma.LZMADecompressor(lzma.FORMAT_XZ)
        while not decoder.eof:
            if block := decoder.decompress(data, BLOCK):
                yield block
            data = raw.read(BLOCK) if decoder.needs_input else b""
            if decoder.needs_input and not data and not decoder.eof:
                raise EOFError("it ends before the end of the compressed text")
        data = decoder.unused_data.lstrip(b"\0") or raw.read(BLOCK).lstrip(b"\0")
