"""How frequent words are in the text that a model was trained on."""

import re
from collections import Counter
from collections.abc import Iterable
from math import log

EDGES = re.compile(r"^[\W_]+|[\W_]+$")


def plain(word: str) -> str:
    """A word as it is counted: in lower case, without punctuation at its ends, unless it is nothing else."""
    return EDGES.sub("", word).lower() or word


def log_frequencies(words: Iterable[str], texts: Iterable[str]) -> dict[str, float]:
    """ln of the share of each of `words` among the words of `texts`, each counted once more than it occurs (Laplace).

    The keys are `plain`.
    """
    written: Counter[str] = Counter()
    for text in texts:
        written.update(text.split())
    counts: Counter[str] = Counter()
    for word, count in written.items():
        counts[plain(word)] += count
    whole = counts.total() + len(counts) + 1
    return {word: log((counts[word] + 1) / whole) for word in set(map(plain, words))}
