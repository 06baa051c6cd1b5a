"""Bucketed scores against the definition, which looks a vector up for every pair."""

import pytest
import torch
from torch.testing import assert_close

from maskwright.layers.attend import attend
from maskwright.layers.disentangled import attend_disentangled
from maskwright.layers.positions.buckets import Buckets

BATCH, HEADS, LENGTH, WIDTH, NEAR, FAR, COUNT = 2, 3, 21, 8, 2, 16, 5


def buckets():
    table = Buckets(LENGTH + 3, NEAR, FAR, COUNT)
    table.fill()
    return table(LENGTH)


def plain(queries, keys, values, pairs, position_keys, position_queries, mask):
    """Every pair has its own vector, [L, L, width]."""
    index = pairs.long().argmax(-1)  # [L, L]
    scores, terms = queries @ keys.mT, 1
    if position_keys is not None:
        scores, terms = scores + torch.einsum("bhqd,hqkd->bhqk", queries, position_keys[:, index]), terms + 1
    if position_queries is not None:
        scores, terms = scores + torch.einsum("bhkd,hqkd->bhqk", keys, position_queries[:, index]), terms + 1
    scores = scores / (terms * WIDTH) ** 0.5
    mixed = scores.masked_fill(~mask, -torch.inf).softmax(-1) @ values
    return mixed.transpose(1, 2).flatten(2)


def draw(seed=0):
    generator = torch.Generator().manual_seed(seed)
    heads = [torch.randn(BATCH, HEADS, LENGTH, WIDTH, generator=generator) for _ in range(3)]
    tables = [torch.randn(HEADS, 2 * COUNT - 1, WIDTH, generator=generator) for _ in range(2)]
    mask = torch.rand(BATCH, 1, LENGTH, LENGTH, generator=generator) < 0.6
    return (
        [leaf.requires_grad_() for leaf in heads],
        [leaf.requires_grad_() for leaf in tables],
        mask | torch.eye(LENGTH, dtype=torch.bool),
    )


@pytest.mark.parametrize("terms", [(True, True), (True, False), (False, True)])
def test_bucketed_scores_equal_the_definition(terms):
    heads, tables, mask = draw()
    used = [table if use else None for table, use in zip(tables, terms, strict=True)]
    leaves = heads + [table for table in used if table is not None]
    pairs = buckets()
    results = [
        attend_disentangled(*heads, pairs, *used, mask, dropout=0.0),
        plain(*heads, pairs, *used, mask),
    ]
    assert_close(results[0], results[1], atol=1e-5, rtol=1e-4)
    weights = torch.randn(results[0].shape, generator=torch.Generator().manual_seed(1))
    mine, reference = (torch.autograd.grad((result * weights).sum(), leaves) for result in results)
    assert_close(mine, reference, atol=1e-4, rtol=1e-4)


def test_without_position_terms_it_is_plain_attention():
    heads, _, mask = draw()
    pairs = buckets()
    assert_close(attend_disentangled(*heads, pairs, None, None, mask, dropout=0.0), attend(*heads, mask, dropout=0.0))


def test_dropped_weights_are_scaled_so_that_the_mean_stays():
    heads, tables, mask = draw()
    pairs = buckets()
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        draws = [attend_disentangled(*heads, pairs, *tables, mask, dropout=0.3) for _ in range(1000)]
    assert not torch.equal(draws[0], draws[1])
    kept = attend_disentangled(*heads, pairs, *tables, mask, dropout=0.0)
    assert_close(torch.stack(draws).mean(0), kept.detach(), atol=0.15, rtol=0)
