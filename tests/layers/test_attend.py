"""Both ways to attend give the same numbers."""

import pytest
import torch
from torch.testing import assert_close

from maskwright.layers import attend as kernels
from maskwright.layers.attend import attend, attention_kernel

CPU = torch.device("cpu")


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


@pytest.mark.parametrize("kernel", ["fused", "two products"])
def test_rows_are_attended_to_by_the_kernel_that_is_quicker_at_their_length(monkeypatch, kernel):
    asked = []
    monkeypatch.setattr(kernels, "_quickest_kernel", lambda length: asked.append(length) or kernel)
    monkeypatch.setattr(kernels, "_two_products", lambda *heads: asked.append("by hand") or heads[0])
    heads, mask = draw(torch.bfloat16)
    attend(*heads, mask, dropout=0.0)
    assert asked == [16, *["by hand"] * (kernel == "two products")]
    assert attention_kernel(CPU, torch.float32, 64) == attention_kernel(torch.device("cuda"), torch.bfloat16, 64)
    assert asked[1:] == ["by hand"] * (kernel == "two products")


def test_a_kernel_is_chosen_by_time(monkeypatch):
    for seconds, kernel in (
        ({"fused": 1.0, "two products": 0.3}, "two products"),
        ({"fused": 1.0, "two products": 0.9}, "fused"),
    ):
        monkeypatch.setattr("maskwright.hardware.measured_once", lambda *_, seconds=seconds: seconds)
        kernels._quickest_kernel.cache_clear()
        assert attention_kernel(CPU, torch.bfloat16, 65) == kernel
    kernels._quickest_kernel.cache_clear()


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
