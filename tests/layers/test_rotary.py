import torch
from torch.testing import assert_close

from maskwright.layers.positions.rotary import Rotary, rotate, rotate_for_scores


def turns(positions, width=8):
    rotary = Rotary(max_length=2000, width=width, theta=10_000.0)
    rotary.fill()
    return rotary(positions[None])


def test_pairs_turn_by_the_angles_of_the_paper():
    vectors = torch.randn(1, 7, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    turned = rotate(vectors, turns(torch.arange(7)).double())
    for j in range(4):
        angle = torch.arange(7, dtype=torch.float64) * 10_000.0 ** (-2 * j / 8)
        expected = torch.complex(vectors[0, :, j], vectors[0, :, j + 4]) * torch.polar(torch.ones_like(angle), angle)
        assert_close(torch.complex(turned[0, :, j], turned[0, :, j + 4]), expected, atol=1e-5, rtol=1e-5)


def test_scores_depend_on_distance_alone():
    query, key = torch.randn(2, 1, 1, 8, generator=torch.Generator().manual_seed(0)).expand(2, 1, 9, 8)
    rotation = turns(torch.arange(9))
    scores = (rotate(query, rotation) @ rotate(key, rotation).mT)[0]
    for offset in range(-8, 9):
        diagonal = scores.diagonal(offset)
        assert_close(diagonal, diagonal[:1].expand_as(diagonal))


def test_dimensions_between_length_and_width_turn_alike():
    vectors = torch.randn(2, 5, 3, 4, 8, generator=torch.Generator().manual_seed(0))
    rotation = turns(torch.arange(5))
    assert_close(rotate(vectors, rotation)[:, :, 1, 2], rotate(vectors[:, :, 1, 2], rotation))


def test_a_half_precision_vector_is_turned_in_float32():
    vectors = torch.randn(1, 5, 4, dtype=torch.bfloat16, generator=torch.Generator().manual_seed(0))
    rotation = turns(torch.arange(1000, 1005), width=4)
    assert_close(rotate(vectors, rotation), rotate(vectors.float(), rotation).bfloat16(), atol=0, rtol=0)


def test_scores_without_gradients_are_those_of_training():
    several = turns(torch.arange(18)).view(2, 9, 2, 8)  # rows at different positions
    for rotation in (several[:1], several):
        query, key = torch.randn(2, 2, 9, 3, 8, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            turned = [rotate_for_scores(part, rotation) for part in (query, key)]
        expected = [rotate_for_scores(part, rotation) for part in (query, key)]
        assert not torch.equal(turned[0], expected[0])
        assert_close(expected[0], rotate(query, rotation), rtol=0, atol=0)
        assert_close(*(torch.einsum("bqhd,bkhd->bhqk", *pair) for pair in (turned, expected)), atol=1e-5, rtol=1e-5)
