"""In a tree a place sees what it sees in its own text, and a beginning that several texts have is there once."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from maskwright.evaluate.scoring.prefix_trees import readings

TEXTS = st.lists(st.lists(st.integers(0, 2), min_size=6, max_size=6), min_size=1, max_size=12)
PLACES = st.lists(st.integers(0, 71), min_size=1, max_size=30, unique=True)


@settings(max_examples=200)
@given(TEXTS, PLACES, st.integers(1, 20), st.integers(1, 40))
def test_a_place_sees_its_own_text_up_to_itself_and_nothing_else(rows, places, width, tokens) -> None:
    texts = torch.tensor(rows)
    asked = torch.tensor(sorted({place % texts.numel() for place in places}))
    answered = []
    for part in readings(texts, asked, tokens, width):
        count, wide = part.tokens.shape
        assert wide <= max(width, 6)
        assert count == 1 or count * wide <= tokens
        assert part.mask.shape == (count, 1, wide, wide)
        assert part.mask.any(-1).all()
        for place, question in zip(part.asked.tolist(), part.question.tolist(), strict=True):
            row, column = divmod(place, wide)
            seen = part.mask[row, 0, column]
            text, until = divmod(int(asked[question]), 6)
            assert part.tokens[row, seen].tolist() == rows[text][: until + 1]
            assert part.positions[row, seen].tolist() == list(range(until + 1))
            answered.append(question)
    assert sorted(answered) == list(range(len(asked)))


@settings(max_examples=100)
@given(TEXTS)
def test_where_all_fits_one_row_every_beginning_is_there_once(rows) -> None:
    texts = torch.tensor(rows)
    (part,) = readings(texts, torch.arange(texts.numel()), 1000, 1000)
    assert part.tokens.shape == (1, len({tuple(row[:end]) for row in rows for end in range(1, 7)}))


def test_what_is_behind_the_last_question_is_not_read() -> None:
    (part,) = readings(torch.tensor([[4, 5, 6, 7], [4, 8, 9, 9]]), torch.tensor([2, 5]), 100, 64)
    assert part.tokens.tolist() == [[4, 5, 6, 8]]
    assert part.positions.tolist() == [[0, 1, 2, 1]]
    assert part.asked.tolist() == [2, 3]
    assert part.mask[0, 0].int().tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 0, 0, 1]]
