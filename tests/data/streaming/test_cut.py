"""Documents in blocks: none is lost, none is moved, and where a block ends follows from what was read alone."""

from itertools import chain, islice, repeat

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from maskwright.data.streaming.cut import cut
from maskwright.text.corpus import Document
from maskwright.text.shards.layout import held_out, text_hash

TEXTS = st.lists(st.text(max_size=30), max_size=40)


def training_characters(block: list[Document], share: float) -> int:
    hashes = np.array([text_hash(document.text.encode()) for document in block], np.uint64)
    return sum(len(document.text) for document, out in zip(block, held_out(hashes, share), strict=True) if not out)


@given(TEXTS, st.integers(1, 200), st.sampled_from([0.0, 0.3]))
def test_blocks_are_the_documents_in_order_and_large_enough(texts: list[str], size: int, share: float) -> None:
    documents = [Document(text, str(number)) for number, text in enumerate(texts)]
    blocks = list(cut(documents, size, share))
    assert list(chain.from_iterable(blocks)) == documents
    assert all(training_characters(block, share) >= size for block in blocks[:-1])
    assert len(blocks) < 2 or 2 * training_characters(blocks[-1], share) >= size


@given(TEXTS, st.integers(1, 200))
def test_text_that_follows_moves_no_block_but_the_last(texts: list[str], size: int) -> None:
    documents = [Document(text, "") for text in texts]
    short, long = list(cut(documents, size, 0)), list(cut([*documents, *documents], size, 0))
    assert long[: len(short) - 1] == short[:-1]


def test_an_endless_text_has_a_first_block() -> None:
    assert len(next(cut(repeat(Document("ten letters", "")), 1100, 0.0))) == 100
    assert len(list(islice(cut(repeat(Document("ten letters", "")), 11, 0.0), 5))) == 5
