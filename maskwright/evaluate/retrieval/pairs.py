"""Queries and the passages that answer them, from any text: the first sentence of a paragraph, and the rest of it.

Known as the inverse cloze task where any sentence is taken (Lee et al. 2019, "Latent retrieval for weakly supervised
open domain question answering", section 4.1).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np

from ...text.corpus import Document
from ...text.shards.layout import held_out, text_hash

SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+")
QUERY = range(4, 33)
"""Words of a query."""
LEAST = 12
"""Words of a passage, at least."""
TESTED = 0.2
"""The share of paragraphs, by the hash of their text, whose queries are tested; the others are trained on."""


@dataclass(frozen=True)
class Pairs:
    """Queries and passages; passage n belongs to query n."""

    queries: list[str]
    passages: list[str]


def pairs(documents: Iterable[Document], train: int, test: int) -> tuple[Pairs, Pairs]:
    """The first `train` pairs to train on and the first `test` pairs to test with; a passage comes once.

    A paragraph is a line. Raises ValueError when there are too few.
    """
    sides: tuple[dict[str, str], dict[str, str]] = {}, {}
    for document in documents:
        for paragraph in document.text.split("\n"):
            query, *rest = SENTENCE_END.split(paragraph.strip(), maxsplit=1)
            if len(query.split()) in QUERY and rest and len(rest[0].split()) >= LEAST:
                tested = held_out(np.array([text_hash(paragraph.encode())], np.uint64), TESTED).any()
                sides[int(tested)].setdefault(rest[0], query)
        if len(sides[0]) >= train and len(sides[1]) >= test:
            break
    if len(sides[0]) < train or len(sides[1]) < test:
        raise ValueError(
            f"the text has {len(sides[0]):,} paragraphs of a sentence and more to train on and {len(sides[1]):,} to "
            f"test with: give more text than that, or lower pairs={train} and queries={test}"
        )
    learned, tested_on = (Pairs(list(side.values()), list(side)) for side in sides)
    return _first(learned, train), _first(tested_on, test)


def _first(some: Pairs, count: int) -> Pairs:
    return Pairs(*(list(islice(side, count)) for side in (some.queries, some.passages)))
