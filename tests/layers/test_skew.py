"""Skewed scores against the definition, which looks a vector up for every pair."""

import pytest
import torch
from torch.testing import assert_close
from transformers.models.deberta_v2.modeling_deberta_v2 import make_log_bucket_position

from maskwright.layers.positions.buckets import log_buckets
from maskwright.layers.positions.skew import attend_skewed, distances, skewed

BATCH, HEADS, LENGTH, WIDTH, NEAR, FAR, COUNT = 2, 3, 21, 8, 2, 32, 5


def test_every_pair_reads_the_score_of_its_distance():
    distance = torch.arange(6, -8, -1)  # of a row of 7
    pairs = skewed(distance.expand(2, 7, 14))
    place = torch.arange(7)
    assert torch.equal(pairs, (place[:, None] - place).expand(2, 7, 7))


def test_buckets_of_distances_fall_and_end_with_the_unread_one():
    found = distances(LENGTH, NEAR, FAR, COUNT, torch.device("cpu"))
    assert len(found) == 2 * LENGTH
    assert found[LENGTH - 1] == 0
    assert torch.equal(found[:-1], -found[:-1].flip(0))
    assert torch.equal(found, log_buckets(torch.arange(LENGTH - 1, -LENGTH - 1, -1), NEAR, FAR, COUNT))


@pytest.mark.parametrize(("buckets", "max_distance"), [(256, 512), (256, 1024), (8, 24), (32, 128), (64, 512)])
def test_buckets_are_those_of_transformers(buckets, max_distance):
    distance = torch.arange(1 - max_distance, max_distance)
    theirs = make_log_bucket_position(distance, buckets, max_distance).long()
    assert torch.equal(log_buckets(distance, buckets // 2, max_distance, buckets), theirs)


@pytest.mark.parametrize("masked", [False, True])
def test_skewed_attention_equals_the_definition(masked):
    generator = torch.Generator().manual_seed(0)
    heads = [torch.randn(BATCH, HEADS, LENGTH, WIDTH, generator=generator).requires_grad_() for _ in range(3)]
    tables = [torch.randn(HEADS, 2 * COUNT, WIDTH, generator=generator).requires_grad_() for _ in range(2)]
    mask = torch.rand(BATCH, 1, LENGTH, LENGTH, generator=generator) < 0.6
    mask = mask | torch.eye(LENGTH, dtype=torch.bool) if masked else None
    bucket = distances(LENGTH, NEAR, FAR, COUNT, torch.device("cpu"))
    mine = attend_skewed(*heads, tables[0][:, COUNT + bucket], tables[1][:, COUNT - bucket], mask, dropout=0.0)

    place = torch.arange(LENGTH)
    index = COUNT + log_buckets(place[:, None] - place, NEAR, FAR, COUNT)  # [L, L]
    queries, keys, values = heads
    scores = queries @ keys.mT + torch.einsum("bhqd,hqkd->bhqk", queries, tables[0][:, index])
    scores = (scores + torch.einsum("bhkd,hqkd->bhqk", keys, tables[1][:, index])) / (3 * WIDTH) ** 0.5
    scores = scores if mask is None else scores.masked_fill(~mask, -torch.inf)
    expected = (scores.softmax(-1) @ values).transpose(1, 2).flatten(2)
    assert_close(mine, expected, atol=1e-5, rtol=1e-4)
    weights = torch.randn(mine.shape, generator=generator)
    found, reference = (torch.autograd.grad((result * weights).sum(), heads + tables) for result in (mine, expected))
    assert_close(found, reference, atol=1e-4, rtol=1e-4)
