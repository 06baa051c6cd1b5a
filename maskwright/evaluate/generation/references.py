"""Held-out text in pieces of equal length, the reference for generated texts.

Shapes: D documents, P pieces, L tokens in each.
"""

import numpy as np

from ...data.order import shuffled_range
from ...text.shards.shards import Split
from ...text.tokenizers.vocabulary import Vocabulary


def halves(split: Split, vocabulary: Vocabulary, length: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Two sets of at most `most` pieces, [P, L] int64, of different documents: reference and real-text baseline.

    Documents are cut into pieces of `length` tokens; those with a special token ([UNK]) are left out. The selection is
    fixed. Raises ValueError when either half has fewer than two.
    """
    sizes = np.diff(split.offsets) // length  # [D]
    document = np.repeat(np.arange(len(sizes)), sizes)  # [P]
    number = np.arange(len(document)) - np.repeat(sizes.cumsum() - sizes, sizes)
    begin = split.offsets[document] + length * number
    tokens = np.asarray(split.tokens)[begin[:, None] + np.arange(length)].astype(np.int64)
    plain = ~vocabulary.is_special[tokens].any(1)
    turn = np.unique(document[plain], return_inverse=True)[1] % 2
    parts = [tokens[plain][turn == half] for half in (0, 1)]
    if min(map(len, parts)) < 2:
        raise ValueError(
            f"the held-out text has {len(tokens)} pieces of {length} tokens in {len(np.unique(document))} documents, "
            "too few: take shorter texts, or hold out more"
        )
    return _some(parts[0], most), _some(parts[1], most)


def _some(pieces: np.ndarray, most: int) -> np.ndarray:
    """[min(P, most), L], a fixed random selection."""
    return pieces[shuffled_range(0, min(most, len(pieces)), len(pieces), 0)[1]]
