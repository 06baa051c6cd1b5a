"""LAMB against steps worked by hand."""

import torch
from torch import nn
from torch.testing import assert_close

from maskwright.optimizers.lamb import Lamb


def layer():
    model = nn.Linear(2, 1)
    model.weight.data, model.bias.data = torch.tensor([[3.0, 4.0]]), torch.tensor([0.5])
    return model


def test_the_first_step_by_hand():
    model = layer()
    optimizer = Lamb().build(model)
    model.weight.grad, model.bias.grad = torch.tensor([[1.0, -2.0]]), torch.tensor([-3.0])
    optimizer.step()
    # Adam's first step is the sign: [1, −1]. With 0.1 of the weights: [1.3, −0.6], of length √2.05; the weights' is 5.
    ratio = 5 / 2.05**0.5
    assert_close(model.weight.data, torch.tensor([[3 - 0.01 * ratio * 1.3, 4 + 0.01 * ratio * 0.6]]))
    assert_close(model.bias.data, torch.tensor([0.51]))  # no decay, so plain Adam


def test_the_second_step_is_corrected_for_both_biases():
    model = layer()
    optimizer = Lamb(weight_decay=0.0, betas=(0.5, 0.75)).build(model)
    for gradient in (1.0, 3.0):
        model.weight.grad, model.bias.grad = torch.zeros(1, 2), torch.tensor([gradient])
        optimizer.step()
    # mean (0.5·0.5·1 + 0.5·3) / (1 − 0.25) = 7/3; square (0.75·0.25·1 + 0.25·9) / (1 − 0.5625) = 39/7
    assert_close(model.bias.data, torch.tensor([0.5 - 0.01 - 0.01 * (7 / 3) / (39 / 7) ** 0.5]))
    assert_close(model.weight.data, torch.tensor([[3.0, 4.0]]))


def test_large_matrices_are_not_clamped():
    model = layer()
    model.weight.data *= 100
    optimizer = Lamb(weight_decay=1e-9).build(model)
    model.weight.grad, model.bias.grad = torch.ones(1, 2), torch.zeros(1)
    optimizer.step()
    assert_close(model.weight.data, torch.tensor([[300.0, 400.0]]) - 0.01 * 500 / 2**0.5)


def test_vectors_are_scaled_as_matrices_where_all_is_one_group():
    model = layer()
    optimizer = Lamb(decay_embeddings=True, decay_vectors=True).build(model)
    model.weight.grad, model.bias.grad = torch.zeros(1, 2), torch.tensor([-3.0])
    optimizer.step()
    assert_close(model.bias.data, torch.tensor([0.5 + 0.01 * 0.5]))  # any step gets the length of the parameter


def test_a_capped_step_is_never_longer_than_adams_and_decay_is_apart():
    model = layer()
    optimizer = Lamb(scaling="capped").build(model)
    model.weight.grad, model.bias.grad = torch.tensor([[1.0, -2.0]]), torch.tensor([-3.0])
    optimizer.step()
    # Adam's first step [1, −1] is shorter than the weights, of length 5
    assert_close(model.weight.data, torch.tensor([[3 - 0.01 - 0.001 * 3, 4 + 0.01 - 0.001 * 4]]))
    assert_close(model.bias.data, torch.tensor([0.5 + 0.01 * 0.5]))  # 1 is longer than 0.5


def test_what_is_zero_stays_zero_under_a_cap():
    model = layer()
    model.bias.data.zero_()
    optimizer = Lamb(scaling="capped", decay_vectors=True).build(model)
    model.weight.grad, model.bias.grad = torch.zeros(1, 2), torch.tensor([-3.0])
    optimizer.step()
    assert model.bias.item() == 0
