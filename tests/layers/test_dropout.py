"""Dropout: the share that it drops, the mean that it keeps, masks that are new every time and alike when compiled."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from maskwright.layers.attend import attend
from maskwright.layers.dropout import Dropout, drop, quicken

COUNT = 200_000


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("probability", [0.1, 0.5, 0.97])
def test_as_many_are_dropped_as_asked_and_the_mean_is_kept(probability: float, dtype: torch.dtype) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        kept = drop(torch.ones(COUNT, dtype=dtype), probability)
    share = float((kept == 0).double().mean())
    assert share == pytest.approx(probability, abs=4 * (probability * (1 - probability) / COUNT) ** 0.5)
    assert kept.dtype == dtype
    assert set(kept.unique().tolist()) == {0.0, float(kept.max())}
    assert float(kept.max()) == pytest.approx(1 / (1 - probability), rel=1e-4 if dtype == torch.float32 else 4e-3)


def test_neighbours_are_dropped_independently() -> None:
    """Four values share an integer of 64 bits; all sixteen patterns of four come as often as they should."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        dropped = drop(torch.ones(COUNT // 4, 4), 0.5) == 0
    counts = torch.bincount((dropped * torch.tensor([1, 2, 4, 8])).sum(1), minlength=16).double()
    expected = COUNT / 4 / 16
    assert float(((counts - expected) ** 2 / expected).sum()) < 37.7  # chi-square of 15 degrees at 0.001


@pytest.mark.parametrize("shape", [(), (1,), (3, 5), (2, 0)])
def test_any_shape_has_a_mask_of_its_own(shape: tuple[int, ...]) -> None:
    assert drop(torch.ones(shape), 0.5).shape == shape


def test_gradients_are_dropped_as_the_values_were() -> None:
    values = torch.randn(1000, requires_grad=True)
    kept = drop(values, 0.3)
    kept.sum().backward()
    assert_close(values.grad * values.detach(), kept.detach())


def test_nothing_is_drawn_where_nothing_is_dropped() -> None:
    values, before = torch.ones(8), torch.random.get_rng_state()
    assert drop(values, 0.0) is values
    assert Dropout(0.5).eval()(values) is values
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_compiled_step_draws_the_same_masks_and_none_twice() -> None:
    def ask(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return drop(values, 0.5), drop(values, 0.5)

    compiled, found = torch.compile(ask, backend="aot_eager", fullgraph=True), []
    with torch.random.fork_rng():
        for way in (ask, compiled):
            torch.manual_seed(2)
            found.append(way(torch.ones(4096, requires_grad=True)))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])
    assert not torch.equal(*found[1])


def test_attention_weights_are_dropped_without_a_fused_kernel() -> None:
    heads = torch.randn(3, 2, 2, 8, 16)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        found = attend(*heads, None, dropout=0.4)
        torch.manual_seed(3)
        weights = drop((heads[0] * 16**-0.5 @ heads[1].mT).softmax(-1), 0.4)
    assert_close(found, (weights @ heads[2]).transpose(1, 2).flatten(2))


def test_the_layers_of_a_foreign_network_are_quickened() -> None:
    network = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.2), nn.Sequential(nn.AlphaDropout(0.2)))
    assert quicken(network) is network
    assert isinstance(network[1], Dropout)
    assert network[1].p == 0.2
    assert type(network[2][0]) is nn.AlphaDropout
