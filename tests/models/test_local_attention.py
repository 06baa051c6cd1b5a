"""Local attention of `modern`: that of ModernBERT, weight for weight, and a band of keys is the whole mask."""

import pytest
import torch
from torch.testing import assert_close
from transformers import ModernBertConfig, ModernBertForMaskedLM

from maskwright.attention import BACKWARD, BOTH, FORWARD, block_mask, mask, positions
from maskwright.hub.export.modern_bert import settings_of, to_transformers
from maskwright.layers.attend import attend
from maskwright.layers.local_attention import BLOCK, Window, attend_locally, local_blocks, window
from maskwright.models.modern import Modern

VOCABULARY = 101
ETTIN = {"hidden": 64, "layers": 5, "heads": 4, "intermediate": 96, "max_length": 2048, "theta": 160_000.0}


def scattered(settings: Modern) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(0)
    model = settings.build(VOCABULARY, generator)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2, generator=generator)
    return model.eval()


@torch.no_grad()
@pytest.mark.parametrize("length", [64, 512, 2048])
def test_logits_are_those_of_modern_bert_packed_and_not(length) -> None:
    """The layers and thetas of ModernBERT-base: three global, two windows of 64 on each side between them."""
    settings = Modern(**ETTIN, window=64, global_every=3)
    ours = scattered(settings)
    theirs = to_transformers(ours, settings).eval()
    tokens = torch.randint(VOCABULARY, (1, length), generator=torch.Generator().manual_seed(1))
    cut = length // 3
    reference = theirs(input_ids=tokens).logits[0]
    assert_close(ours.logits(ours(tokens)[0]), reference, atol=1e-4, rtol=1e-4)
    alone = torch.cat([theirs(input_ids=part).logits[0] for part in (tokens[:, :cut], tokens[:, cut:])])
    document = (torch.arange(length) >= cut).int()[None]
    seen = mask(document, torch.tensor([BOTH]))
    packed = ours.logits(ours(tokens, seen, positions(document))[0])
    assert_close(packed, alone, atol=1e-4, rtol=1e-4)
    asked = torch.tensor([[3, cut - 1, cut, length - 2]])
    some = ours.logits(ours(tokens, seen, positions(document), asked))
    assert_close(some, packed[asked[0]], atol=1e-4, rtol=1e-4)


def test_the_published_shape_is_the_settings_of_it() -> None:
    base = settings_of(ModernBertConfig())
    assert (base.window, base.global_every, base.theta, base.local_theta) == (64, 3, 160_000.0, 10_000.0)
    assert (base.layers, base.hidden, base.max_length) == (22, 768, 8192)


def test_gradients_are_those_of_modern_bert() -> None:
    settings = Modern(**ETTIN | {"layers": 2}, window=20, global_every=2)
    ours = scattered(settings)
    theirs: ModernBertForMaskedLM = to_transformers(ours, settings).eval()
    tokens = torch.randint(VOCABULARY, (2, 400), generator=torch.Generator().manual_seed(1))
    weights = torch.randn(2, 400, VOCABULARY, generator=torch.Generator().manual_seed(2)) / 80_000
    (ours.logits(ours(tokens).flatten(0, 1)).unflatten(0, (2, 400)) * weights).sum().backward()
    (theirs(input_ids=tokens).logits * weights).sum().backward()
    assert_close(ours.embedding.weight.grad, theirs.get_input_embeddings().weight.grad, atol=1e-4, rtol=1e-4)


def documents(length: int) -> torch.Tensor:
    cuts = torch.tensor([[0, 37, 200], [90, 91, length - 5]])
    return (torch.arange(length)[None, None] >= cuts[:, :, None]).sum(1)


@pytest.mark.parametrize("view", [BOTH, FORWARD, BACKWARD])
@pytest.mark.parametrize("length", [2 * BLOCK + 41, 640])
def test_a_band_of_keys_gives_what_the_whole_mask_does(view, length) -> None:
    generator = torch.Generator().manual_seed(0)
    document = documents(length)
    for seen in (mask(document, torch.tensor([view, view])), None):
        where = positions(document) if seen is not None else torch.arange(length)[None]
        near = window(17, where, seen)
        assert near.banded
        parts = [torch.randn(2, 3, length, 16, generator=generator, requires_grad=True) for _ in range(3)]
        mine = attend_locally(*parts, seen, 0.0, near)
        whole = near.near() if seen is None else seen & near.near()
        reference = attend(*parts, whole, 0.0)
        assert_close(mine, reference, atol=1e-5, rtol=1e-5)
        aim = torch.randn(mine.shape, generator=generator)
        for one, other in zip(
            torch.autograd.grad((mine * aim).sum(), parts),
            torch.autograd.grad((reference * aim).sum(), parts),
            strict=True,
        ):
            assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_only_rows_in_order_have_a_band() -> None:
    document = documents(640)
    packed, seen = positions(document), mask(document, torch.tensor([BOTH, BOTH]))
    assert window(17, packed, seen).banded
    assert window(17, packed.flip(1), seen.flip(2, 3)).banded
    assert not window(17, packed, torch.ones_like(seen)).banded  # documents that see each other
    tree = torch.cat([torch.arange(400), torch.arange(160, 400)])[None]  # two texts that begin alike
    assert not window(17, tree, None).banded
    assert not window(17, torch.arange(128)[None], None).banded  # as short as a band
    assert torch.equal(window(3, tree, None).near()[0, 0], (tree[0][:, None] - tree[0]).abs() <= 3)


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
def test_blocks_are_local_too() -> None:
    document = documents(300)
    view = torch.tensor([BOTH, FORWARD])
    index = torch.arange(300)
    found = local_blocks(block_mask(document, view), 9, index[None])
    near = (index[:, None] - index).abs() <= 9
    dense = torch.stack([
        torch.stack([found.mask_mod(torch.tensor(row), torch.tensor(0), query, index) for query in index])
        for row in range(2)
    ])  # fmt: skip
    assert torch.equal(dense, mask(document, view)[:, 0] & near)
    parts = [torch.randn(2, 1, 300, 16) for _ in range(3)]
    mine = attend_locally(*parts, found, 0.0, Window(9, index[None], False))
    assert_close(mine, attend(*parts, dense[:, None], 0.0), atol=1e-5, rtol=1e-5)
