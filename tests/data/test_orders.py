"""Orders are functions of the place: shares hold in every epoch, and the rows of a domain come alike often."""

import re
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.data.loader import Loader
from maskwright.data.order import Order
from maskwright.data.orders.easy_first import EasyFirst
from maskwright.data.orders.mixed import Mixed
from maskwright.data.pack import pack
from maskwright.settings import from_mapping
from maskwright.settings.registry import files, load
from maskwright.text.shards.shards import Split

from ..handmade import VOCABULARY, split

GROUPS = np.array([0, 40, 50, 150])
"""Three domains of 40, 10 and 100 rows."""
SIZES = np.random.default_rng(0).integers(1, 70, 300)
ORDERS = [
    Order(),
    Mixed(shares={"a": 1, "b": 1, "c": 2}),
    Mixed(shares={"a": "0:1,2:0", "b": "0:0.5,1:3", "c": 1}),
    Mixed(temperature=0.3),
    EasyFirst(),
    EasyFirst(epochs=2),
]
by_order = pytest.mark.parametrize("order", ORDERS, ids=str)


class Text:
    """Shards, as far as an order knows them: 300 documents of three domains, and a fourth with none."""

    domains = ("a", "b", "c", "empty")
    made = split(SIZES)
    train = Split(made.tokens, made.word_starts, made.offsets, SIZES, np.arange(300) % 3, SIZES, SIZES)
    vocabulary = VOCABULARY


def run(order, epochs, seed=0):
    """The rows' epochs and the rows of each epoch, [E, R] each."""
    return [part.reshape(epochs, -1) for part in order.rows_at(0, epochs * 150, GROUPS, seed)]


def of(rows):
    """How many of `rows` each domain has."""
    return np.histogram(rows, GROUPS)[0].tolist()


@by_order
@given(cuts=st.lists(st.integers(0, 900), max_size=5), seed=st.integers(0, 2**64 - 1))
def test_any_split_of_mixed_rows_gives_the_same_order(order, cuts, seed):
    bounds = sorted([0, 900, *cuts])
    parts = [order.rows_at(begin, end, GROUPS, seed) for begin, end in pairwise(bounds)]
    assert np.array_equal(np.concatenate(parts, axis=1), np.stack(order.rows_at(0, 900, GROUPS, seed)))


@by_order
def test_no_row_comes_two_times_more_than_another_of_its_domain_and_never_twice_under_one_name(order):
    seen, rows = run(order, 7)
    assert len({*zip(seen.flat, rows.flat, strict=True)}) == rows.size
    for epochs in range(1, 8):
        often = np.bincount(rows[:epochs].flatten(), minlength=150)
        assert all(np.ptp(often[begin:end]) <= 1 for begin, end in pairwise(GROUPS))


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Mixed(shares={"a": 1, "b": 1, "c": 2}), [[38, 37, 75]] * 3),
        (Mixed(shares={"a": "0:1,2:0", "b": "0:0,1:3", "c": 1}), [[75, 0, 75], [30, 90, 30], [0, 113, 37]]),
        (Mixed(temperature=1), [[40, 10, 100]] * 3),
        (Mixed(temperature=0), [[50, 50, 50]] * 3),
        (Mixed(temperature=0.5), [[49, 24, 77]] * 3),
    ],
    ids=str,
)
def test_shares_hold_in_every_epoch(order, expected):
    assert [of(rows) for rows in run(order, 3)[1]] == expected


def test_domains_are_spread_over_an_epoch():
    rows = run(Mixed(shares={"a": 1, "b": 1, "c": 1}), 200)[1]
    early = np.mean([of(rows[:30]) for rows in rows], axis=0)
    assert early == pytest.approx([10, 10, 10], abs=0.6)


def test_every_epoch_and_every_seed_has_an_order_of_its_own():
    order = Mixed(shares={"a": 1, "b": 1, "c": 1})
    orders = [*run(order, 3)[1], run(order, 1, seed=1)[1][0]]
    assert all(np.mean(one == other) < 0.2 for i, one in enumerate(orders) for other in orders[:i])


def test_what_is_easy_comes_first_for_as_many_epochs_as_wished():
    level = np.searchsorted(GROUPS, run(EasyFirst(epochs=2), 4)[1], side="right")
    assert [bool((np.diff(one) >= 0).all()) for one in level] == [True, True, False, False]
    rows = run(EasyFirst(), 3)[1]
    assert not np.array_equal(rows[0], rows[1])


@pytest.mark.parametrize("order", ORDERS[1:], ids=str)
def test_no_row_holds_two_groups(order):
    groups = order.groups(Text)
    packed = pack(Text.train, VOCABULARY, 32, groups)
    assert len(packed.groups) == groups.max() + 2
    for number, (begin, end) in enumerate(pairwise(packed.groups)):
        pieces = packed.pieces[packed.begins[begin] : packed.begins[end]]
        assert set(groups[pieces[:, 0]]) == {number}
    assert packed.words.sum() == Text.train.words.sum()


