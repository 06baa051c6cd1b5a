"""N-hot embeddings against a loop over tokens and their parts."""

import pytest
import torch
from torch import nn
from torch._dynamo.testing import CompileCounter
from torch.autograd import gradcheck
from torch.testing import assert_close

from maskwright.layers.nhot import FUSIONS, NHot, embed
from maskwright.settings import from_mapping

VOCABULARY, HIDDEN = 11, 6
PARTS = [[], [4, 2], [7], [], [0, 1, 9, 3], [4], [], [2, 8], [], [10, 4, 5], [1]]
COUNTS = torch.tensor([0, 5, 100, 3, 1, 1000, 7, 7, 2, 50, 1])
TOKENS = torch.tensor([[4, 1, 1, 0, 9], [2, 9, 4, 6, 10]])


def filled(fusion, shaken=True, **options):
    generator = torch.Generator().manual_seed(0)
    parts, embedding = NHot(fusion=fusion, **options).build(VOCABULARY, HIDDEN), nn.Embedding(VOCABULARY, HIDDEN)
    parts.initialise(generator)
    offsets = torch.tensor([0, *map(len, PARTS)]).cumsum(0)
    parts.fill(offsets, torch.tensor([part for row in PARTS for part in row]), COUNTS)
    for parameter in [embedding.weight, *(parts.parameters() if shaken else ())]:
        nn.init.normal_(parameter, generator=generator)
    return parts, embedding


def plain(parts, embedding, token):
    """One token's vector, [D]."""
    own, table, fusion = embedding.weight[token], parts.table.weight, parts.fusion
    pieces = table[PARTS[token]]  # [P, W]
    if parts.projection is not None:
        pieces = pieces @ parts.projection.weight.T
    match parts.settings.fusion:
        case "add":
            return own + pieces.sum(0)
        case "gate":
            gate = fusion.gate.weight @ torch.cat([own, pieces.sum(0)]) + fusion.gate.bias
            return own + gate.sigmoid() * pieces.sum(0)
        case "attention":
            scores = pieces @ (fusion.query.weight @ own + fusion.query.bias) / HIDDEN**0.5
            return own + scores.softmax(0) @ pieces
        case "frequency":
            logarithms = (COUNTS + 1.0).log()
            frequency = (logarithms[token] - logarithms.mean()) / logarithms.std(correction=0)
            return own + (fusion.slope * frequency + fusion.bias).sigmoid() * pieces.sum(0)


@pytest.mark.parametrize("width", [None, 4, 9])
@pytest.mark.parametrize("fusion", FUSIONS)
def test_vectors_and_gradients_equal_a_loop_over_tokens(fusion, width):
    parts, embedding = filled(fusion, width=width)
    assert parts.table.weight.shape == (VOCABULARY, width or HIDDEN)
    mine = embed(TOKENS, embedding, parts)
    expected = torch.stack([plain(parts, embedding, token) for token in TOKENS.flatten().tolist()]).view_as(mine)
    assert_close(mine, expected)
    weights = torch.randn(mine.shape, generator=torch.Generator().manual_seed(1))
    leaves = [embedding.weight, *parts.parameters()]
    found, reference = (torch.autograd.grad((result * weights).sum(), leaves) for result in (mine, expected))
    assert_close(found, reference)
    assert all(gradient.any() for gradient in found)


@pytest.mark.parametrize("fusion", FUSIONS)
def test_gradients_are_those_of_small_differences(fusion):
    parts, embedding = filled(fusion)
    parts, embedding = parts.double(), embedding.double()
    assert gradcheck(lambda *_: embed(TOKENS, embedding, parts), (embedding.weight, *parts.parameters()))


@pytest.mark.parametrize("width", [None, 4])
@pytest.mark.parametrize("fusion", FUSIONS)
def test_at_first_parts_change_nothing_and_then_the_table_learns(fusion, width):
    parts, embedding = filled(fusion, shaken=False, width=width)
    vectors = embed(TOKENS, embedding, parts)
    assert_close(vectors, embedding(TOKENS), rtol=0, atol=0)
    vectors.square().sum().backward()
    met = sorted({part for token in TOKENS.flatten().tolist() for part in PARTS[token]})
    assert torch.nonzero(parts.table.weight.grad.any(1)).flatten().tolist() == met


@pytest.mark.parametrize("fusion", FUSIONS)
def test_a_token_without_parts_is_its_embedding(fusion):
    parts, embedding = filled(fusion)
    bare = torch.tensor([[0, 3, 6, 8]])
    assert_close(embed(bare, embedding, parts), embedding(bare), rtol=0, atol=0)


def test_rare_tokens_lean_on_their_parts_at_first():
    parts, embedding = filled("frequency", shaken=False)
    nn.init.ones_(parts.table.weight)
    share = (embed(TOKENS, embedding, parts) - embedding(TOKENS)).detach()[..., 0]
    sums = torch.tensor([[len(PARTS[token]) for token in row] for row in TOKENS.tolist()])
    rare, frequent = share[0, 0] / sums[0, 0], share[1, 0] / sums[1, 0]  # seen once, seen a hundred times
    assert 0.5 < rare < 1
    assert 0 < frequent < 0.5


def test_only_rare_tokens_have_parts_where_a_count_is_given():
    parts, embedding = filled("gate", max_count=7)
    found, whole = embed(TOKENS, embedding, parts), embed(TOKENS, embedding, filled("gate")[0])
    rare = (COUNTS <= 7)[TOKENS]
    assert_close(found[rare], whole[rare])
    assert_close(found[~rare], embedding(TOKENS)[~rare], rtol=0, atol=0)
    assert not torch.equal(whole[~rare], found[~rare])
    assert len(parts.parts) == sum(len(row) for row, count in zip(PARTS, COUNTS, strict=True) if count <= 7)


def test_a_state_says_how_many_parts_there_are():
    parts, embedding = filled("gate", width=4)
    fresh = NHot(fusion="gate", width=4).build(VOCABULARY, HIDDEN)
    fresh.load_state_dict(parts.state_dict())
    assert_close(embed(TOKENS, embedding, fresh), embed(TOKENS, embedding, parts), rtol=0, atol=0)
    assert fresh.parts.dtype == torch.int32


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # torch looks at what goes on from uncompiled code
def test_other_numbers_of_distinct_tokens_compile_nothing_anew():
    counter = CompileCounter()
    parts, embedding = filled("attention")

    def whole(tokens):
        return embed(tokens, embedding, parts).square().sum()

    compiled = torch.compile(whole, dynamic=False, backend=counter)
    for tokens in (TOKENS, TOKENS.clamp(max=2), TOKENS * 0 + 5):
        assert_close(compiled(tokens), whole(tokens))
    assert counter.frame_count == 1
    torch._dynamo.reset()


def test_settings_that_leave_no_part_are_refused():
    with pytest.raises(ValueError, match=r"nhot\.min_length=5 must be at most nhot\.max_length=3"):
        from_mapping(NHot, {"min_length": 5, "max_length": 3}, "model.nhot")
    with pytest.raises(ValueError, match=r"model\.nhot\.max_substrings=0"):
        from_mapping(NHot, {"max_substrings": 0}, "model.nhot")
