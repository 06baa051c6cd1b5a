"""`ltg_bert` against a plain reading of the paper: the same weights, every pair of positions expanded."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from maskwright.models.ltg_bert import PRESETS, LtgBert

VOCABULARY = 101


def reference(weights, settings, tokens, mask):
    """Logits everywhere, [B, L, V], from named weights; distances up to 16 only, which have buckets of their own."""
    hidden, heads, width = settings.hidden, settings.heads, settings.hidden // settings.heads

    def norm(x, name=None):
        affine = (weights[f"{name}.weight"], weights[f"{name}.bias"]) if name else (None, None)
        return F.layer_norm(x, x.shape[-1:], *affine, eps=1e-7)

    def linear(x, name):
        return F.linear(x, weights[f"{name}.weight"], weights.get(f"{name}.bias"))

    def split(x):
        return x.unflatten(-1, (heads, width))

    place = torch.arange(tokens.shape[1])
    bucket = place[:, None] - place[None, :] + settings.buckets - 1
    table = norm(weights["distances.weight"], "distances_norm")
    x = norm(weights["embedding.weight"][tokens])
    for layer in (f"layers.{i}" for i in range(settings.layers)):
        attention = f"{layer}.attention"
        inner = norm(x)
        q, k = (split(part) for part in linear(inner, f"{attention}.query_key").split(hidden, dim=-1))
        pair_q, pair_k = (split(part) for part in linear(table[bucket], f"{attention}.query_key").split(hidden, dim=-1))
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k)
        scores = scores + torch.einsum("bqhd,qkhd->bhqk", q, pair_k) + torch.einsum("bkhd,qkhd->bhqk", k, pair_q)
        scores = (scores / math.sqrt(3 * width)).masked_fill(~mask, -torch.inf)
        mixed = torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), split(linear(inner, f"{attention}.value")))
        x = x + norm(linear(mixed.flatten(2), f"{attention}.out"), f"{attention}.out_norm")
        value, gate = linear(norm(x), f"{layer}.feed_forward.into").chunk(2, dim=-1)
        x = x + linear(norm(value * F.gelu(gate, approximate="tanh")), f"{layer}.feed_forward.out")
    return F.linear(norm(F.gelu(linear(norm(x), "head.1"))), weights["embedding.weight"], weights["decoder_bias"])


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize(("hidden", "layers", "heads", "intermediate"), [(32, 2, 2, 48), (36, 3, 4, 40)])
def test_logits_and_gradients_equal_the_plain_reading(hidden, layers, heads, intermediate, padding):
    settings = LtgBert(hidden=hidden, layers=layers, heads=heads, intermediate=intermediate, max_length=17, dropout=0.0)
    generator = torch.Generator().manual_seed(0)
    model = settings.build(VOCABULARY, generator)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    tokens = torch.randint(VOCABULARY, (3, 17), generator=generator)
    real = torch.ones(3, 17, dtype=torch.bool)
    real[1, 17 - padding :] = False
    mask = (real[:, None, None] & real[:, None, :, None]) | torch.eye(17, dtype=torch.bool)

    mine = model.logits(model(tokens, mask if padding else None, None).flatten(0, 1)).unflatten(0, tokens.shape)[real]
    expected = reference(dict(model.named_parameters()), settings, tokens, mask)[real]
    assert_close(mine, expected, atol=1e-4, rtol=1e-4)
    weights = torch.randn(mine.shape, generator=generator) / mine.numel()
    leaves = list(model.parameters())
    gradients = torch.autograd.grad((mine * weights).sum(), leaves)
    assert_close(gradients, torch.autograd.grad((expected * weights).sum(), leaves), atol=1e-4, rtol=1e-4)


def test_initial_deviations_are_those_of_the_paper():
    model = LtgBert(hidden=192, heads=3, intermediate=512, layers=4).build(4096, torch.Generator().manual_seed(0))
    std = math.sqrt(2 / (5 * 192)) * 0.8796  # of a normal that is cut at two deviations
    assert_close(model.embedding.weight.std().item(), std, rtol=0.02, atol=0)
    assert_close(model.distances.weight.std().item(), std, rtol=0.05, atol=0)
    assert model.embedding.weight.abs().max() <= 2 * math.sqrt(2 / (5 * 192))
    for depth, block in enumerate(model.layers):
        assert_close(block.attention.query_key.weight.std().item(), std, rtol=0.02, atol=0)
        shrunk = std / math.sqrt(2 * (1 + depth))
        assert_close(block.feed_forward.into.weight.std().item(), shrunk, rtol=0.02, atol=0)
        assert_close(block.feed_forward.out.weight.std().item(), shrunk, rtol=0.02, atol=0)
    biases = [parameter for name, parameter in model.named_parameters() if name.endswith("bias")]
    assert len(biases) == 4 * 4 + 2 + 1
    assert not any(bias.any() for bias in biases)


@pytest.mark.parametrize("preset", PRESETS)
def test_size_of_each_preset_of_ltg_bert(preset):
    settings = LtgBert(**PRESETS[preset])
    hidden, inner, vocabulary = settings.hidden, settings.intermediate, 16_384
    attention = 4 * hidden * (hidden + 1) + 2 * hidden
    embeddings = (vocabulary + 63) * hidden + 2 * hidden
    expected = embeddings + 12 * (attention + 3 * hidden * inner) + hidden * (hidden + 1) + vocabulary
    model = settings.build(vocabulary, torch.Generator().manual_seed(0))
    assert sum(parameter.numel() for parameter in model.parameters()) == expected


def test_heads_that_do_not_divide_ltg_bert_are_refused():
    with pytest.raises(ValueError, match="heads=5 must divide hidden=32"):
        LtgBert(hidden=32, heads=5)
    with pytest.raises(ValueError, match=r"buckets=600 .* max_distance=64"):
        LtgBert(buckets=600, max_distance=64)


def test_dropout_of_ltg_bert_changes_training_alone():
    settings = LtgBert(hidden=32, heads=2, layers=1, intermediate=48, dropout=0.5)
    model = settings.build(VOCABULARY, torch.Generator().manual_seed(0))
    tokens = torch.arange(12)[None]
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        assert not torch.equal(model(tokens), model(tokens))
        model.eval()
        assert torch.equal(model(tokens), model(tokens))
