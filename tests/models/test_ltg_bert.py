"""`ltg_bert`, ELC-BERT and GPT-BERT against a plain reading of the papers: the same weights, every pair of positions
expanded; and against numbers that the public code gives."""

import math
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch.testing import assert_close

from maskwright.models.ltg_bert import GPT_BERT, PRESETS, LtgBert

VOCABULARY = 101


def reference(weights, settings, tokens, mask):
    """Logits everywhere, [B, L, V], from named weights; distances up to 16 only, which have buckets of their own."""
    hidden, heads, width = settings.hidden, settings.heads, settings.hidden // settings.heads

    def norm(x, name=None):
        affine = (weights[f"{name}.weight"], weights[f"{name}.bias"]) if name else (None, None)
        return F.layer_norm(x, x.shape[-1:], *affine, eps=settings.epsilon)

    def linear(x, name):
        return F.linear(x, weights[f"{name}.weight"], weights.get(f"{name}.bias"))

    def summed(name, outputs):
        alphas = weights[f"{name}.weight"]
        alphas = alphas if settings.residual == "dense" else alphas.softmax(0)
        return torch.einsum("n,nbld->bld", alphas, torch.stack(outputs))

    def split(x):
        return x.unflatten(-1, (heads, width))

    place = torch.arange(tokens.shape[1])
    bucket = place[:, None] - place[None, :] + settings.buckets - 1
    table = norm(weights["distances.weight"], "distances_norm")
    x = norm(weights["embedding.weight"][tokens])
    outputs = [x]
    for layer in (f"layers.{i}" for i in range(settings.layers)):
        attention = f"{layer}.attention"
        if "elc" in settings.residual and len(outputs) > 1:
            x = summed(f"{layer}.depth", outputs)
        inner = norm(x)
        q, k = (split(part) for part in linear(inner, f"{attention}.query_key").split(hidden, dim=-1))
        pair_q, pair_k = (split(part) for part in linear(table[bucket], f"{attention}.query_key").split(hidden, dim=-1))
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k)
        scores = scores + torch.einsum("bqhd,qkhd->bhqk", q, pair_k) + torch.einsum("bkhd,qkhd->bhqk", k, pair_q)
        scores = (scores / math.sqrt(3 * width)).masked_fill(~mask, -torch.inf)
        values, *gates = linear(inner, f"{attention}.value").split(hidden, dim=-1)
        mixed = torch.einsum("bhqk,bkhd->bqhd", scores.softmax(-1), split(values)).flatten(2)
        mixed = mixed * F.gelu(gates[0]) if settings.gate else mixed
        if settings.inner_norm:
            attended = linear(norm(mixed), f"{attention}.out")
        else:
            attended = norm(linear(mixed, f"{attention}.out"), f"{attention}.out_norm")
        outputs.append(x + attended)
        if settings.residual == "dense":
            x = summed(f"{layer}.depth.0", outputs)
        else:
            x = attended if settings.residual == "elc" else x + attended
        value, gate = linear(norm(x), f"{layer}.feed_forward.into").chunk(2, dim=-1)
        branch = linear(norm(value * F.gelu(gate, approximate="tanh")), f"{layer}.feed_forward.out")
        if settings.residual == "dense":
            outputs.append(x + branch)
            x = summed(f"{layer}.depth.1", outputs)
        else:
            x = (x if settings.residual == "sum" else attended) + branch
            outputs[-1] = x
    return F.linear(norm(F.gelu(linear(norm(x), "head.1"))), weights["embedding.weight"], weights["decoder_bias"])


SHAPES = [(32, 2, 2, 48), (36, 3, 4, 40)]
KINDS = {
    "ltg_bert": {},
    "elc_bert": {"residual": "elc"},
    "elc_bert_zero": {"residual": "elc_zero"},
    "gpt_bert": GPT_BERT,
    "gpt_bert without gates": {"inner_norm": True, "epsilon": 1e-5},
}


@pytest.mark.parametrize(
    ("shape", "kind", "padding"),
    [(SHAPES[1], kind, 5) for kind in KINDS] + [(shape, "ltg_bert", 0) for shape in SHAPES],
)
def test_logits_and_gradients_equal_the_plain_reading(shape, kind, padding):
    sizes = dict(zip(("hidden", "layers", "heads", "intermediate"), shape, strict=True))
    settings = LtgBert(**sizes, **KINDS[kind], max_length=17, dropout=0.0)
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


PUBLIC = {
    "gpt_bert": [1.05741, 0.27261, 0.13473, 1.08348, 0.27259, 1.05741, 1.66105, 0.13436, -1.3926, -1.08513],
    "gpt_bert without gates": [
        0.94114,
        0.47924,
        0.07565,
        0.33681,
        0.15329,
        0.94114,
        1.38879,
        -0.028,
        -1.2865,
        -0.81419,
    ],
    "elc_bert": [0.12973, 0.11227, 0.10764, 0.12353, 0.16508, 0.12973, 0.60939, -0.01425, -0.49302, -0.01589],
    "elc_bert_zero": [0.40998, 0.01617, 0.12797, 0.06878, 0.6343, 0.40998, 1.26312, 0.37454, -0.74887, -0.66651],
}
"""Of the first row: the logits of token 0 at each position, and those of all tokens at the first."""


@pytest.mark.parametrize("kind", PUBLIC)
@torch.no_grad()
def test_logits_are_those_of_the_public_code(kind):
    """What github.com/ltgoslo/elc-bert and gpt-bert compute in float32, with weights that any machine can make."""
    settings = LtgBert(hidden=8, layers=2, heads=2, intermediate=12, max_length=40, max_distance=40, dropout=0.0)
    settings = replace(settings, **KINDS[kind])
    model = settings.build(5, torch.Generator())
    for place, (_, parameter) in enumerate(sorted(model.named_parameters())):
        parameter.copy_((0.4 * (1.7 * torch.arange(parameter.numel()).double() + place).sin()).view_as(parameter))
    tokens = torch.arange(40).remainder(5)[None].roll(1)
    seen = (torch.arange(40) < 33)[None, None, None]
    mine = model.logits(model(tokens, seen))[0]
    assert_close(torch.cat([mine[::8, 0], mine[0]]), torch.tensor(PUBLIC[kind]), atol=1e-4, rtol=0)


def test_depth_begins_with_the_last_output():
    for kind, begins in {"elc_bert": "last", "elc_bert_zero": "even", "gpt_bert": "last"}.items():
        settings = LtgBert(hidden=32, layers=3, heads=2, intermediate=48, **KINDS[kind])
        model = settings.build(VOCABULARY, torch.Generator().manual_seed(0))
        weights = [weight for name, weight in model.named_parameters() if ".depth." in name]
        assert [len(weight) for weight in weights] == ([2, 3, 4, 5, 6, 7] if kind == "gpt_bert" else [2, 3])
        assert all(weight.tolist() == [0.0] * (len(weight) - 1) + [float(begins == "last")] for weight in weights)


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
    attention = (4 + settings.gate) * hidden * (hidden + 1) + 2 * hidden * (not settings.inner_norm)
    embeddings = (vocabulary + 63) * hidden + 2 * hidden
    expected = embeddings + 12 * (attention + 3 * hidden * inner) + hidden * (hidden + 1) + vocabulary
    expected += sum(range(2, 26)) if settings.residual == "dense" else 0
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
