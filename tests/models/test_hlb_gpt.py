"""hlb-gpt against plain loops, its falloff, and its sizes."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from maskwright.models.hlb_gpt import HlbGpt, HlbGptModel
from maskwright.settings import from_mapping
from maskwright.settings.registry import load

SMALL = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 16}


@pytest.fixture
def shaken() -> nn.Module:
    generator = torch.Generator().manual_seed(0)
    model = HlbGpt(**SMALL).build(60, generator)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3, generator=generator)
    return model.eval()


def plainly(model: nn.Module, tokens: list[int], causal: bool) -> torch.Tensor:
    """The same, position by position, of a row."""
    stream = [model.embedding.weight[token] for token in tokens]
    for block in model.layers:
        normed = [block.norm(vector) for vector in stream]
        queries, keys = ([F.linear(x, half) for x in normed] for half in block.query_key.weight.chunk(2))
        gate, straight = block.inner.into.weight.chunk(2)
        inner = [F.gelu(F.linear(x, gate)) * F.linear(x, straight) for x in normed]
        slopes = F.softplus(block.falloff)
        after = []
        for q in range(len(tokens)):
            keys_seen = range(q + 1 if causal else len(tokens))
            mixed = []
            for head in range(2):
                mine, values = slice(2 * head, 2 * head + 2), slice(16 + 16 * head, 32 + 16 * head)
                scores = torch.stack([
                    queries[q][mine] @ keys[k][mine] / 2**0.5 - slopes[head + 2 * (k > q)] * abs(k - q)
                    for k in keys_seen
                ])  # fmt: skip
                weights = scores.softmax(0)
                mixed.append(sum(weight * inner[k][values] for weight, k in zip(weights, keys_seen, strict=True)))
            after.append(stream[q] + block.inner.out(torch.cat([inner[q][:16], *mixed])))
        stream = after
    return torch.stack([model.final_norm(vector) for vector in stream])


@torch.no_grad()
@pytest.mark.parametrize("causal", [False, True])
def test_hlb_gpt_is_its_plain_loops(shaken: nn.Module, causal: bool) -> None:
    tokens = torch.randint(60, (1, 9), generator=torch.Generator().manual_seed(1))
    mask = torch.ones(9, 9, dtype=torch.bool).tril()[None, None] if causal else None
    assert_close(shaken(tokens, mask)[0], plainly(shaken, tokens[0].tolist(), causal), atol=1e-5, rtol=1e-4)
    vector = torch.randn(1, 32, generator=torch.Generator().manual_seed(2))
    assert_close(shaken.logits(vector), vector @ shaken.decoder.weight.T)


@torch.no_grad()
def test_what_is_far_weighs_less_the_steeper_the_falloff(shaken: nn.Module) -> None:
    tokens = torch.arange(12)[None]
    other = tokens.clone()
    other[0, 0] = 50
    shaken.layers = shaken.layers[:1]
    moved = []
    for steepness in (-9.0, 0.0, 3.0):
        shaken.layers[0].falloff.fill_(steepness)
        moved.append(float((shaken(tokens) - shaken(other))[0, -1].norm()))
    assert moved[0] > 5 * moved[1] > 25 * moved[2]


def test_hlb_gpt_begins_with_the_published_scales() -> None:
    model = HlbGpt(**SMALL | {"hidden": 128, "intermediate": 256}).build(600, torch.Generator().manual_seed(0))
    block, unit = model.layers[1], 128**-0.5
    matrices = model.embedding, block.query_key, block.inner.into, block.inner.out, model.decoder
    scales = [float(matrix.weight.detach().std()) / unit for matrix in matrices]
    assert scales == pytest.approx([0.25, 0.25, 0.25, 0.25, 0.5], rel=0.05)
    assert block.falloff.tolist() == [1.0] * 4


def test_base_has_the_sizes_of_hlb_gpt() -> None:
    kind, preset = load("models", "hlb-gpt-base")
    with torch.device("meta"):
        model = HlbGptModel(kind(**preset), 50304)
    block = 384 + 2 * 48 * 384 + 2 * 768 * 384 + 768 * 384 + 2
    wanted = 2 * 50304 * 384 + 8 * block + 384
    assert sum(parameter.numel() for parameter in model.parameters()) == wanted


@pytest.mark.parametrize(
    ("sizes", "complaint"),
    [({"heads": 8}, "hidden=32 must be a multiple of 8 × heads=8"), ({"intermediate": 32}, "more than hidden=32")],
)
def test_widths_that_do_not_fit_are_named(sizes: dict, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        from_mapping(HlbGpt, SMALL | sizes, "model")
