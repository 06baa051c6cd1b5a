"""MiniGPT against the post-norm encoder layer of torch, and by its sizes."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from maskwright.models.minigpt import Minigpt, MinigptModel
from maskwright.settings.registry import load

SMALL = {"hidden": 32, "layers": 2, "heads": 4, "intermediate": 24, "max_length": 16}


@pytest.fixture
def model():
    generator = torch.Generator().manual_seed(0)
    model = Minigpt(**SMALL, dropout=0.0).build(60, generator)
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.2, generator=generator)
    return model


def layer_of(block):
    """torch's layer with the weights of a block."""
    layer = nn.TransformerEncoderLayer(32, 4, 24, dropout=0.0, layer_norm_eps=1e-6, batch_first=True)
    ours = block.query_key_value, block.out, block.into, block.back, block.attention_norm, block.feed_forward_norm
    attention = layer.self_attn
    theirs = attention.out_proj, layer.linear1, layer.linear2, layer.norm1, layer.norm2
    with torch.no_grad():
        attention.in_proj_weight.copy_(ours[0].weight)
        attention.in_proj_bias.copy_(ours[0].bias)
    for mine, other in zip(ours[1:], theirs, strict=True):
        other.load_state_dict(mine.state_dict())
    return layer


@pytest.mark.parametrize("causal", [False, True])
def test_it_is_the_post_norm_transformer(model, causal):
    tokens = torch.randint(60, (3, 12), generator=torch.Generator().manual_seed(1))
    seen = torch.ones(12, 12, dtype=torch.bool).tril() if causal else None
    hidden = model.embedding.weight[tokens] + model.positions.table.weight[:12]
    for block in model.layers:
        hidden = layer_of(block)(hidden, src_mask=None if seen is None else ~seen)
    assert_close(model(tokens, None if seen is None else seen[None, None], None), hidden, atol=1e-5, rtol=1e-4)
    assert_close(model.logits(hidden[0]), hidden[0] @ model.decoder.weight.T + model.decoder.bias)


def test_base_has_the_sizes_of_aether():
    kind, preset = load("models", "minigpt-base")
    settings = kind(**preset)
    with torch.device("meta"):
        model = MinigptModel(settings, 50257)
    block = 4 * (768 * 768 + 768) + 2 * (768 * 768 + 768) + 4 * 768
    wanted = 2 * 50257 * 768 + 50257 + 1024 * 768 + 12 * block
    assert sum(parameter.numel() for parameter in model.parameters()) == wanted
    assert settings.dropout == 0.1


def test_every_matrix_begins_uniform_by_its_own_fans():
    model = Minigpt(**SMALL | {"hidden": 64, "intermediate": 192}).build(60, torch.Generator().manual_seed(0))
    block = model.layers[0]
    thirds = block.query_key_value.weight.chunk(3)
    for matrix in (*thirds, block.out.weight, block.into.weight, model.embedding.weight, model.decoder.weight):
        bound = (6 / sum(matrix.shape)) ** 0.5
        assert 0.98 * bound < matrix.abs().max() <= bound
        assert float(matrix.detach().std()) == pytest.approx(bound / 3**0.5, rel=0.03)
    assert not any(module.bias.any() for module in model.modules() if isinstance(module, nn.Linear))
