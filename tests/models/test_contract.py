"""What every model promises, whatever its file."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from maskwright.layers.variants.late_masks import LateMasks
from maskwright.settings import from_mapping, registry

from .test_variants import ALL

VOCABULARY, MASK = 60, 5
SIZES = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 16, "dropout": 0.0}
VARIANTS = [(stem, {}) for stem in registry.files("models")] + [
    ("modern", {"positions": "learned"}),
    ("modern", {"window": 3, "global_every": 2, "local_theta": 50.0}),
    ("ltg_bert", {"gate": True, "inner_norm": True, "residual": "dense"}),
    ("modern", ALL | {"distinct_layers": 1, "mask_later": 1}),
    ("ltg_bert", {"residual": "elc"}),
    ("ltg_bert", {"residual": "elc_zero"}),
]


@pytest.fixture(params=VARIANTS, ids=lambda variant: "-".join([variant[0], *variant[1]]))
def settings(request):
    stem, more = request.param
    cls, _ = registry.load("models", stem)
    return cls(**SIZES, **more)


@pytest.fixture
def model(settings):
    """A model that has been shaken, so that no branch ends in zeros."""
    generator = torch.Generator().manual_seed(0)
    model = settings.build(VOCABULARY, generator)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2, generator=generator)
    for module in model.modules():
        if isinstance(module, LateMasks):
            module.token.fill_(MASK)
    return model


@pytest.fixture
def tokens():
    """Every third is [MASK], for models that know it."""
    tokens = torch.randint(VOCABULARY, (3, 12), generator=torch.Generator().manual_seed(1))
    tokens[:, 1::3] = MASK
    return tokens


def test_values_come_from_the_generator_alone(settings):
    builds = []
    for seed in (1, 2):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            before = torch.random.get_rng_state()
            builds.append(settings.build(VOCABULARY, torch.Generator().manual_seed(0)).state_dict())
            assert torch.equal(torch.random.get_rng_state(), before)
    assert_close(builds[0], builds[1], rtol=0, atol=0)
    assert all(weight.isfinite().all() for weight in builds[0].values())
    other = settings.build(VOCABULARY, torch.Generator().manual_seed(1)).state_dict()
    table = next(name for name in other if name.endswith("embedding.weight") or name.endswith("word_embeddings.weight"))
    assert not torch.equal(other[table], builds[0][table])


def test_shapes(model, tokens):
    hidden = model(tokens, None, None)
    assert hidden.shape == (3, 12, 32)
    assert model.logits(hidden.flatten(0, 1)[:5]).shape == (5, VOCABULARY)


def test_roles_follow_from_types(model):
    embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    linears = {id(module.weight) for module in model.modules() if isinstance(module, nn.Linear)}
    wide = {id(parameter) for parameter in model.parameters() if parameter.ndim >= 2}
    assert wide == embeddings | linears
    assert len(model.layers) == 2


def test_every_parameter_learns(model, tokens):
    model.logits(model(tokens, None, None).flatten(0, 1)).square().mean().backward()
    idle = [name for name, parameter in model.named_parameters() if not parameter.grad.any()]
    assert not idle


def test_the_last_layers_can_be_dropped(model, tokens):
    model.layers = model.layers[:1]
    assert model(tokens, None, None).shape == (3, 12, 32)


def test_nothing_passes_a_mask(model, tokens):
    mask = torch.ones(12, 12, dtype=torch.bool).tril()[None, None]
    changed = tokens.clone()
    changed[:, 7:] = 3
    assert_close(model(tokens, mask, None)[:, :7], model(changed, mask, None)[:, :7])


def test_a_full_mask_is_no_mask(model, tokens):
    everything = torch.ones(1, 1, 12, 12, dtype=torch.bool)
    assert_close(model(tokens, everything, None), model(tokens, None, None), atol=1e-5, rtol=1e-4)


def test_packed_documents_are_the_documents_alone(model, tokens):
    document = torch.tensor([0] * 5 + [1] * 7)
    positions = torch.cat([torch.arange(5), torch.arange(7)]).expand(3, -1)
    mask = (document[:, None] == document[None, :])[None, None]
    packed = model(tokens, mask, positions)
    assert_close(packed[:, :5], model(tokens[:, :5], None, None), atol=1e-5, rtol=1e-4)
    assert_close(packed[:, 5:], model(tokens[:, 5:], None, None), atol=1e-5, rtol=1e-4)


def test_where_positions_say_it_a_row_may_have_any_order(model, tokens):
    if not getattr(model, "reads_positions", False):
        pytest.skip("it goes by the order of the row")
    order = torch.randperm(12, generator=torch.Generator().manual_seed(2))
    mask = torch.ones(12, 12, dtype=torch.bool).tril()
    mixed = model(tokens[:, order], mask[order][:, order][None, None], order.expand(3, -1))
    assert_close(mixed, model(tokens, mask[None, None], None)[:, order], atol=1e-5, rtol=1e-4)


def test_order_matters(model, tokens):
    assert not torch.allclose(model(tokens.flip(1), None, None).flip(1), model(tokens, None, None), atol=1e-3)


def test_rows_that_are_too_long_are_refused(model):
    with pytest.raises(ValueError, match=r"17 tokens .*max_length=16"):
        model(torch.zeros(1, 17, dtype=torch.int64), None, None)


def test_bfloat16_stays_near_float32(model, tokens):
    exact = model.logits(model(tokens, None, None).flatten(0, 1))
    with torch.autocast("cpu", torch.bfloat16):
        rounded = model.logits(model(tokens, None, None).flatten(0, 1))
    assert rounded.dtype == torch.bfloat16
    assert (rounded - exact).norm() < 0.03 * exact.norm()


def test_asking_at_some_places_is_gathering_there(model, tokens):
    asked = torch.tensor([5, 3, 20, 0, 0, 35])
    everywhere = model(tokens, None, None)
    some = model(tokens, None, None, asked)
    assert_close(some, everywhere.flatten(0, 1)[asked])
    leaves = list(model.parameters())
    weights = torch.randn(some.shape, generator=torch.Generator().manual_seed(2))
    mine, reference = (
        torch.autograd.grad((vectors * weights).sum(), leaves, materialize_grads=True)
        for vectors in (some, everywhere.flatten(0, 1)[asked])
    )
    assert_close(mine, reference, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("seen", [None, torch.ones(3, 1, 12, 12).tril().bool()], ids=["all", "forward"])
@pytest.mark.parametrize("asked", [[[5], [3], [11]], [[0, 0], [11, 2], [4, 5]]])
def test_asking_as_often_in_every_row_is_gathering_there(model, tokens, seen, asked):
    places = torch.tensor(asked)
    everywhere = model(tokens, seen, None)
    assert_close(model(tokens, seen, None, places), everywhere[torch.arange(3)[:, None], places].flatten(0, 1))


@pytest.mark.parametrize("name", ["layers", "heads", "hidden", "dropout"])
def test_sizes_that_make_no_model_are_refused(name):
    for stem in registry.files("models"):
        cls, _ = registry.load("models", stem)
        with pytest.raises(ValueError, match=rf"model\.{name}=-1"):
            from_mapping(cls, {**SIZES, name: -1}, "model")
