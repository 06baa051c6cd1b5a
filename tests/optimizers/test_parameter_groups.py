"""Roles follow from modules, and a shared parameter comes once."""

import torch
from torch import nn

from maskwright.optimizers._parameter_groups import parameter_groups, parameters_by_role


def model():
    table, decoder = nn.Embedding(5, 4), nn.Linear(4, 5)
    decoder.weight = table.weight
    return nn.ModuleDict(
        {"decoder": decoder, "table": table, "convolution": nn.Conv1d(4, 4, 3), "norm": nn.LayerNorm(4)}
    )


def test_each_parameter_has_one_role():
    built = model()
    found = parameters_by_role(built)
    assert [p is built["table"].weight for p in found["embedding"]] == [True]
    assert [p is built["convolution"].weight for p in found["matrix"]] == [True]
    assert len(found["vector"]) == 4
    assert sum(map(len, found.values())) == len(list(built.parameters()))


def test_frozen_parameters_have_none():
    built = model()
    built["table"].weight.requires_grad_(False)
    assert parameters_by_role(built)["embedding"] == []
    assert [group["role"] for group in parameter_groups(built, 0.1, True)] == ["matrix", "vector"]


def test_a_bare_parameter_goes_by_its_shape():
    found = parameters_by_role(nn.ParameterList([nn.Parameter(torch.zeros(2, 2)), nn.Parameter(torch.zeros(2))]))
    assert [len(found[role]) for role in ("matrix", "embedding", "vector")] == [1, 0, 1]
