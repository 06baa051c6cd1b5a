"""The on-disk format of tokenized text: one folder with flat little-endian arrays and a manifest with their hashes.

`manifest.json`, `tokenizer.json` with the two files that `transformers` expects beside it, and per split `S.tokens`
(uint16, or uint32 above 65,536 ids), `S.word_starts` (uint8) and `S.documents` (DOCUMENT records). Tokens are stored
without [CLS] and [SEP]; packing adds them.
"""

import hashlib

import numpy as np

FORMAT = 1
SPLITS = ("train", "valid")
PARTS = ("tokens", "word_starts", "documents")

DOCUMENT = np.dtype([("end", "<i8"), ("hash", "<u8"), ("bytes", "<i8"), ("words", "<i8"), ("domain", "<u2")])
"""One document: end of its tokens, hash and UTF-8 length of its text, whitespace-separated words, domain number."""


def token_type(size: int) -> np.dtype:
    """The integer type for a vocabulary of `size`."""
    return np.dtype("<u2" if size <= 1 << 16 else "<u4")


def data_files() -> list[str]:
    """The names of the arrays."""
    return [f"{split}.{part}" for split in SPLITS for part in PARTS]


def text_hash(text: bytes) -> int:
    """A 64-bit content hash of a text."""
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def held_out(hashes: np.ndarray, share: float) -> np.ndarray:
    """[D] bool, which texts are for validation.

    Decided by each text's own hash, so that adding documents moves no other document between the splits, and duplicates
    stay on one side. hashes: [D] uint64.  share: in [0, 1).
    """
    return hashes < np.uint64(int(share * 2.0**64))