def test_domains_without_a_share_are_left_out():
    packed = pack(Text.train, VOCABULARY, 32, Mixed(shares={"c": 1, "a": 2}).groups(Text))
    assert set(packed.pieces[:, 0] % 3) == {0, 2}
    assert packed.words.sum() == Text.train.words[np.arange(300) % 3 != 1].sum()


def test_levels_go_from_common_to_rare_in_parts_of_as_many_tokens():
    train, groups = Text.train, EasyFirst(levels=4).groups(Text)
    counts = np.bincount(train.tokens, minlength=VOCABULARY.size)
    surprise = -np.log(np.maximum(counts, 1) / counts.sum())
    rarity = [surprise[train.tokens[begin:end]].mean() for begin, end in pairwise(train.offsets)]
    assert (np.diff(groups[np.argsort(rarity)]) >= 0).all()
    sizes = np.bincount(groups, weights=np.diff(train.offsets))
    assert sizes == pytest.approx(sizes.mean(), abs=70)


@by_order
def test_words_seen_are_counted_as_they_come(order):
    packed = pack(Text.train, VOCABULARY, 32, order.groups(Text))
    loader = Loader([(0, packed)], 128, 3, order)
    seen = np.cumsum([rows.words for rows in loader.batches(0, 400)])
    for words in (1, 500, int(seen[200]), int(seen[-2])):
        assert loader.step_at_words(words) == 1 + int(np.searchsorted(seen, words))
    with pytest.raises(ValueError, match=r"^1,000,000,000,000,000 words are more than 1,000,000 epochs of this text"):
        loader.step_at_words(10**15)


def test_a_stage_of_longer_rows_goes_on_with_the_shares_of_its_epoch():
    order = Mixed(shares={"a": "0:1,2:0", "b": 0.0, "c": "0:0,2:1"})
    packs = [pack(Text.train, VOCABULARY, length, order.groups(Text)) for length in (32, 64)]
    loader = Loader([(0, packs[0]), (2, packs[1])], 256, 0, order)
    change = loader.step_at_epoch(2)
    for step, domain in ((change - 2, 0), (change, 2)):
        rows = loader.batch(step, 100)
        documents = rows.source.documents(rows.ids.numpy() & 0xFFFFFFFF, rows.document.numpy())
        assert set(documents[documents >= 0] % 3) == {domain}


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({}, "give exactly one of shares and temperature"),
        ({"shares": {"a": 1}, "temperature": 0.5}, "give exactly one of shares and temperature"),
        ({"shares": {"a": -1}}, "order: shares.a=-1.0: give a number >= 0, or a schedule as in '0:1,2:0.5'"),
        ({"shares": {"a": "nan"}}, "order: shares.a='nan': give a number"),
        ({"shares": {"a": "1:1"}}, "order: shares.a='1:1': give a number"),
        ({"shares": {"a": "0:1,3:0"}}, "in every epoch some domain must have a share above 0"),
        ({"shares": {}}, "in every epoch some domain must have a share above 0"),
    ],
)
def test_bad_shares_are_refused_in_a_sentence(options, complaint):
    with pytest.raises(ValueError, match="order") as refused:
        from_mapping(Mixed, options, "order")
    assert complaint in str(refused.value)


@pytest.mark.parametrize(
    ("name", "complaint"),
    [("aa", "no domain 'aa'; did you mean 'a'?"), ("empty", "all documents of 'empty' are held out for validation")],
)
def test_a_domain_that_is_not_there_is_refused(name, complaint):
    with pytest.raises(ValueError, match=re.escape(complaint)):
        Mixed(shares={name: 1}).groups(Text)


@pytest.mark.parametrize(
    ("order", "who"),
    [(Mixed(shares={"a": 1000, "b": 1, "c": 0}), "b"), (Mixed(shares={"a": "0:1,5:0", "b": "0:0,5:9", "c": 9e9}), "a")],
)
def test_a_share_that_comes_to_no_row_is_refused(order, who):
    with pytest.raises(ValueError, match=f"order: {who} has too small a share: it gets none of the 150 rows"):
        order.describe(GROUPS)


def test_it_says_how_often_each_domain_comes_in_every_stage():
    order = Mixed(shares={"a": "0:1,2:0", "b": "0:0.5,1:3", "c": 1})
    assert order.describe(GROUPS) == (
        "times an epoch: a 1.50, b 3.00, c 0.60; from epoch 1 on a 0.75, b 9.00, c 0.30; "
        "from epoch 2 on a 0.00, b 11.30, c 0.37"
    )
    assert Mixed(temperature=0.0).describe(GROUPS) == "times an epoch: each of 3 domains 0.50 to 5.00"


def test_the_folder_has_no_order_that_is_not_tested():
    assert {load("data.orders", name)[0] for name in files("data.orders")} >= {type(order) for order in ORDERS[1:]}
    assert files("data.orders") == ["easy_first", "mixed", "shuffled"]
