import torch

from maskwright.layers.buckets import bucket_index, log_buckets

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


def test_index_counts_from_query_to_key():
    index = bucket_index(torch.arange(600)[None], 16, 512, 32)
    assert index.shape == (1, 1, 600, 600)
    assert index[0, 0, 3, 1] == 31 + 2
    assert index[0, 0, 1, 3] == 31 - 2
    assert (index.min(), index.max()) == (0, 62)


def test_index_follows_the_positions_of_each_row():
    index = bucket_index(torch.tensor([[0, 1, 2], [2, 1, 0]]), 16, 512, 32)
    assert torch.equal(index[1], index[0].mT)
