"""Prefix language modelling against plain loops; and by gradients, that a target is not seen and a prefix is."""

import pytest
import torch

from maskwright.attention import FORWARD, mask, positions
from maskwright.masking.select import IGNORE
from maskwright.objectives.causal import Causal
from maskwright.objectives.hybrid import Hybrid
from maskwright.objectives.meap import Meap
from maskwright.objectives.mlm import Mlm
from maskwright.objectives.prefix import Prefix
from maskwright.settings.registry import files
from maskwright.settings.registry import load as kind_of

from ..handmade import VOCABULARY, plain, rows

SIZES = {"hidden": 16, "layers": 2, "heads": 2, "max_length": 64}


def spans(document):
    """The rows and the places of the documents in them."""
    for b, row in enumerate(document.tolist()):
        for number in sorted(set(row) - {-1}):
            yield b, [i for i, other in enumerate(row) if other == number]


@pytest.mark.parametrize("share", [None, 0.0, 0.3, 1.0])
def test_a_prefix_begins_each_document_and_the_rest_is_asked_as_causal_does(share):
    some = rows(count=40)
    problem, causal = Prefix(share=share)(some, 3), Causal()(some, 3)
    assert torch.equal(problem.inputs, some.tokens)
    assert (problem.view == FORWARD).all()
    expected, sizes = torch.full_like(causal.targets, IGNORE), []
    for b, places in spans(some.document):
        size = int(problem.prefix_mask[b, places].sum())
        assert problem.prefix_mask[b, places].tolist() == [i < size for i in range(len(places))]
        assert 1 <= size <= max(len(places) - 1, 1)
        for i in places[size - 1 :]:  # the last of the prefix names the first of the rest
            expected[b, i] = causal.targets[b, i]
        sizes.append((size, len(places)))
    assert torch.equal(problem.targets, expected)
    assert torch.equal(problem.weights, (expected != IGNORE).float())
    assert not problem.prefix_mask[some.document < 0].any()
    if share is not None:
        assert all(size == 1 + min(int(share * (n - 1)), max(n - 2, 0)) for size, n in sizes)


def test_without_a_prefix_it_is_causal():
    some = rows(count=40)
    problem, causal = Prefix(share=0.0)(some, 0), Causal()(some, 0)
    assert torch.equal(problem.targets, causal.targets)
    firsts = (positions(some.document) == 0) & (some.document >= 0)
    assert torch.equal(problem.prefix_mask, firsts)  # which all see anyhow
    assert torch.equal(mask(some.document, problem.view, problem.prefix_mask), mask(some.document, causal.view))


def test_every_place_is_as_likely_to_be_the_end():
    sizes = Prefix()(plain(20_000, 12), 0).prefix_mask.sum(1)
    counts = torch.bincount(sizes, minlength=13)
    assert counts[[0, 12]].tolist() == [0, 0]
    expected = 20_000 / 11
    assert ((counts[1:12] - expected) ** 2 / expected).sum() < 10 + 4 * 20**0.5


def test_documents_of_a_row_have_prefixes_of_their_own():
    some = rows(count=40)
    shares = {}
    for b, places in spans(some.document):
        if len(places) > 8:
            shares.setdefault(b, []).append(int(Prefix()(some, 0).prefix_mask[b, places].sum()) / len(places))
    several = [found for found in shares.values() if len(found) > 1]
    assert several
    assert all(len({round(one, 1) for one in found}) > 1 for found in several if len(found) > 2)


@pytest.mark.parametrize("name", files("models"))
def test_gradients_reach_the_prefix_from_both_sides_and_never_a_target(name):
    kind, preset = kind_of("models", name)
    model = kind(**preset | {key: value for key, value in SIZES.items() if key in kind.__dataclass_fields__}).build(
        VOCABULARY.size, torch.Generator().manual_seed(0)
    )
    draw = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(torch.randn(weight.shape, generator=draw) / weight.shape[-1] ** 0.5)
    some = rows(count=4, length=24)
    problem = Prefix(share=0.5)(some, 0)
    vectors = []
    model.embedding.register_forward_hook(lambda *given: vectors.append(given[2].requires_grad_()) or vectors[-1])
    hidden = model.eval()(
        problem.inputs, mask(some.document, problem.view, problem.prefix_mask), positions(some.document)
    )
    for b, places in spans(some.document):
        size = int(problem.prefix_mask[b, places].sum())
        for at, i in enumerate(places):
            told = torch.autograd.grad(hidden[b, i].sum(), vectors[0], retain_graph=True)[0].abs().sum(-1) > 0
            seen = places[: max(size, at + 1)]
            assert told[b].nonzero()[:, 0].tolist() == seen, "a position sees the prefix and what came before it"
            assert told.any(1).nonzero()[:, 0].tolist() == [b]
            if problem.targets[b, i] != IGNORE:
                assert i + 1 not in seen


def test_it_goes_into_others_and_others_into_it():
    some = rows(count=40)
    unified = Hybrid(masked=Mlm(), causal=Prefix(share=0.5), share=0.5)(some, 0)
    forward = unified.view == FORWARD
    assert unified.prefix_mask[forward].any(1).all()
    assert not unified.prefix_mask[~forward].any()
    hidden = Prefix(share=0.5, prediction=Meap())(some, 0)
    assert torch.equal(hidden.targets, Prefix(share=0.5)(some, 0).targets)
    assert (hidden.inputs == VOCABULARY.mask).any()


@pytest.mark.parametrize("name", ["mlm", "mirror", "hybrid", {"name": "causal", "direction": "backward"}])
def test_what_does_not_read_forward_is_refused(name):
    word = name if isinstance(name, str) else name["name"]
    with pytest.raises(
        ValueError, match=rf"prediction={word}: what follows a prefix is predicted forward, as causal does"
    ):
        Prefix(prediction=name)
