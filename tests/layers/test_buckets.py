import torch

from maskwright.layers.positions.buckets import Buckets, log_buckets

FIRST = {17: 17, 18: 21, 19: 26, 20: 32, 21: 41, 22: 51, 23: 64, 24: 81, 25: 102, 26: 128, 27: 162, 28: 203}
FIRST |= {29: 256, 30: 322, 31: 406}


def test_near_distances_have_buckets_of_their_own():
    near = torch.arange(-16, 17)
    assert torch.equal(log_buckets(near, 16, 512, 32), near)


def test_far_distances_share_the_buckets_of_ltg_bert():
    expected = [max(bucket for bucket, first in FIRST.items() if first <= distance) for distance in range(17, 512)]
    far = torch.arange(17, 512)
    assert log_buckets(far, 16, 512, 32).tolist() == expected
    assert log_buckets(-far, 16, 512, 32).tolist() == [-bucket for bucket in expected]


def test_distances_beyond_the_last_bucket_share_it():
    assert log_buckets(torch.tensor([511, 512, 10_000, -10_000]), 16, 512, 32).tolist() == [31, 31, 31, -31]


def test_a_pair_is_in_the_bucket_of_query_minus_key():
    buckets = Buckets(max_length=40, near=16, far=512, count=32)
    buckets.fill()
    pairs = buckets(30)
    assert pairs.shape == (30, 30, 63)
    assert torch.equal(pairs.sum(-1), torch.ones(30, 30, dtype=torch.int64))
    assert pairs[3, 1, 31 + 2]
    assert pairs[1, 3, 31 - 2]
    assert pairs[29, 0, 31 + 19]
