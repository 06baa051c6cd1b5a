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
