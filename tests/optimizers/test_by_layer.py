"""Rates that fall from layer to layer, for every optimizer and every family of models."""

import pytest
import torch

from maskwright.models.modern import Modern
from maskwright.models.transformers import Transformers
from maskwright.optimizers._by_layer import decay_rates, depths, freeze_below
from maskwright.optimizers.library import Adamw
from maskwright.optimizers.muon import Muon

from ..families import needs

SIZES = {"hidden": 32, "layers": 3, "heads": 2, "intermediate": 48, "max_length": 40}
FAMILIES = ["modern", "bert", "gpt2"]


@pytest.fixture(params=FAMILIES)
def model(request) -> torch.nn.Module:
    needs(request.param)
    settings = Modern(**SIZES) if request.param == "modern" else Transformers(architecture=request.param, **SIZES)
    return settings.build(60, torch.Generator().manual_seed(0))


def test_depths_are_those_of_the_layers(model) -> None:
    depth = depths(model)
    assert depth[id(model.embedding.weight)] == 0
    for number, layer in enumerate(model.layers, 1):
        assert {depth[id(weight)] for weight in layer.parameters()} == {number}
    assert set(depth.values()) == {0, 1, 2, 3, 4}
    assert len(depth) == len(list(model.parameters()))


@pytest.mark.parametrize("settings", [Adamw(lr=0.1), Muon(lr=0.1, adamw_lr_ratio=0.5)])
def test_each_parameter_is_in_one_group_at_its_rate(model, settings) -> None:
    whole, optimizer = settings.build(model), settings.build(model)
    decay_rates(optimizer, model, 0.5)
    rate = {id(weight): group["lr"] for group in whole.param_groups for weight in group["params"]}
    depth, seen = depths(model), []
    for group in optimizer.param_groups:
        assert len(group.get("parts", group["params"])) == len(group["params"])
        for weight in group["params"]:
            assert group["lr"] == pytest.approx(rate[id(weight)] * 0.5 ** (4 - depth[id(weight)]))
            seen.append(id(weight))
    assert sorted(seen) == sorted(id(weight) for weight in model.parameters())


def test_frozen_layers_are_the_lowest_and_the_embeddings(model) -> None:
    freeze_below(model, 2)
    depth = depths(model)
    assert {depth[id(weight)] for weight in model.parameters() if weight.requires_grad} == {3, 4}
