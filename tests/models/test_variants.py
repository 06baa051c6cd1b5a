"""Each variant of `modern` against a plain reading: the same weights, attention written out, one loop over layers."""

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from maskwright.layers.variants.late_masks import LateMasks
from maskwright.models.modern import Modern

VOCABULARY, MASK = 31, 5
SIZES = {"hidden": 32, "layers": 4, "heads": 2, "intermediate": 24, "max_length": 24, "theta": 50.0}
VARIANTS = {
    "qk_norm": {"attention": {"qk_norm": True}},
    "gate": {"attention": {"gate": True}},
    "values first": {"attention": {"values": "first"}},
    "values input": {"attention": {"values": "input"}},
    "scale": {"residual": {"scale": True}},
    "first": {"residual": {"first": True}},
    "skips": {"residual": {"skips": True}},
    "swiglu": {"feed_forward": "swiglu"},
    "reglu": {"feed_forward": "reglu"},
    "relu2": {"feed_forward": "relu2"},
    "relu2_glu": {"feed_forward": "relu2_glu"},
    "distinct_layers": {"distinct_layers": 2},
    "soft_cap": {"soft_cap": 3.0},
    "mask_later": {"mask_later": 2},
}
ALL = {
    "attention": {"qk_norm": True, "gate": True, "values": "first"},
    "residual": {"scale": True, "first": True, "skips": True},
    "feed_forward": "relu2_glu",
    "distinct_layers": 3,
    "soft_cap": 4.0,
    "mask_later": 3,
}
EVERY = {"none": {}, **VARIANTS, "all": ALL}


def plain(w, settings, tokens, mask):
    """Logits [B, L, V] from named weights; mask: [B, L, L]."""
    width, count = settings.hidden // settings.heads, settings.distinct_layers or settings.layers
    angles = torch.arange(tokens.shape[1])[:, None] * settings.theta ** -(torch.arange(0, width, 2) / width)

    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], w[name], eps=1e-5)

    def split(x):
        return x.unflatten(-1, (settings.heads, width)).transpose(1, 2)

    def rotate(x):
        one, other = x.chunk(2, -1)
        return torch.cat([one * angles.cos() - other * angles.sin(), other * angles.cos() + one * angles.sin()], -1)

    def attention(x, n, mask):
        own, options = f"layers.{n % count}.attention", settings.attention
        a = norm(x, f"layers.{n}.attention_norm.weight") if n else x
        weights = w[f"{own}.query_key_value.weight"].chunk(3)
        q, k, v = (F.linear(a, weight) for weight in weights)
        if options.values != "own" and n:
            first = w["layers.0.attention.query_key_value.weight"].chunk(3)[2]
            other = F.linear(x0, first if options.values == "first" else weights[2])
            share = w[f"layers.{n}.mix.share"]
            v = (1 - share) * v + share * other
        q, k, v = split(q), split(k), split(v)
        if options.qk_norm:
            q, k = (
                F.rms_norm(one, (width,), w[f"{own}.norm.{kind}_gain"], 1e-6)
                for one, kind in ((q, "query"), (k, "key"))
            )
        scores = (rotate(q) @ rotate(k).mT / width**0.5).masked_fill(~mask[:, None], -torch.inf)
        mixed = scores.softmax(-1) @ v
        if options.gate:
            mixed = mixed * 2 * F.linear(a, w[f"{own}.gate.into.weight"]).sigmoid().mT[..., None]
        return F.linear(mixed.transpose(1, 2).flatten(2), w[f"{own}.out.weight"])

    def feed_forward(x, n):
        own, kind = f"layers.{n % count}.feed_forward", settings.feed_forward
        inner = F.linear(norm(x, f"layers.{n}.feed_forward_norm.weight"), w[f"{own}.into.weight"])
        one, other = (inner, 1) if kind == "relu2" else inner.chunk(2, -1)
        activation = {"geglu": F.gelu, "swiglu": F.silu, "reglu": F.relu}.get(kind, lambda x: F.relu(x) ** 2)
        return F.linear(activation(one) * other, w[f"{own}.out.weight"])

    x = x0 = norm(w["embedding.weight"][tokens], "norm.weight")
    late, outputs = tokens == MASK, []
    for n in range(settings.layers):
        waits = n < (settings.mask_later or 0)
        if settings.residual.scale and n:
            x = x * w[f"wirings.{n}.scale"]
        if settings.residual.first and n:
            x = x + x0 * w[f"wirings.{n}.first"]
        if settings.residual.skips and 2 * n >= settings.layers:
            x = x + outputs[settings.layers - 1 - n] * w[f"wirings.{n}.skip"]
        seen = mask & ~late[:, None] | torch.eye(len(mask[0]), dtype=torch.bool) if waits else mask
        x = x + attention(x, n, seen)
        x = x + feed_forward(x, n)
        x = torch.where(late[..., None], x0, x) if waits else x
        outputs.append(x)
    x = F.linear(norm(x, "final_norm.weight"), w["head.0.weight"])
    scores = F.linear(norm(F.gelu(x), "head.2.weight"), w["embedding.weight"], w["decoder_bias"])
    return settings.soft_cap * torch.tanh(scores / settings.soft_cap) if settings.soft_cap else scores


