"""oneDNN's products are those of float32, and come where they should."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from maskwright.evaluate import products
from maskwright.evaluate.products import OneDnn, fits


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("bias", [False, True])
@torch.no_grad()
def test_a_product_is_as_exact_as_float32(bias: bool) -> None:
    vectors, weight, added = drawn(40, 20, 128), drawn(352, 128), drawn(352) if bias else None
    assert fits(vectors, weight, added)
    exact = F.linear(vectors.double(), weight.double(), None if added is None else added.double())
    with OneDnn():
        found = F.linear(vectors, weight, added)
    assert found.shape == (40, 20, 352)
    assert_close(found.double(), exact, atol=1e-4, rtol=1e-5)


@torch.no_grad()
def test_only_large_float32_products_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []
    monkeypatch.setattr(products, "product", lambda *args: taken.append(args[0].shape) or F.linear(*args))
    layer = torch.nn.Linear(128, 352)
    with OneDnn():
        layer(drawn(1000, 128))
        layer(drawn(2, 128))
        layer.bfloat16()(drawn(1000, 128).bfloat16())
    layer.float()(drawn(1000, 128))
    assert taken == [(1000, 128)]


def test_strided_vectors_are_read_as_they_are() -> None:
    vectors, weight = drawn(128, 1000).T, drawn(352, 128)
    with torch.no_grad(), OneDnn():
        assert_close(F.linear(vectors, weight), vectors.contiguous() @ weight.T, atol=1e-4, rtol=1e-5)
