"""Packing loses nothing: every token stands in exactly one row, in order, between its [CLS] and [SEP]."""

from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.data.pack import AHEAD, Variant, pack

from ..handmade import VOCABULARY, split

V = VOCABULARY
SIZES = st.lists(st.integers(0, 60), min_size=1, max_size=40).filter(any)
LENGTH = st.integers(3, 40)


def gathered(p, rows=None):
    """Rows as arrays: tokens, document and word, each [B, L], and the document of the split."""
    rows = np.arange(len(p)) if rows is None else np.asarray(rows)
    arrays = [np.full((len(rows), p.length), -7, kind) for kind in (np.int64, np.int32, np.int32)]
    p.gather(rows, *arrays)
    return *arrays, p.documents(rows, arrays[1])


def pieces(p):
    """Every piece as it stands in the rows: (document, ids)."""
    tokens, document, _, origin = gathered(p)
    for b in range(len(p)):
        for d in range(document[b].max() + 1):
            here = document[b] == d
            yield origin[b, here][0], tokens[b, here].tolist()


@given(SIZES, LENGTH, st.builds(Variant, st.integers(0, 3), st.integers(0, 3)))
def test_every_token_stands_in_exactly_one_row(sizes, length, variant):
    text = split(sizes)
    found = {d: [] for d in range(len(sizes))}
    for document, ids in pieces(pack(text, V, length, variant=variant)):
        assert ids[0] == V.cls
        found[document].append(ids[1:])
    for d, parts in found.items():
        whole = [int(token) for token in text.tokens[text.offsets[d] : text.offsets[d + 1]]]
        assert sorted(chain(*parts)) == sorted([*whole, V.sep] if whole else [])
        assert sum(part[-1] == V.sep for part in parts) == bool(whole)


def test_a_long_document_is_cut_into_full_rows_and_a_rest():
    text = split([25])
    p = pack(text, V, 10)
    assert p.pieces[np.argsort(p.pieces[:, 1])].tolist() == [[0, 0, 9, 0], [0, 9, 9, 0], [0, 18, 7, 1]]


@pytest.mark.parametrize(
    ("size", "expected"), [(8, [[0, 0, 8, 1]]), (9, [[0, 0, 8, 0], [0, 8, 1, 1]]), (1, [[0, 0, 1, 1]])]
)
def test_documents_at_the_edge_of_a_row(size, expected):
    assert pack(split([size]), V, 10).pieces.tolist() == expected


@given(SIZES, LENGTH)
def test_rows_are_documents_and_then_padding(sizes, length):
    tokens, document, word, _ = gathered(pack(split(sizes), V, length))
    used = (document >= 0).sum(1)
    for b in range(len(tokens)):
        assert (document[b, used[b] :] == -1).all()
        assert (tokens[b, used[b] :] == V.pad).all()
        assert (np.diff(document[b, : used[b]]) >= 0).all()
    assert np.array_equal(word > 0, ~V.is_special[tokens])


@given(SIZES, LENGTH)
def test_the_figures_are_true(sizes, length):
    p = pack(split(sizes), V, length)
    document = gathered(p)[1]
    assert p.padding == pytest.approx((document < 0).mean())
    assert p.cut == np.mean([len([1 for d, _ in pieces(p) if d == i]) > 1 for i in range(len(sizes)) if sizes[i]])


def test_words_follow_the_word_starts():
    text = split([30, 12])
    p = pack(text, V, 16)
    _, _, word, _ = gathered(p)
    for row in range(len(p)):
        place, words = 0, 0
        for _, start, size, closed in p.pieces[p.begins[row] : p.begins[row + 1]]:
            for i in range(start, start + size):
                words += i == start or text.word_starts[i] > 0
                assert word[row, place + 1 + i - start] == (0 if V.is_special[text.tokens[i]] else words)
            place += 1 + size + closed


def test_rows_are_full():
    assert pack(split(np.random.default_rng(1).integers(5, 60, 400)), V, 64).padding < 0.05


def test_a_pack_is_a_function_of_its_text():
    one, other = (pack(split([30, 7, 12]), V, 16) for _ in range(2))
    assert np.array_equal(one.pieces, other.pieces)
    assert np.array_equal(one.begins, other.begins)


def test_a_row_alone_is_what_it_is_in_a_batch():
    p = pack(split([30, 7, 12, 40] * 9), V, 16)
    assert len(p) > 2 * AHEAD
    together = gathered(p)
    for row in range(len(p)):
        for alone, all_of_them in zip(gathered(p, [row]), together, strict=True):
            assert np.array_equal(alone[0], all_of_them[row])


def test_other_packings_cut_elsewhere_and_put_others_together():
    """A document begins with every length of piece about equally often, and short ones get other neighbours."""
    sizes = [300] * 400 + [10, 11, 12] * 100
    variants = [pack(split(sizes), V, 32, variant=Variant(7, number)) for number in range(3)]
    begins = [{tuple(piece[:2]) for piece in one.pieces if piece[0] < 400 and piece[1] % 300} for one in variants]
    assert len(begins[1] & begins[2]) < 0.1 * len(begins[1])
    firsts = [one.pieces[np.lexsort((one.pieces[:, 1], one.pieces[:, 0]))] for one in variants]
    heads = [one[np.unique(one[:, 0], return_index=True)[1], 2][:400] for one in firsts]
    assert set(heads[0]) == {31}
    counts = np.bincount(np.r_[heads[1], heads[2]], minlength=32)[1:]
    assert ((counts - 800 / 31) ** 2 / (800 / 31)).sum() < 53.7, "chi-square of 30 degrees, 0.5 %"
    alone = [{tuple(one.pieces[begin:end, 0]) for begin, end in pairwise(one.begins)} for one in variants]
    assert alone[1] != alone[2]
    again = pack(split(sizes), V, 32, variant=Variant(7, 2))
    assert np.array_equal(again.pieces, variants[2].pieces)
    assert not np.array_equal(pack(split(sizes), V, 32, variant=Variant(8, 2)).pieces, again.pieces)


def test_rows_too_short_are_refused():
    with pytest.raises(ValueError, match=r"rows\.length=2: a row holds \[CLS\], at least one token and \[SEP\]"):
        pack(split([5]), V, 2)
