"""Queries and passages made from text: nothing of one is in the other, and no passage is on both sides."""

import pytest

from maskwright.evaluate.retrieval.pairs import pairs
from maskwright.evaluate.suites.retrieval import Options
from maskwright.settings import from_mapping
from maskwright.text.corpus import Document

PASSAGE = "It was built long ago and has since been rebuilt more than once by people nobody remembers."


def paragraphs(count: int) -> list[Document]:
    lines = [f"House number {i} stands in the street. {PASSAGE} It has {i} windows." for i in range(count)]
    return [Document("\n".join(lines), "houses")]


def test_the_first_sentence_finds_the_rest_of_its_paragraph() -> None:
    train, test = pairs(paragraphs(200), 60, 20)
    assert (len(train.queries), len(test.queries)) == (60, 20)
    for side in (train, test):
        for query, passage in zip(side.queries, side.passages, strict=True):
            number = query.split()[2]
            assert query == f"House number {number} stands in the street."
            assert passage == f"{PASSAGE} It has {number} windows."
    assert not set(train.passages) & set(test.passages)


def test_short_paragraphs_and_repeated_passages_are_no_pairs() -> None:
    again = [Document(f"Another query for the same words here. {PASSAGE}", "") for _ in range(50)]
    short = [Document("One sentence alone that goes on. Too short.", ""), Document("No. " + PASSAGE, "")]
    train, test = pairs([*again, *short, *paragraphs(100)], 20, 5)
    assert sum(passage == PASSAGE for passage in train.passages + test.passages) == 1
    assert not any(len(query.split()) < 4 for query in train.queries)


def test_a_batch_is_made_of_pairs() -> None:
    with pytest.raises(ValueError, match="batch=32 is over pairs=10"):
        from_mapping(Options, {"pairs": 10}, "retrieval")


def test_too_little_text_for_pairs_is_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"8 paragraphs .* train on and 2 to test with: .* pairs=50 and queries=2"):
        pairs(paragraphs(10), 50, 2)
