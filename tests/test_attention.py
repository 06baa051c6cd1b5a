"""Views against a loop that says them in words."""

import pytest
import torch

from maskwright.attention import BACKWARD, BOTH, FORWARD, mask, positions

DOCUMENT = torch.tensor([[0, 0, 0, 1, 1, -1], [0, 1, 1, 1, 2, 2], [0, 0, 0, 0, 0, 0]], dtype=torch.int32)
MAY = {BOTH: lambda q, k: True, FORWARD: lambda q, k: k <= q, BACKWARD: lambda q, k: k >= q}


@pytest.mark.parametrize("view", [BOTH, FORWARD, BACKWARD])
def test_views_are_what_they_say(view):
    seen = mask(DOCUMENT, torch.full((3,), view))
    for b, q, k in torch.cartesian_prod(torch.arange(3), torch.arange(6), torch.arange(6)).tolist():
        assert seen[b, 0, q, k] == (DOCUMENT[b, q] == DOCUMENT[b, k] and MAY[view](q, k))


def test_a_batch_may_mix_views():
    mixed = mask(DOCUMENT, torch.tensor([FORWARD, BOTH, BACKWARD]))
    for row, view in enumerate((FORWARD, BOTH, BACKWARD)):
        assert torch.equal(mixed[row], mask(DOCUMENT, torch.full((3,), view))[row])


@pytest.mark.parametrize("view", [BOTH, FORWARD, BACKWARD])
def test_what_is_shown_is_seen_by_its_document(view):
    shown = torch.tensor([[True, False, False, True, True, False]]).expand(3, -1)
    seen = mask(DOCUMENT, torch.full((3,), view), shown)
    for b, q, k in torch.cartesian_prod(torch.arange(3), torch.arange(6), torch.arange(6)).tolist():
        assert seen[b, 0, q, k] == (DOCUMENT[b, q] == DOCUMENT[b, k] and (bool(shown[b, k]) or MAY[view](q, k)))


@pytest.mark.parametrize("view", [BOTH, FORWARD, BACKWARD])
def test_no_query_is_left_without_a_key(view):
    assert mask(DOCUMENT, torch.full((3,), view)).any(-1).all()


def test_backward_is_the_upper_triangle():
    seen = mask(torch.zeros(1, 5, dtype=torch.int32), torch.tensor([BACKWARD]))
    assert torch.equal(seen[0, 0], torch.ones(5, 5, dtype=torch.bool).triu())


def test_whole_rows_seen_from_both_sides_need_no_mask():
    assert mask(DOCUMENT[2:], torch.tensor([BOTH])) is None


def test_positions_begin_anew_with_each_document():
    assert positions(DOCUMENT).tolist() == [[0, 1, 2, 0, 1, 0], [0, 0, 1, 2, 0, 1], [0, 1, 2, 3, 4, 5]]
