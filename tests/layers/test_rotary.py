import torch
from torch.testing import assert_close

from maskwright.layers.rotary import turn, turns


def test_turning_keeps_lengths():
    heads = torch.randn(2, 3, 7, 8, generator=torch.Generator().manual_seed(0))
    turned = turn(heads, *turns(torch.arange(7)[None], 8, 10_000.0))
    assert_close(turned.norm(dim=-1), heads.norm(dim=-1))


def test_scores_depend_on_distance_alone():
    generator = torch.Generator().manual_seed(0)
    query, key = torch.randn(2, 1, 1, 1, 8, generator=generator).expand(2, 1, 1, 9, 8)
    rotation = turns(torch.arange(9)[None], 8, 10_000.0)
    scores = (turn(query, *rotation) @ turn(key, *rotation).mT)[0, 0]
    for offset in range(-8, 9):
        diagonal = scores.diagonal(offset)
        assert_close(diagonal, diagonal[:1].expand_as(diagonal))


def test_a_half_precision_head_is_turned_in_float32():
    heads = torch.randn(1, 1, 5, 4, dtype=torch.bfloat16, generator=torch.Generator().manual_seed(0))
    rotation = turns(torch.arange(1000, 1005)[None], 4, 10_000.0)
    assert_close(turn(heads, *rotation), turn(heads.float(), *rotation).bfloat16(), atol=0, rtol=0)
