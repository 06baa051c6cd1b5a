"""`deberta` is DebertaV2: the same weights give the same numbers in `transformers`, both ways."""

import pytest
import torch
from torch.testing import assert_close
from transformers import DebertaV2Config, DebertaV2ForMaskedLM

from maskwright.hub.export.deberta_v2 import config, from_names, settings_of, to_names, to_transformers
from maskwright.models.deberta import PRESETS, Deberta, DebertaModel

VOCABULARY = 101
SHAPES = [(32, 2, 2, 48), (36, 3, 4, 40), (64, 1, 1, 96)]
FEW = {"max_length": 24, "buckets": 8, "max_distance": 24}
"""So few buckets that distances share them."""


def scattered(settings, seed=0):
    """A model without zeros: every parameter is drawn."""
    generator = torch.Generator().manual_seed(seed)
    model = settings.build(VOCABULARY, generator)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=generator)
    return model


def pair(hidden, layers, heads, intermediate, **more):
    settings = Deberta(hidden=hidden, layers=layers, heads=heads, intermediate=intermediate, dropout=0.0, **more)
    model = scattered(settings)
    return model, to_transformers(model, settings).eval()


def logits(model, tokens, mask):
    return model.logits(model(tokens, mask, None).flatten(0, 1)).unflatten(0, tokens.shape)


@pytest.mark.parametrize("buckets", [FEW, {}], ids=["shared buckets", "exact distances"])
@pytest.mark.parametrize("padding", [0, 7])
@pytest.mark.parametrize("shape", SHAPES)
def test_logits_and_gradients_equal_deberta_v2(shape, padding, buckets):
    ours, theirs = pair(*shape, **buckets)
    tokens = torch.randint(VOCABULARY, (3, 23), generator=torch.Generator().manual_seed(1))
    real = torch.ones(3, 23, dtype=torch.bool)
    real[1, 23 - padding :] = False
    mask = (real[:, None, None] & real[:, None, :, None]) | torch.eye(23, dtype=torch.bool)
    mine = logits(ours, tokens, mask if padding else None)[real]
    reference = theirs(input_ids=tokens, attention_mask=real.long()).logits[real]
    assert_close(mine, reference, atol=1e-4, rtol=1e-4)

    weights = torch.randn(mine.shape, generator=torch.Generator().manual_seed(2)) / mine.numel()
    (mine * weights).sum().backward()
    (reference * weights).sum().backward()
    for name, gradient in to_names({n: p.grad for n, p in ours.named_parameters()}).items():
        assert_close(gradient, theirs.get_parameter(name).grad, atol=1e-4, rtol=1e-4, msg=name)


def test_packed_documents_equal_transformers_under_a_mask_of_pairs():
    ours, theirs = pair(*SHAPES[1], **FEW)
    tokens = torch.randint(VOCABULARY, (2, 20), generator=torch.Generator().manual_seed(1))
    document = torch.tensor([0] * 8 + [1] * 12)
    mask = (document[:, None] == document)[None, None]
    reference = theirs.deberta.encoder(theirs.deberta.embeddings(tokens), mask[0, 0].expand(2, 20, 20))
    assert_close(ours(tokens, mask, None), reference.last_hidden_state, atol=1e-4, rtol=1e-4)


def test_weights_come_back_from_deberta_v2():
    ours, theirs = pair(*SHAPES[0])
    returned = from_names(theirs.state_dict(), ours)
    assert_close(returned, dict(ours.state_dict()), rtol=0, atol=0)


def test_a_model_made_by_transformers_gives_its_logits_here():
    switches = {"relative_attention": True, "position_buckets": 8, "norm_rel_ebd": "layer_norm", "share_att_key": True}
    switches |= {"pos_att_type": ["p2c", "c2p"], "position_biased_input": False, "pad_token_id": 3}
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        theirs = DebertaV2ForMaskedLM(DebertaV2Config(vocab_size=VOCABULARY, **sizes, **switches)).eval()
    settings = settings_of(theirs.config)
    assert settings.max_distance == settings.max_length == 512
    ours = settings.build(VOCABULARY, torch.Generator()).eval()
    ours.load_state_dict(from_names(theirs.state_dict(), ours))
    tokens = torch.randint(4, VOCABULARY, (2, 40), generator=torch.Generator().manual_seed(1))
    assert_close(logits(ours, tokens, None), theirs(input_ids=tokens).logits, atol=1e-5, rtol=1e-4)


def test_settings_come_back_from_transformers():
    settings = Deberta(**PRESETS["amlm"], buckets=64, dropout=0.2)
    assert settings_of(config(settings, VOCABULARY)) == settings


@pytest.mark.parametrize(
    "other", [{"share_att_key": False}, {"pos_att_type": ["c2p"]}, {"norm_rel_ebd": "none"}, {"type_vocab_size": 2}]
)
def test_a_variant_without_counterpart_is_refused(other):
    foreign = config(Deberta(), VOCABULARY)
    foreign.update(other)
    setting = next(iter(other))
    with pytest.raises(ValueError, match=f"{setting}=.* has no counterpart in deberta"):
        settings_of(foreign)


@pytest.mark.parametrize("preset", PRESETS)
def test_size_of_each_preset_of_deberta(preset):
    settings = Deberta(**PRESETS[preset])
    hidden, inner, vocabulary = settings.hidden, settings.intermediate, 16_384
    attention = 4 * hidden * (hidden + 1) + 2 * hidden
    layer = attention + 2 * hidden * inner + inner + hidden + 2 * hidden
    tables = (vocabulary + 512) * hidden + 2 * 2 * hidden
    expected = tables + settings.layers * layer + hidden * (hidden + 3) + vocabulary
    with torch.device("meta"):
        model = DebertaModel(settings, vocabulary)
    assert sum(parameter.numel() for parameter in model.parameters()) == expected


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"hidden": 32, "heads": 5}, "heads=5 must divide hidden=32"),
        (
            {"buckets": 64, "max_distance": 32, "max_length": 32},
            "buckets=64 must be 4 to 61, as max_distance=32",
        ),
        ({"max_length": 1024}, "max_distance=512 must be at least max_length=1024"),
    ],
)
def test_sizes_that_do_not_go_together_are_refused(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        Deberta(**wrong)


def test_dropout_of_deberta_changes_training_alone():
    settings = Deberta(hidden=32, heads=2, layers=1, intermediate=48, dropout=0.5)
    model = settings.build(VOCABULARY, torch.Generator().manual_seed(0))
    tokens = torch.arange(12)[None]
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        assert not torch.equal(model(tokens), model(tokens))
        model.eval()
        assert torch.equal(model(tokens), model(tokens))
