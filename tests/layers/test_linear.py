"""oneDNN's products are those of float32, and come where they should."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from maskwright.layers import linear as kernels
from maskwright.layers.geglu import Geglu
from maskwright.layers.linear import Linear, fits, gelu_fits, gelu_linear, linear


@pytest.fixture(autouse=True)
def _onednn(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine on which oneDNN is the faster."""
    monkeypatch.setattr(kernels, "linear_kernel", lambda: "oneDNN")
    monkeypatch.setattr(kernels, "gelu_kernel", lambda: "in the product")


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)))


@pytest.mark.parametrize("bias", [False, True])
@torch.no_grad()
def test_a_product_is_as_exact_as_float32(bias: bool) -> None:
    vectors, weight, added = drawn(40, 20, 128), drawn(352, 128), drawn(352) if bias else None
    assert fits(vectors, weight)
    exact = F.linear(vectors.double(), weight.double(), None if added is None else added.double())
    found = linear(vectors, weight, added)
    assert found.shape == (40, 20, 352)
    assert_close(found.double(), exact, atol=1e-4, rtol=1e-5)


@torch.no_grad()
def test_only_large_float32_products_without_gradients_are_taken() -> None:
    weight = drawn(352, 128)
    assert fits(drawn(1000, 128), weight)
    assert not fits(drawn(2, 128), weight)
    assert not fits(drawn(1000, 128).bfloat16(), weight.bfloat16())
    with torch.autocast("cpu", torch.bfloat16):
        assert not fits(drawn(1000, 128), weight)
        assert linear(drawn(1000, 128), weight).dtype == torch.bfloat16
    with torch.enable_grad():
        assert not fits(drawn(1000, 128), weight)


@torch.no_grad()
def test_onednn_is_asked_only_for_what_it_is_faster_at(monkeypatch: pytest.MonkeyPatch) -> None:
    weight, vectors = drawn(352, 128), drawn(1000, 128)
    assert gelu_fits(vectors, weight)
    monkeypatch.setattr(kernels, "gelu_kernel", lambda: "after it")
    assert fits(vectors, weight)
    assert not gelu_fits(vectors, weight)
    monkeypatch.setattr(kernels, "linear_kernel", lambda: "MKL")
    assert not fits(vectors, weight)
    assert_close(gelu_linear(vectors, weight), F.gelu(F.linear(vectors, weight)), atol=0, rtol=0)


@pytest.mark.parametrize(
    ("slow", "linear", "gelu"), [("MKL", "oneDNN", "in the product"), ("oneDNN", "MKL", "after it")]
)
def test_a_library_is_chosen_by_time(monkeypatch: pytest.MonkeyPatch, slow: str, linear: str, gelu: str) -> None:
    monkeypatch.undo()
    seconds = {"MKL": 1.0, "oneDNN": 1.0, "in the product": 1.0, "after it": 1.0, slow: 3.0}
    monkeypatch.setattr("maskwright.hardware.measured_once", lambda *_: seconds)
    for choice in (kernels.linear_kernel, kernels.gelu_kernel):
        choice.cache_clear()
    assert (kernels.linear_kernel(), kernels.gelu_kernel()) == (linear, gelu)
    for choice in (kernels.linear_kernel, kernels.gelu_kernel):
        choice.cache_clear()


def test_a_gradient_goes_through() -> None:
    layer, vectors = Linear(128, 352), drawn(1000, 128)
    layer(vectors).sum().backward()
    assert_close(layer.weight.grad, vectors.sum(0).expand(352, -1), atol=1e-3, rtol=1e-4)


@torch.no_grad()
def test_strided_vectors_are_read_as_they_are() -> None:
    vectors, weight = drawn(128, 1000).T, drawn(352, 128)
    assert_close(linear(vectors, weight), vectors.contiguous() @ weight.T, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("approximate", ["none", "tanh"])
@pytest.mark.parametrize("rows", [2, 1000])
@torch.no_grad()
def test_the_gelu_of_a_product_is_torchs(rows: int, approximate: str) -> None:
    vectors, weight = drawn(rows, 128), drawn(352, 128)
    expected = F.gelu(vectors @ weight.T, approximate=approximate)
    assert_close(gelu_linear(vectors, weight, approximate), expected, atol=1e-4, rtol=1e-5)


@pytest.mark.parametrize("gate", [0, 1])
def test_geglu_is_the_same_with_gradients_and_without(gate: int) -> None:
    layer, vectors = Geglu(128, 352, torch.nn.Identity(), gelu="none", gate=gate), drawn(1000, 128)
    with torch.no_grad():
        found = layer(vectors)
    assert_close(found, layer(vectors).detach(), atol=1e-5, rtol=1e-5)
