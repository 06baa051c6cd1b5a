"""Muon against torch's own, and what orthogonalising means."""

import pytest
import torch
from torch.testing import assert_close

from maskwright.layers.joint import Joint
from maskwright.optimizers.library import Adamw
from maskwright.optimizers.muon import Muon, newton_schulz, orthogonalised

SHAPES = [(24, 8), (8, 24), (24, 8), (16, 16), (16, 16), (40, 8)]


def normal(shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch has its own since 2.9")
def test_steps_are_those_of_torch():
    ours = torch.nn.ParameterList(torch.nn.Parameter(normal(shape, seed)) for seed, shape in enumerate(SHAPES))
    theirs = [torch.nn.Parameter(parameter.detach().clone()) for parameter in ours]
    optimizer = Muon(lr=0.02, weight_decay=0.3).build(ours)
    reference = torch.optim.Muon(theirs, lr=0.02, weight_decay=0.3, adjust_lr_fn="match_rms_adamw")
    for step in range(5):
        for seed, (parameter, twin) in enumerate(zip(ours, theirs, strict=True)):
            parameter.grad = normal(parameter.shape, 100 * step + seed)
            twin.grad = parameter.grad.clone()
        optimizer.step()
        reference.step()
    for seed, (parameter, twin) in enumerate(zip(ours, theirs, strict=True)):
        moved = twin - normal(twin.shape, seed)
        assert (parameter - twin).norm() < 0.02 * moved.norm()


def test_everything_else_takes_the_steps_of_adamw(make_model, train):
    models = make_model(), make_model()
    for model in models:
        for matrix in (model.joint.weight, model.out.weight, model.twin.weight):
            matrix.requires_grad_(False)
    shared = {"lr": 0.01, "decay_embeddings": True}
    losses = [train(m, k(**shared).build(m), 5) for m, k in zip(models, (Muon, Adamw), strict=True)]
    assert losses[0] == losses[1]


def test_a_batch_is_its_matrices_one_by_one():
    matrices = [normal(shape, seed) for seed, shape in enumerate(SHAPES)]
    together = orthogonalised(matrices, 5)
    assert [tuple(matrix.shape) for matrix in together] == SHAPES
    for matrix, done in zip(matrices, together, strict=True):
        assert_close(done, orthogonalised([matrix], 5)[0], rtol=0.05, atol=0.02)


def test_directions_stay_and_lengths_become_one():
    matrix = normal((8, 24))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    done = newton_schulz(matrix[None].bfloat16(), 5)[0].float()
    lengths = left.mT @ done @ right.mT
    assert 0.6 < lengths.diagonal().min() < lengths.diagonal().max() < 1.3
    assert (lengths - lengths.diagonal().diag()).abs().max() < 0.05


def test_a_matrix_of_zeros_stays_one():
    assert not newton_schulz(torch.zeros(1, 4, 8, dtype=torch.bfloat16), 5).any()


def test_even_rows_are_those_of_the_published_algorithm():
    """NorMuon, algorithm 1, row by row, after the same orthogonalisation."""
    weight, twin = torch.nn.Parameter(normal((6, 4))), normal((6, 4))
    optimizer = Muon(lr=0.1, weight_decay=0.0, row_beta=0.8).build(torch.nn.ParameterList([weight]))
    mean, squares = torch.zeros(6, 4), torch.zeros(6)
    for step in range(4):
        gradient = weight.grad = normal((6, 4), step)
        optimizer.step()
        mean = 0.95 * mean + 0.05 * gradient
        (direction,) = orthogonalised([0.05 * gradient + 0.95 * mean], 5)
        for row, values in enumerate(direction.float()):
            squares[row] = 0.8 * squares[row] + 0.2 * (values**2).sum() / 4
        even = direction.float() / squares.sqrt()[:, None]
        twin = twin - 0.1 * 0.2 * 24**0.5 / even.norm() * even
    assert_close(weight.detach(), twin, rtol=1e-4, atol=1e-5)


def test_even_entries_are_those_of_the_published_algorithm():
    """AdaMuon, algorithm 1, after the same orthogonalisation, from Nesterov's momentum as here."""
    weight, twin = torch.nn.Parameter(normal((6, 4))), normal((6, 4))
    optimizer = Muon(lr=0.1, weight_decay=0.0, entry_beta=0.8).build(torch.nn.ParameterList([weight]))
    mean, squares = torch.zeros(6, 4), torch.zeros(6, 4)
    for step in range(4):
        gradient = weight.grad = normal((6, 4), step)
        optimizer.step()
        mean = 0.95 * mean + 0.05 * gradient
        (direction,) = orthogonalised([torch.sign(0.05 * gradient + 0.95 * mean)], 5)
        squares = 0.8 * squares + 0.2 * direction.float() ** 2
        even = direction.float() / squares.sqrt()
        twin = twin - 0.1 * 0.2 * 24**0.5 / even.norm() * even
    assert_close(weight.detach(), twin, rtol=1e-4, atol=1e-5)


def test_rows_or_entries_are_made_even_not_both():
    with pytest.raises(ValueError, match="choose one"):
        Muon(row_beta=0.9, entry_beta=0.9)


@pytest.mark.parametrize("option", ["row_beta", "entry_beta"])
def test_matrices_stored_as_one_are_made_even_as_those_alone(option):
    joint, alone = Joint(8, 8, 3), torch.nn.ParameterList(torch.nn.Parameter(torch.zeros(8, 8)) for _ in range(3))
    torch.nn.init.zeros_(joint.weight)
    settings = Muon(lr=0.1, **{option: 0.5})
    gradients = [normal((8, 8), seed) * 10**seed for seed in range(3)]
    joint.weight.grad = torch.cat(gradients)
    for parameter, gradient in zip(alone, gradients, strict=True):
        parameter.grad = gradient
    settings.build(joint).step()
    settings.build(alone).step()
    assert_close(joint.weight.detach(), torch.cat([parameter.detach() for parameter in alone]))


def test_cautious_decay_spares_what_moves_away_from_zero():
    start = normal((6, 4))
    moved = {}
    for decay, cautious in ((0.0, False), (0.5, False), (0.5, True)):
        weight = torch.nn.Parameter(start.clone())
        weight.grad = normal((6, 4), 1)
        Muon(lr=0.1, weight_decay=decay, cautious_decay=cautious).build(torch.nn.ParameterList([weight])).step()
        moved[decay, cautious] = weight.detach()
    towards_zero = (start - moved[0.0, False]) * start >= 0
    assert 0 < towards_zero.sum() < 24
    assert_close(moved[0.5, True], torch.where(towards_zero, moved[0.5, False], moved[0.0, False]))


@pytest.mark.parametrize("shape", [(64, 64), (64, 256), (256, 64)])
def test_steps_are_as_long_as_those_of_adamw(shape):
    parameter = torch.nn.Parameter(torch.zeros(shape))
    optimizer = Muon(lr=1.0).build(torch.nn.ParameterList([parameter]))
    parameter.grad = normal(shape)
    optimizer.step()
    assert 0.13 < parameter.square().mean().sqrt() < 0.27


def test_more_dimensions_are_a_matrix_by_rows():
    parameter = torch.nn.Parameter(torch.zeros(6, 4, 3))
    optimizer = Muon(lr=1.0).build(torch.nn.ParameterList([parameter]))
    parameter.grad = normal((6, 4, 3))
    optimizer.step()
    assert parameter.all()


def test_what_is_no_matrix_has_a_rate_of_its_own():
    model = torch.nn.Sequential(torch.nn.Embedding(7, 4), torch.nn.Linear(4, 4))
    optimizer = Muon(lr=0.02, adamw_lr_ratio=0.1).build(model)
    assert {group["role"]: group["lr"] for group in optimizer.param_groups} == pytest.approx(
        {"matrix": 0.02, "embedding": 0.002, "vector": 0.002}
    )


def test_matrices_that_stand_in_one_take_steps_of_their_own():
    joint = Joint(16, 24, 3, bias=False)
    apart = torch.nn.ParameterList(torch.nn.Parameter(p.detach().clone()) for p in joint.weight.chunk(3))
    optimizers = [Muon(lr=0.02).build(model) for model in (joint, apart)]
    for step in range(3):
        joint.weight.grad = normal(joint.weight.shape, step)
        for matrix, gradient in zip(apart, joint.weight.grad.chunk(3), strict=True):
            matrix.grad = gradient.clone()
        for optimizer in optimizers:
            optimizer.step()
    assert torch.equal(joint.weight, torch.cat(list(apart)))
