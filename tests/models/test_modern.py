"""`modern` is ModernBERT: the same weights give the same numbers in `transformers`."""

import pytest
import torch
from torch.testing import assert_close

from maskwright.hub.export.modern_bert import from_names, to_names, to_transformers
from maskwright.models.modern import PRESETS, Modern

VOCABULARY = 101
SHAPES = [(32, 2, 2, 48), (48, 1, 3, 40), (64, 3, 4, 96)]


def scattered(settings, seed=0):
    """A model without zeros: every parameter is drawn."""
    generator = torch.Generator().manual_seed(seed)
    model = settings.build(VOCABULARY, generator)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=generator)
    return model


def pair(hidden, layers, heads, intermediate):
    settings = Modern(hidden=hidden, layers=layers, heads=heads, intermediate=intermediate, max_length=24)
    model = scattered(settings)
    return model, to_transformers(model, settings).eval()


def logits(model, tokens, mask):
    return model.logits(model(tokens, mask, None).flatten(0, 1)).unflatten(0, tokens.shape)


@pytest.mark.parametrize("padding", [0, 7])
@pytest.mark.parametrize("shape", SHAPES)
def test_logits_and_gradients_equal_modern_bert(shape, padding):
    ours, theirs = pair(*shape)
    tokens = torch.randint(VOCABULARY, (3, 19), generator=torch.Generator().manual_seed(1))
    real = torch.ones(3, 19, dtype=torch.bool)
    real[1, 19 - padding :] = False
    mask = (real[:, None, None] & real[:, None, :, None]) | torch.eye(19, dtype=torch.bool)
    mine = logits(ours, tokens, mask if padding else None)[real]
    reference = theirs(input_ids=tokens, attention_mask=real.long()).logits[real]
    assert_close(mine, reference, atol=1e-4, rtol=1e-4)

    weights = torch.randn(mine.shape, generator=torch.Generator().manual_seed(2)) / mine.numel()
    (mine * weights).sum().backward()
    (reference * weights).sum().backward()
    for name, gradient in to_names({n: p.grad for n, p in ours.named_parameters()}).items():
        assert_close(gradient, theirs.get_parameter(name).grad, atol=1e-4, rtol=1e-4, msg=name)


def test_branches_begin_at_zero():
    settings = Modern(hidden=32, layers=2, heads=2, intermediate=48)
    model = settings.build(VOCABULARY, torch.Generator().manual_seed(0))
    tokens = torch.arange(6)[None]
    embedded = model.norm(model.embedding(tokens))
    assert_close(model(tokens, None, None), model.final_norm(embedded))


@pytest.mark.parametrize("preset", PRESETS)
def test_size_of_each_preset_of_modern(preset):
    settings = Modern(**PRESETS[preset])
    hidden, vocabulary = settings.hidden, 16_384
    layer = 4 * hidden * hidden + 3 * hidden * settings.intermediate
    norms = 2 * settings.layers - 1 + 3
    expected = vocabulary * (hidden + 1) + settings.layers * layer + hidden * hidden + norms * hidden
    model = settings.build(vocabulary, torch.Generator().manual_seed(0))
    assert sum(parameter.numel() for parameter in model.parameters()) == expected


def test_heads_that_do_not_divide_hidden_are_refused():
    with pytest.raises(ValueError, match="heads=5 must divide hidden=32"):
        Modern(hidden=32, heads=5)


def test_learned_positions_have_no_counterpart_in_transformers():
    settings = Modern(hidden=32, layers=1, heads=2, intermediate=48, positions="learned")
    with pytest.raises(ValueError, match="positions=learned"):
        to_transformers(settings.build(VOCABULARY, torch.Generator()), settings)


def test_weights_come_back_from_modern_bert():
    ours, theirs = pair(*SHAPES[0])
    returned = from_names(theirs.state_dict(), ours)
    assert_close(returned, dict(ours.state_dict()), rtol=0, atol=0)
