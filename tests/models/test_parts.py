"""N-hot embeddings in every model."""

import pytest
import torch
from torch.testing import assert_close

from maskwright.layers.nhot import FUSIONS
from maskwright.settings import registry

VOCABULARY = 60
SIZES = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 16, "dropout": 0.0}


def build(stem, fusion=None, filled=True):
    kind, _ = registry.load("models", stem)
    model = kind(**SIZES, nhot=fusion and {"fusion": fusion}).build(VOCABULARY, torch.Generator().manual_seed(0))
    if fusion and filled:
        odd = torch.arange(1, VOCABULARY, 2)  # each has two parts, the odd tokens after it
        offsets = torch.cat([torch.zeros(1, dtype=torch.int64), (torch.arange(VOCABULARY) % 2 * 2).cumsum(0)])
        parts = torch.stack([odd.roll(-1), odd.roll(-2)], dim=1).flatten()
        model.nhot.fill(offsets, parts, torch.arange(VOCABULARY))
    return model


@pytest.fixture
def tokens():
    return torch.randint(VOCABULARY, (3, 12), generator=torch.Generator().manual_seed(1))


def logits(model, tokens):
    return model.logits(model(tokens).flatten(0, 1))


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("stem", registry.files("models"))
def test_at_first_a_model_is_the_model_without(stem, fusion, tokens):
    with_parts, without = build(stem, fusion), build(stem)
    ours, theirs = with_parts.state_dict(), without.state_dict()
    assert_close({name: ours[name] for name in theirs}, dict(theirs), rtol=0, atol=0)
    assert all(tensor.isfinite().all() for tensor in ours.values())
    assert_close(logits(with_parts, tokens), logits(without, tokens), rtol=0, atol=0)


@pytest.mark.parametrize("fusion", FUSIONS)
@pytest.mark.parametrize("stem", registry.files("models"))
def test_every_parameter_learns_in_a_few_steps(stem, fusion, tokens):
    model = build(stem, fusion)
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(6):
        loss = torch.nn.functional.cross_entropy(logits(model, tokens), tokens.flatten())
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < losses[0]
    assert not [name for name, parameter in model.named_parameters() if torch.equal(parameter, before[name])]
    untouched = model.nhot.table.weight[0::2]  # even tokens are nobody's part
    assert not untouched.any()


@pytest.mark.parametrize("stem", registry.files("models"))
def test_a_part_changes_its_tokens_and_no_others(stem, tokens):
    model = build(stem, "add")
    tokens = tokens % 2 + 2  # 2 has no part, those of 3 are 5 and 7
    first = logits(model, tokens)
    with torch.no_grad():
        model.nhot.table.weight[5] += 1
        assert not torch.allclose(logits(model, tokens), first)
        model.nhot.table.weight[5] -= 1
        model.nhot.table.weight[9] += 1
    assert_close(logits(model, tokens), first)
