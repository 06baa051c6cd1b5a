"""Collocations: found as a plain count of the text finds them, hidden whole, and only where all of their words are."""

from collections import Counter
from itertools import pairwise, product
from math import log
from pathlib import Path
from pydoc_data.topics import topics
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from maskwright.data.loader import validation_batches
from maskwright.data.pack import pack
from maskwright.noise import absorb
from maskwright.objectives.hybrid import Hybrid
from maskwright.objectives.pmi import LivePmi, Pmi
from maskwright.objectives.pmi import collocations as _collocations
from maskwright.objectives.pmi.collocations import MAX_WORDS, SHARES, find_collocations, signs, table
from maskwright.run.config import Config
from maskwright.settings import from_mapping
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings
from maskwright.training.trainer import Trainer

from ..handmade import VOCABULARY, rows
from ..training.test_trainer import interrupted, same, weights

Word = tuple[int, ...]
DRAW = np.random.default_rng(5)
WORDS: list[Word] = [tuple(DRAW.choice(VOCABULARY.ordinary[:40], size).tolist()) for size in DRAW.integers(1, 4, 25)]
WORDS[20] = (int(VOCABULARY.ordinary[3]),)
PHRASES = [[0, 1], [2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12, 13], [14, 15]]


def document(length: int) -> list[Word]:
    """Words at random, and now and then a phrase."""
    words: list[Word] = []
    while len(words) < length:
        phrase = PHRASES[DRAW.integers(len(PHRASES))] if DRAW.random() < 0.3 else [DRAW.integers(len(WORDS))]
        words += [WORDS[number] for number in phrase]
    return words


DOCUMENTS = [document(size) for size in DRAW.integers(1, 40, 150)]


def text(documents: list[list[Word]]) -> SimpleNamespace:
    """Documents of words as a split of shards."""
    tokens = [token for words in documents for word in words for token in word]
    starts = [place == 0 for words in documents for word in words for place in range(len(word))]
    sizes = [sum(map(len, words)) for words in documents]
    return SimpleNamespace(
        tokens=np.array(tokens, np.uint16), word_starts=np.array(starts, np.uint8), offsets=np.r_[0, np.cumsum(sizes)]
    )


def name(words: tuple[Word, ...]) -> int:
    """What several words are known by."""

    def of(word: Word) -> np.uint64:
        state = np.uint64(0)
        for token in word:
            state = np.uint64(absorb(state, np.uint64(token)))
        return state

    state = np.uint64(0)
    for word in words:
        state = np.uint64(absorb(state, of(word)))
    return int(state)


SIGN = int(VOCABULARY.ordinary[3])
"""Some words of one token are signs."""
SIGNS = np.arange(VOCABULARY.size) == SIGN


def counted(documents: list[list[Word]], least: int) -> dict[tuple[Word, ...], float]:
    """The information of all that occurs so often, by the definition: every way to cut it is tried."""
    counts = Counter(
        tuple(words[i : i + n])
        for words in documents
        for n in range(1, MAX_WORDS + 1)
        for i in range(len(words) - n + 1)
    )
    total = sum(map(len, documents))
    found = {}
    for words, often in counts.items():
        if len(words) > 1 and often >= least and (SIGN,) not in words:
            cuts = [
                [0, *(i for i, cut in enumerate(some, 1) if cut), len(words)]
                for some in product([0, 1], repeat=len(words) - 1)
                if any(some)
            ]
            parts = [sum(log(counts[words[a:b]] / total) for a, b in pairwise(cut)) for cut in cuts]
            found[words] = log(often / total) - max(parts)
    return found


@pytest.mark.parametrize("least", [1, 3, 8])
@pytest.mark.parametrize("size", [16, 64, 10_000])
def test_collocations_are_those_of_a_plain_count(least: int, size: int) -> None:
    expected = counted(DOCUMENTS, least)
    certain, possible = set(), set()  # where several are as telling, any of them may be kept
    for n, share in SHARES.items():
        ranked = sorted((expected[words] for words in expected if len(words) == n), reverse=True)
        floor = max([0.0, *ranked[int(size * share) - 1 :][:1]])
        certain |= {name(words) for words in expected if len(words) == n and expected[words] > floor + 1e-5}
        possible |= {name(words) for words in expected if len(words) == n and expected[words] > floor - 1e-5}
    found = find_collocations(text(DOCUMENTS), SIGNS, size, least).tolist()
    assert certain <= set(found) <= possible
    assert len(found) == len(set(found)) <= size


def test_phrases_are_found() -> None:
    found = set(find_collocations(text(DOCUMENTS), SIGNS, 64, 10).tolist())
    phrases = [tuple(WORDS[number] for number in phrase) for phrase in PHRASES]
    assert all(name(phrase) in found for phrase in phrases)


