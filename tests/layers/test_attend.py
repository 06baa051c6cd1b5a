"""Both ways to attend give the same numbers."""

import pytest
import torch
from torch.testing import assert_close

from maskwright.layers.attend import attend


def draw(dtype):
    generator = torch.Generator().manual_seed(0)
    heads = [torch.randn(2, 3, 10, 8, generator=generator).to(dtype).requires_grad_() for _ in range(3)]
    return heads, torch.rand(2, 1, 10, 10, generator=generator).lt(0.5) | torch.eye(10, dtype=torch.bool)


@pytest.mark.parametrize("masked", [True, False])
def test_bfloat16_by_hand_is_near_the_float32_kernel(masked):
    results = []
    for dtype in (torch.float32, torch.bfloat16):
        heads, mask = draw(torch.bfloat16)
        mixed = attend(*(part.to(dtype) for part in heads), mask if masked else None, dropout=0.0)
        assert mixed.shape == (2, 10, 24)
        assert mixed.dtype == dtype
        results.append([mixed.float(), *torch.autograd.grad(mixed.float().square().sum(), heads)])
    for exact, rounded in zip(*results, strict=True):
        assert (exact - rounded).norm() < 0.02 * exact.norm()


def test_what_is_masked_gets_no_weight():
    (queries, keys, values), mask = draw(torch.bfloat16)
    changed = torch.where(mask[:, :, :1].mT, values, 7.0)  # [B, H, L, width]: only what the first query may not see
    first, same = (attend(queries, keys, part, mask, dropout=0.0)[:, 0] for part in (values, changed))
    assert_close(first, same, atol=0, rtol=0)


def test_dropped_weights_change_the_mean():
    heads, mask = draw(torch.bfloat16)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        assert not torch.equal(attend(*heads, mask, dropout=0.5), attend(*heads, mask, dropout=0.5))
