"""Every option of every optimizer does what it says: for each field, one of these tests fails when it does nothing."""

from pkgutil import resolve_name

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from maskwright.optimizers.lamb import Lamb
from maskwright.optimizers.library import ENTRIES
from maskwright.optimizers.muon import RMS, Muon, orthogonalised
from maskwright.settings import field_names, registry

OTHER = {
    "lr": [0.03],
    "betas": [(0.99, None), (None, 0.6)],
    "eps": [0.1],
    "weight_decay": [0.3],
    "decay_embeddings": [True],
    "fused": [False],
    "rho": [0.5],
    "alpha": [0.5],
    "momentum": [0.4],
    "nesterov": [True],
}
"""Values that are nobody's default; each alone must change what the library does. None stays as it is."""
OPTIONS = [(kind, option) for kind in ENTRIES for option in field_names(kind)]
START = torch.linspace(-1, 1.2, 12).view(3, 4)
GRADIENTS = list(torch.randn(6, 3, 4, generator=torch.Generator().manual_seed(0)))


def walk(settings, gradients, kind=nn.Linear):
    """The weight of a module `kind`, a matrix or an embedding table, after each of the steps along `gradients`."""
    model = nn.Linear(4, 3, bias=False) if kind is nn.Linear else nn.Embedding(3, 4)
    if kind is nn.LayerNorm:
        model = nn.LayerNorm(12, bias=False)
    weight = model.weight
    weight.data = START.clone().view(weight.shape)
    return steps(settings.build(model), weight, gradients)


def steps(optimizer, weight, gradients):
    found = []
    for gradient in gradients:
        weight.grad = gradient.clone().view(weight.shape)
        optimizer.step()
        found.append(weight.detach().clone().view(3, 4))
    return found


@pytest.mark.parametrize(("kind", "option"), OPTIONS, ids=lambda value: getattr(value, "__name__", value))
def test_an_option_reaches_the_library(kind, option):
    for value in OTHER[option]:
        if option == "betas":
            value = tuple(new or old for new, old in zip(value, kind().betas, strict=True))
        layer = nn.Embedding if option == "decay_embeddings" else nn.Linear
        decay = {"weight_decay": 0.2} if layer is nn.Embedding else {}
        settings = kind(**decay | {option: value})
        own = {name: getattr(settings, name) for name in field_names(kind) if name != "decay_embeddings"}
        weight = nn.Parameter(START.clone())
        theirs = steps(resolve_name(kind.optimizer)([weight], **own), weight, GRADIENTS)
        ours = walk(settings, GRADIENTS, layer)
        assert_close(ours, theirs, rtol=0, atol=0)
        if option == "fused":
            assert not settings.build(nn.Linear(2, 2)).param_groups[0]["fused"]
        else:
            assert not torch.allclose(ours[-1], walk(kind(**decay), GRADIENTS, layer)[-1], rtol=1e-4)


@pytest.mark.parametrize("kind", [Lamb, Muon])
def test_a_step_is_proportional_to_the_learning_rate(kind):
    for layer in (nn.Linear, nn.LayerNorm):
        one, two = (walk(kind(lr=lr, weight_decay=0.0), GRADIENTS[:1], layer)[0] - START for lr in (0.01, 0.02))
        assert_close(two, 2 * one, rtol=1e-3, atol=1e-6)
        assert one.abs().max() > 1e-3


@pytest.mark.parametrize("kind", [Lamb, Muon])
@pytest.mark.parametrize("betas", [(0.5, 0.9), (0.8, 0.6)])
def test_betas_weigh_the_past(kind, betas):
    """A gradient, then none: mean and square are what is left of it (Kingma and Ba 2015, algorithm 1)."""
    first, second = betas
    one, two = walk(kind(lr=0.01, betas=betas, eps=1e-12), [GRADIENTS[0], torch.zeros(3, 4)], nn.LayerNorm)
    left = first / (1 + first) * ((1 + second) / second) ** 0.5
    assert_close(two - one, -0.01 * left * GRADIENTS[0].sign(), rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("kind", [Lamb, Muon])
def test_eps_is_added_to_the_root(kind):
    (one,) = walk(kind(lr=0.01, eps=0.2), GRADIENTS[:1], nn.LayerNorm)
    assert_close(one - START, -0.01 * GRADIENTS[0] / (GRADIENTS[0].abs() + 0.2), rtol=1e-4, atol=1e-6)


def test_muon_decays_a_matrix_by_its_share():
    with_, without = (walk(Muon(lr=0.1, weight_decay=decay), GRADIENTS[:1])[0] for decay in (0.3, 0.0))
    assert_close(with_ - without, -0.1 * 0.3 * START)


def test_lamb_decays_before_it_scales():
    plain = (START - walk(Lamb(lr=0.1, weight_decay=0.0), GRADIENTS[:1])[0]) / 0.1
    step = plain + 0.3 * START
    (decayed,) = walk(Lamb(lr=0.1, weight_decay=0.3), GRADIENTS[:1])
    assert_close(decayed, START - 0.1 * step * START.norm() / step.norm())


@pytest.mark.parametrize("kind", [Lamb, Muon])
def test_embeddings_decay_on_request(kind):
    left, plain, decayed = (
        walk(kind(lr=0.1, weight_decay=decay, decay_embeddings=wanted), GRADIENTS[:1], nn.Embedding)[0]
        for decay, wanted in [(0.3, False), (0.0, True), (0.3, True)]
    )
    assert torch.equal(left, plain)
    like = walk(Lamb(lr=0.1, weight_decay=0.3), GRADIENTS[:1])[0] if kind is Lamb else plain - 0.1 * 0.3 * START
    assert_close(decayed, like)


def test_the_ratio_is_for_all_but_matrices():
    plain, doubled = Muon(lr=0.01), Muon(lr=0.01, adamw_lr_ratio=2.0)
    assert torch.equal(walk(plain, GRADIENTS)[1], walk(doubled, GRADIENTS)[1])
    one, two = (walk(settings, GRADIENTS[:1], nn.LayerNorm)[0] - START for settings in (plain, doubled))
    assert_close(two, 2 * one, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize(("momentum", "iterations"), [(0.95, 5), (0.5, 5), (0.95, 1)])
def test_muon_orthogonalises_its_momentum(momentum, iterations):
    """`iterations` of Newton-Schulz of what a decaying mean looks ahead to (Jordan et al. 2024)."""
    settings = Muon(lr=0.01, weight_decay=0.0, momentum=momentum, iterations=iterations)
    one, two = walk(settings, GRADIENTS[:2])
    mean = (1 - momentum) * momentum * GRADIENTS[0] + (1 - momentum) * GRADIENTS[1]
    (step,) = orthogonalised([(1 - momentum) * GRADIENTS[1] + momentum * mean], iterations)
    assert_close(two - one, -0.01 * RMS * 2 * step.float(), rtol=1e-3, atol=1e-5)


def test_the_optimizers_of_our_own_have_no_other_options():
    """A new option of Lamb or Muon needs a test above, or in its file; those of the libraries need a value in OTHER."""
    shared = {"lr", "betas", "eps", "weight_decay", "decay_embeddings"}
    assert set(field_names(Lamb)) == shared | {"decay_vectors", "scaling"}
    assert set(field_names(Muon)) == shared | {
        "adamw_lr_ratio",
        "momentum",
        "iterations",
        "row_beta",
        "entry_beta",
        "cautious_decay",
    }
    assert set(registry.entries("optimizers").values()) == {Lamb, Muon, *ENTRIES}