def met(**options: object) -> LivePmi:
    objective = from_mapping(Pmi, {"min_count": 10, "num_collocations": 16, **options}, "objective")
    written = ["." if sign else "word" for sign in SIGNS]
    tokenizer = SimpleNamespace(vocabulary=VOCABULARY, decode=lambda ids, specials: written[ids[0]])
    return objective.build(SimpleNamespace(tokenizer=tokenizer, train=text(DOCUMENTS)), 0)


PACK = pack(text(DOCUMENTS), VOCABULARY, 32)
ROWS = next(validation_batches(PACK, len(PACK)))


def test_units_are_the_longest_collocations_from_left_to_right() -> None:
    found = set(met().collocations.numpy().view(np.uint64).tolist())
    units = met().units(ROWS)
    several = 0
    for b in range(len(ROWS)):
        words: list[tuple[int, Word, int, set[int]]] = []  # number, tokens, document, unit
        for number in ROWS.word[b].unique().tolist():
            if number:
                at = ROWS.word[b] == number
                tokens = tuple(ROWS.tokens[b, at].tolist())
                words.append((number, tokens, int(ROWS.document[b, at][0]), set(units[b, at].tolist())))
        i, unit = 0, 0
        while i < len(words):
            sizes = [
                n
                for n in range(2, MAX_WORDS + 1)
                if len({document for *_, document, _ in words[i : i + n]}) == 1
                and len(words[i : i + n]) == n
                and name(tuple(tokens for _, tokens, *_ in words[i : i + n])) in found
            ]
            size, unit = max(sizes, default=1), unit + 1
            several += size > 1
            assert all(units == {unit} for *_, units in words[i : i + size])
            i += size
        assert (units[b][ROWS.word[b] == 0] == 0).all()
    assert several > 50


@pytest.mark.parametrize("balance", [False, True])
def test_a_collocation_is_hidden_whole_or_not_at_all(balance: bool) -> None:
    objective = met(ratio=0.3, balance=balance)
    hidden = (objective(ROWS, 0).span_id > 0).numpy()
    units = objective.units(ROWS)
    for b in range(len(ROWS)):
        for unit in range(1, units[b].max() + 1):
            assert len(set(hidden[b, units[b] == unit].tolist())) == 1


def test_before_any_text_it_is_refused() -> None:
    with pytest.raises(ValueError, match=r"objective pmi has state: build it on a text first, pmi\.build"):
        Pmi()(rows(), 0)


def test_a_text_without_collocations_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    for objective in (met(), met(min_count=10_000)):
        objective.on_validation({"loss": 1.0})
    (sentence,) = caplog.messages
    assert "no words occur together 10000 times" in sentence
    assert np.array_equal(met(min_count=10_000).units(ROWS) > 0, ROWS.word.numpy() > 0)


@pytest.mark.parametrize("kind", ["bpe", "wordpiece", "unigram", "character"])
def test_signs_are_what_has_no_letter(kind: str) -> None:
    tokenizer = Tokenizer.train(
        [topics["assert"], "naïve 東京 so: a+b != c, 3.5%"], TokenizerSettings(kind=kind, size=600)
    )
    found = signs(tokenizer)
    for word, sign in (
        ("word", False),
        (".", True),
        ("!=", True),
        ("東京", False),
        ("3", False),
        ("ï", False),
    ):
        ids, _ = tokenizer.encode(word)
        assert found[ids].all() == sign, word


def test_of_a_large_text_documents_from_all_over_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = text(DOCUMENTS)
    monkeypatch.setattr(_collocations, "MAX_TOKENS", len(whole.tokens) // 2)
    assert np.array_equal(find_collocations(whole, SIGNS, 64, 3), find_collocations(text(DOCUMENTS[::3]), SIGNS, 64, 3))


@pytest.mark.parametrize("count", [0, 1, 7, 1000])
def test_a_table_holds_all_names_and_no_other(count: int) -> None:
    names = np.random.default_rng(0).integers(1, 2**63, 2 * count, np.uint64)
    slots = table(names[:count])
    inside = [slots[_collocations._slot(slots, some)] == some for some in names]
    assert inside == [True] * count + [False] * count


def test_a_run_keeps_its_collocations(settings: dict, tmp_path: Path) -> None:
    inner = {"name": "pmi", "min_count": 3, "num_collocations": 64, "ratio": 0.2}
    for objective in (inner, {"name": "hybrid", "masked": inner}):
        config = Config.of(settings | {"objective": objective})
        whole, broken = tmp_path / f"whole{len(objective)}", tmp_path / f"broken{len(objective)}"
        first = Trainer(config, whole, show=False)
        first.train()
        pmi = first.objective.masked if isinstance(first.objective, Hybrid) else first.objective
        assert pmi.state_dict()["collocations"].numel() > 8
        interrupted(Config.of(settings | {"objective": objective}), broken, 14)
        Trainer(Config.of(settings | {"objective": objective}), broken, resume=True, show=False).train()
        assert same(weights(whole), weights(broken))


def test_a_text_with_other_collocations_is_refused() -> None:
    with pytest.raises(ValueError, match="have changed since the run began"):
        met().load_state_dict({"collocations": torch.zeros(16, dtype=torch.int64)})
