"""What every optimizer promises, whatever its file."""

import io
import json

import pytest
import safetensors.torch
import torch
from torch.testing import assert_close

from maskwright.optimizers.muon import Muon
from maskwright.settings import field_names, from_mapping, registry

EVERY = {name: kind() for name, kind in registry.entries("optimizers").items()}
EVERY["normuon"] = Muon(row_beta=0.95, cautious_decay=True)
EVERY["adamuon"] = Muon(entry_beta=0.95)


@pytest.fixture(params=EVERY)
def settings(request):
    return EVERY[request.param]


def through_torch(state):
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return torch.load(io.BytesIO(buffer.getvalue()), weights_only=True)


def through_safetensors(state):
    """Tensors in safetensors, everything else in JSON."""
    named = {f"{i}.{k}": v for i, values in state["state"].items() for k, v in values.items() if torch.is_tensor(v)}
    plain = {i: {k: v for k, v in values.items() if not torch.is_tensor(v)} for i, values in state["state"].items()}
    rest = json.loads(json.dumps({"state": plain, "param_groups": state["param_groups"]}))
    rest["state"] = {int(i): values for i, values in rest["state"].items()}
    for name, tensor in safetensors.torch.load(safetensors.torch.save(named)).items():
        rest["state"][int(name.partition(".")[0])][name.partition(".")[2]] = tensor
    return rest


def test_lowers_the_loss(settings, make_model, train):
    model = make_model()
    losses = train(model, settings.build(model), 60)
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("kept", [through_torch, through_safetensors])
def test_resumes_bit_for_bit(settings, kept, make_model, train):
    model = make_model()
    optimizer = settings.build(model)
    train(model, optimizer, 3)
    twin = make_model(seed=1)
    twin.load_state_dict(model.state_dict())
    resumed = settings.build(twin)
    resumed.load_state_dict(kept(optimizer.state_dict()))
    assert train(model, optimizer, 3) == train(twin, resumed, 3)
    assert_close(twin.state_dict(), model.state_dict(), rtol=0, atol=0)


def test_each_parameter_is_in_one_group_at_the_peak_rate(settings, make_model):
    model = make_model()
    groups = settings.build(model).param_groups
    members = [id(parameter) for group in groups for parameter in group["params"]]
    assert sorted(members) == sorted(id(parameter) for parameter in model.parameters())
    assert {group["lr"] for group in groups} == {settings.lr}


def test_decays_matrices_and_on_request_embeddings_but_no_vectors(settings, make_model):
    model = make_model()
    for embeddings in (False, True):
        optimizer = type(settings)(weight_decay=0.2, decay_embeddings=embeddings).build(model)
        decay = {id(p): group["weight_decay"] for group in optimizer.param_groups for p in group["params"]}
        assert {decay[id(p)] for p in (model.joint.weight, model.out.weight, model.twin.weight)} == {0.2}
        assert decay[id(model.embedding.weight)] == 0.2 * embeddings
        assert {decay[id(p)] for p in model.parameters() if p.ndim == 1} == {0.0}


def test_parameters_without_a_gradient_stay(settings, make_model):
    model = make_model()
    optimizer = settings.build(model)
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    model.out(torch.ones(36)).sum().backward()
    optimizer.step()
    moved = [name for name, parameter in model.named_parameters() if not torch.equal(parameter, before[name])]
    assert moved == ["out.weight"]


def test_a_matrix_of_zeros_leaves_zero(settings, make_model, train):
    model = make_model()
    torch.nn.init.zeros_(model.out.weight)
    train(model, settings.build(model), 1)
    assert model.out.weight.all()


def test_a_rate_of_zero_changes_nothing(settings, make_model, train):
    model = make_model()
    optimizer = settings.build(model)
    for group in optimizer.param_groups:
        group["lr"] = 0.0
    before = {name: value.clone() for name, value in model.state_dict().items()}
    train(model, optimizer, 2)
    assert_close(model.state_dict(), before, rtol=0, atol=0)


def test_draws_nothing_from_the_global_generator(settings, make_model, train):
    model, before = make_model(), torch.random.get_rng_state()
    train(model, settings.build(model), 2)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    "wrong", [{"lr": 0}, {"lr": -1.0}, {"betas": [0.9, 1.0]}, {"weight_decay": -0.1}, {"eps": 0}, {"momentun": 1}]
)
def test_refuses_bad_options_in_one_sentence(settings, wrong):
    with pytest.raises(ValueError, match=rf"^[^\n]*optimizer\.{next(iter(wrong))}[^\n]*$"):
        from_mapping(type(settings), wrong, "optimizer")


def test_every_option_of_an_optimizer_is_documented(settings):
    homes = [vars(base).get("__pydantic_fields__", {}) for base in type(settings).__mro__]
    for option in field_names(type(settings)):
        assert next(fields[option].description for fields in homes if option in fields and fields[option].description)
