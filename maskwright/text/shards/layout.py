"""How tokenized text lies on disk: one folder, flat little-endian arrays, and a manifest with their hashes.

`manifest.json`, `tokenizer.json` with the two files that `transformers` wants beside it, and per split `S.tokens`
(uint16, or uint32 above 65,536 ids), `S.word_starts` (uint8) and `S.documents` (DOCUMENT records). Tokens are stored as
they are in the text, without [CLS] and [SEP].
"""

import hashlib

import numpy as np

FORMAT = 1
SPLITS = ("train", "valid")
PARTS = ("tokens", "word_starts", "documents")

DOCUMENT = np.dtype([("end", "<i8"), ("hash", "<u8"), ("bytes", "<i8"), ("words", "<i8"), ("domain", "<u2")])
"""One document: where its tokens end, hash and UTF-8 length of its text, words between blanks, number of its domain."""


def token_type(size: int) -> np.dtype:
    """The type that holds `size` ids."""
    return np.dtype("<u2" if size <= 1 << 16 else "<u4")


def data_files() -> list[str]:
    """The names of the arrays."""
    return [f"{split}.{part}" for split in SPLITS for part in PARTS]


def text_hash(text: bytes) -> int:
    """64 bits that name a text, wherever it stands."""
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


def held_out(hashes: np.ndarray, share: float) -> np.ndarray:
    """[D] bool, which texts are for validation: each by its own hash, so that new documents move no old one.

    `hashes` [D] uint64; `share` in [0, 1).
    """
    return hashes < np.uint64(int(share * 2.0**64))