def made(name: str, **more):
    """Settings and a model whose every number is drawn."""
    settings, generator = Modern(**SIZES | EVERY[name] | more), torch.Generator().manual_seed(0)
    model = settings.build(VOCABULARY, generator)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, mean=0.1, std=0.3, generator=generator)
    for module in model.modules():
        if isinstance(module, LateMasks):
            module.token.fill_(MASK)
    return settings, model


def rows() -> torch.Tensor:
    """Rows with nine, seven and no [MASK]."""
    tokens = torch.randint(MASK + 1, VOCABULARY, (3, 20), generator=torch.Generator().manual_seed(1))
    tokens[0, 3:12] = tokens[1, ::3] = MASK
    return tokens


def looks(tokens: torch.Tensor) -> torch.Tensor:
    """Two documents that see themselves, a causal row, an anticausal one: [B, L, L]."""
    length = tokens.shape[1]
    document = torch.arange(length) >= 8
    square = torch.ones(length, length, dtype=torch.bool)
    return torch.stack([document[:, None] == document, square.tril(), square.triu()])


@pytest.mark.parametrize("rows_of", [slice(0, 3), slice(0, 2)], ids=["some", "masked"])
@pytest.mark.parametrize("name", EVERY)
def test_a_variant_is_its_plain_reading(name, rows_of):
    settings, model = made(name)
    tokens = rows()[rows_of]
    mask = looks(rows())[rows_of]
    mine = model.logits(model(tokens, mask[:, None]))
    expected = plain(dict(model.named_parameters()), settings, tokens, mask)
    assert_close(mine, expected, atol=2e-4, rtol=1e-4)
    weights = torch.randn(mine.shape, generator=torch.Generator().manual_seed(2)) / mine.numel()
    leaves = list(model.parameters())
    gradients = torch.autograd.grad((mine * weights).sum(), leaves)
    assert all(gradient.any() for gradient in gradients)
    assert_close(gradients, torch.autograd.grad((expected * weights).sum(), leaves), atol=1e-4, rtol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("name", EVERY)
def test_a_variant_without_a_mask_and_at_targets_is_itself(name):
    settings, model = made(name)
    tokens = rows()
    whole = plain(dict(model.named_parameters()), settings, tokens, torch.ones(3, 20, 20, dtype=torch.bool))
    assert_close(model.logits(model(tokens)), whole, atol=2e-4, rtol=1e-4)
    asked = torch.tensor([[4, 19], [0, 0], [3, 7]])
    some = whole[torch.arange(3)[:, None], asked].flatten(0, 1)
    assert_close(model.logits(model(tokens, target_positions=asked)), some, atol=2e-4, rtol=1e-4)
    same = tokens[:1].expand(2, -1)  # rows with equally many [MASK], so that nothing fills up the shorter one
    assert_close(model.logits(model(same))[0], whole[0], atol=2e-4, rtol=1e-4)


@torch.no_grad()
def test_each_variant_does_something():
    tokens = rows()
    _, base = made("none")
    reference = base.logits(base(tokens))
    for name in VARIANTS:
        _, model = made(name)
        state = base.state_dict() | {n: t for n, t in model.state_dict().items() if n not in base.state_dict()}
        if name != "relu2":  # whose first matrix is half as wide
            model.load_state_dict({name: state[name] for name in model.state_dict()})
        assert not torch.allclose(model.logits(model(tokens)), reference, atol=1e-2), name


@torch.no_grad()
@pytest.mark.parametrize("name", VARIANTS)
def test_a_new_model_is_the_same_whatever_the_variant(name):
    """Branches begin as zeros and what is learned beside them as nothing, so that final norm and head see the token."""
    settings = Modern(**SIZES | VARIANTS[name])
    model = settings.build(VOCABULARY, torch.Generator().manual_seed(0))
    tokens = rows()
    embedded = model.norm(model.embedding(tokens))
    assert_close(model(tokens), model.final_norm(embedded), atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_early_layers_compute_no_masks():
    model = made("mask_later")[1]
    seen = []
    for layer in model.layers:
        layer.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape[1]))
    model(rows()[:2])  # of twenty positions nine are masked in one and seven in the other
    assert seen == [13, 13, 20, 20]
    seen.clear()
    model(rows())  # one row has none
    assert seen == [20] * 4
    seen.clear()
    model(model.embedding(rows()[:2]))  # vectors say nothing of masks
    assert seen == [20] * 4
    model.layers = model.layers[:1]
    assert model(rows()).shape == (3, 20, 32)
    full = torch.full((2, 20), MASK)
    assert model(full).isfinite().all()


def test_shared_layers_are_counted_once():
    one, whole = (Modern(**SIZES, distinct_layers=count).build(VOCABULARY, torch.Generator()) for count in (1, None))
    counts = [sum(parameter.numel() for parameter in model.parameters()) for model in (one, whole)]
    layer = 4 * 32 * 32 + 3 * 32 * 24
    assert counts[1] - counts[0] == 3 * layer
    assert one.layers[3].attention is one.layers[0].attention
    assert len(one.layers) == 4
    assert not [name for name in one.state_dict() if name.startswith("layers.3.attention.")]


REFUSED = {
    "distinct_layers=5: there are layers=4": {"distinct_layers": 5},
    r"mask_later=4 must be less than layers=4": {"mask_later": 4},
    "soft_cap": {"soft_cap": 0.0},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_variants_that_make_no_model_are_refused(sentence):
    with pytest.raises(ValueError, match=sentence):
        Modern(**SIZES | REFUSED[sentence])
