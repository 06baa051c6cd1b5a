"""Masking by a table: what the files say, what is refused, and that weights are how often a position is hidden."""

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch

from maskwright import noise as bits
from maskwright.masking.select import IGNORE
from maskwright.masking.weighted import systematic_tokens, systematic_units
from maskwright.noise import Noise
from maskwright.objectives.learned.policy import inclusion_probs
from maskwright.objectives.weighted import LiveWeighted, Weighted, rarity
from maskwright.run.config import Config
from maskwright.settings import from_mapping
from maskwright.training.trainer import Trainer

from ..handmade import VOCABULARY, plain, rows

TOKENS = [f"t{i}" for i in range(VOCABULARY.size)]


def shares(weight: np.ndarray) -> list[int]:
    """Weights [N] as whole numbers, the largest 2^24."""
    scale = np.float32(2**24) / max(weight.max(initial=0), np.float32(1e-38))
    return [max(int(w * scale), 1) if w > 0 else 0 for w in weight.astype(np.float32)]


@pytest.mark.parametrize("power", [-149, -140, -127, -120, -105, -101, -100, -99, 0, 100])
def test_the_size_of_weights_means_nothing(power: int) -> None:
    """Down to the smallest number of float32, whose inverse it does not hold."""
    weight = np.tile(np.array([1, 2, 4, 8, 0, 8], np.float32), (500, 1))
    units, budget, keys = np.tile(np.arange(1, 7, dtype=np.int32), (500, 1)), np.full(500, 2), keys_of(500)
    small = np.ldexp(weight, power).astype(np.float32)
    for choose in (systematic_tokens, lambda *rest: systematic_units(*rest, True, True)):
        assert np.array_equal(choose(small, units, budget, keys), choose(weight, units, budget, keys))


def systematic(weight: np.ndarray, budget: int, key: np.uint64) -> list[int]:
    """Which of N positions are chosen, as one writes it down: certain ones first, then points on the rest."""
    share, chosen = dict(enumerate(shares(weight))), []
    while certain := [i for i in share if share[i] * budget >= sum(share.values()) and share[i] and budget > 0]:
        chosen, budget = chosen + certain, budget - len(certain)
        share = {i: part for i, part in share.items() if i not in certain}
    order = [i for i in share if share[i]]
    for j in range(len(order)):
        r = j + ((int(bits.draw(key, j + 1)) >> 32) * (len(order) - j) >> 32)
        order[j], order[r] = order[r], order[j]
    if not order or budget <= 0:
        return sorted(chosen)
    scale = (2**64 - 1) // sum(share.values()) * budget
    place = max(int(bits.draw(key, 0)), 2**64 - scale * sum(share.values()) % 2**64)
    for i in order:
        place += scale * share[i]
        if place >= 2**64:
            place -= 2**64
            chosen.append(i)
    return sorted(chosen)


def keys_of(count: int, seed: int = 1) -> np.ndarray:
    return Noise(seed, torch.zeros(count), torch.arange(count)).keys("x")


def test_the_choice_is_the_plain_one() -> None:
    draw = np.random.default_rng(0)
    group = (draw.random((60, 90)) < 0.9).astype(np.int32)
    weight = (draw.exponential(1, group.shape) ** 3 * (draw.random(group.shape) < 0.95)).astype(np.float32)
    budget, keys = draw.integers(0, 91, 60), keys_of(60)
    units = systematic_tokens(weight, group, budget, keys)
    for b, row in enumerate(units):
        assert np.flatnonzero(row).tolist() == systematic(weight[b] * (group[b] > 0), int(budget[b]), keys[b])
        assert np.array_equal(row[row > 0] - 1, np.flatnonzero(row))


@pytest.mark.parametrize("ratio", [0.15, 0.40])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_position_is_hidden_in_proportion_to_its_weight(ratio: float, seed: int) -> None:
    """By class of weight within four standard errors, which at 0.40 are a tenth of what a race would be off by."""
    draw, count = np.random.default_rng(seed), 20_000
    weight = draw.choice(np.array([0.25, 1.0, 2.96, 30.0], np.float32), 128, p=[0.3, 0.5, 0.19, 0.01])
    budget = round(128 * ratio)
    found = systematic_tokens(
        np.tile(weight, (count, 1)), np.ones((count, 128), np.int32), np.full(count, budget), keys_of(count, seed)
    )
    assert ((found > 0).sum(1) == budget).all()
    wished = inclusion_probs(torch.from_numpy(weight)[None], torch.tensor([budget]))[0].numpy()
    assert wished.sum() == pytest.approx(budget, rel=1e-5)
    for one in np.unique(weight):
        here = weight == one
        p = float(wished[here].mean())
        assert (found[:, here] > 0).mean() == pytest.approx(p, abs=4 * (p * (1 - p) / count / here.sum()) ** 0.5 + 1e-9)


def test_equal_weights_choose_every_pair_alike() -> None:
    weight = np.full((60_000, 6), 0.7, np.float32)
    found = systematic_tokens(weight, np.ones(weight.shape, np.int32), np.full(60_000, 2), keys_of(60_000)) > 0
    pairs = np.array([found[:, i] & found[:, j] for i in range(6) for j in range(i)])
    assert pairs.mean(1) == pytest.approx(np.full(15, 1 / 15), abs=4 * (1 / 15 / 60_000) ** 0.5)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("ratio", [0.15, 0.40])
def test_units_are_hidden_in_proportion_to_their_mean_weight(whole: bool, ratio: float) -> None:
    """Whatever their size; making the budget exact moves a class by a few percent of its rate."""
    draw, count = np.random.default_rng(3), 20_000
    word = np.cumsum(draw.random(128) < 0.7).astype(np.int32) + 1
    weight = draw.choice(np.array([0.25, 1.0, 2.5], np.float32), word[-1] + 1)[word]
    size, budget = np.bincount(word)[word], round(128 * ratio)
    rows_ = np.tile(weight, (count, 1)), np.tile(word, (count, 1))
    found = systematic_units(*rows_, np.full(count, budget), keys_of(count), whole, True)
    assert ((found > 0).sum(1) == budget).all()
    wished = np.minimum(1, budget * weight / weight.sum())
    for group in (weight == one for one in np.unique(weight)), (size == n for n in (1, 2, 3)):
        for here in group:
            assert (found[:, here] > 0).mean() == pytest.approx(wished[here].mean(), rel=0.04)
    if whole:
        assert all(len(set(row[word == name] > 0)) == 1 for row in found[:50] for name in np.unique(word))


def test_a_row_is_masked_alone_as_beside_others() -> None:
    draw = np.random.default_rng(2)
    scale = 10.0 ** draw.integers(-25, 25, (60, 1))  # what one row tells of another is of no use
    weight = (scale * 10.0 ** draw.uniform(-6, 6, (60, 90))).astype(np.float32)
    group, keys, budget = rows(count=60, length=90).word.numpy(), keys_of(60), draw.integers(0, 91, 60)
    every = np.ones(weight.shape, np.int32)
    together, units = (
        systematic_tokens(weight, every, budget, keys),
        systematic_units(weight, group, budget, keys, False, False),
    )
    assert np.array_equal((together > 0).sum(1), budget)
    assert np.array_equal((units > 0).sum(1), np.minimum(budget, (group > 0).sum(1)))
    for b in range(60):
        here = slice(b, b + 1)
        part = weight[here], every[here], budget[here], keys[here]
        assert np.array_equal(systematic_tokens(*part)[0], together[b])
        part = weight[here], group[here], budget[here], keys[here]
        assert np.array_equal(systematic_units(*part, False, False)[0], units[b])


def test_a_word_is_hidden_even_if_none_fits() -> None:
    word, weight = np.array([[1, 1, 2, 2, 2]], np.int32), np.array([[1, 1, 0, 0, 0]], np.float32)
    budget, keys = np.array([1]), keys_of(1)
    assert systematic_units(weight, word, budget, keys, True, True).tolist() == [[1, 1, 0, 0, 0]]
    assert not systematic_units(weight, word, budget, keys, True, False).any()
    assert (systematic_units(weight, word, budget, keys, False, False) > 0).sum() == 1


def hidden(objective: Weighted) -> torch.Tensor:
    """[V] how often each token was hidden, relative to how often it occurs."""
    some = plain(200, 110)
    asked = objective(some, 0).targets != IGNORE
    many = torch.bincount(some.tokens[asked], minlength=VOCABULARY.size)
    return many / torch.bincount(some.tokens.flatten(), minlength=VOCABULARY.size).clamp(min=1)


def write(folder: Path, suffix: str) -> Path:
    """A table in which t5 weighs 0 and t6 weighs 8, by token or by id."""
    path = folder / f"table{suffix}"
    if suffix == ".json":
        path.write_text(json.dumps({"t5": 0, "t6": 8}))
    elif suffix == ".csv":
        path.write_text("token,weight\nt5,0\nt6,8.0\n")
    else:
        pa.parquet.write_table(pa.table({"id": [5, 6], "weight": [0.0, 8.0]}), path)
    return path


def met(path: object, **options: object) -> LiveWeighted:
    shards = SimpleNamespace(tokenizer=SimpleNamespace(tokens=TOKENS), train=SimpleNamespace(counts=np.arange))
    return Weighted(weights=str(path), **options).build(shards, 0)


@pytest.mark.parametrize("suffix", [".json", ".csv", ".parquet"])
@pytest.mark.parametrize("unit", ["token", "word", "span"])
def test_a_table_is_followed(tmp_path: Path, suffix: str, unit: str) -> None:
    objective = met(write(tmp_path, suffix), unit=unit, ratio=0.1, max_span_length=1)
    share = hidden(objective)
    assert share[5] == 0
    assert share[6] > 0.4
    assert share[7:50].mean() == pytest.approx(0.1, abs=0.03)


def test_a_list_has_a_weight_for_each_id(tmp_path: Path) -> None:
    (tmp_path / "all.json").write_text(json.dumps([1.0] * 70 + [3.0] * 50))
    share = hidden(met(tmp_path / "all.json"))
    assert share[70:].mean() > 2 * share[5:57].mean()


def test_power_levels_the_weights(tmp_path: Path) -> None:
    path = write(tmp_path, ".json")
    shares = [hidden(met(path, power=power, ratio=0.1))[6] for power in (0.01, 0.5, 2.0)]
    assert shares[0] < shares[1] < shares[2]


def test_rarity_is_the_rank() -> None:
    assert rarity(np.array([9, 0, 5, 5])).tolist() == [0.25, 1.0, 0.75, 0.75]
    share = hidden(met("frequency"))
    assert share[5:15].mean() > 5 * share[110:].mean()


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("a.json", "[1, 2, 3]", "an array of 3, where an object or an array of 120 weights belongs"),
        ("a.json", '{"t5": -1}', "the weight of 't5' is -1, not a number from 0 to 3e+38"),
        ("a.json", '{"t5": 1e39}', "the weight of 't5' is 1e+39, not a number from 0 to 3e+38"),
        ("a.json", f'{{"t5": 1{"0" * 400}}}', "not a number from 0 to 3e+38"),
        ("a.json", '{"t5": NaN}', "the weight of 't5' is nan"),
        ("a.json", '{"t5": "x"}', "the weight of 't5' is 'x'"),
        ("a.json", '{"nowhere": 1}', "no token 'nowhere' among the 120 of the vocabulary"),
        ("a.json", "7", "holds 7, where an object"),
        ("a.json", "{", "is not JSON"),
        ("a.json", json.dumps([0] * 120), "all 120 weights are 0"),
        ("a.csv", "id,weight\n120,1\n", "no token 120 among the 120"),
        ("a.csv", "id,weight\n5,\n", "the weight of 5 is nan"),
        ("a.csv", "id,weight\n5,much\n", "a.csv:2: weight='much' is not a number"),
        ("a.csv", "name,weight\nt5,1\n", "has columns name, weight, where weight and token or id belong"),
        ("a.txt", "", "is neither .json, .csv nor .parquet"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(tmp_path: Path, name: str, content: str, sentence: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ValueError, match=r"a\.") as refused:
        met(tmp_path / name)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_table_that_is_not_there_or_not_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no\.json does not exist"):
        met(tmp_path / "no.json")
    with pytest.raises(ValueError, match="objective weighted has state: build it"):
        Weighted(weights="frequency")(rows(), 0)
    with pytest.raises(ValueError, match="cannot be balanced"):
        Weighted(balance=True)


def test_a_run_keeps_to_its_table(settings: dict, tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text(json.dumps([1.0] * 404))
    settings["objective"], settings["training"]["steps"] = {"name": "weighted", "weights": str(path)}, 7
    Trainer(Config.of(settings), tmp_path / "run", show=False).train()
    Trainer(Config.of(settings), tmp_path / "run", resume=True, show=False)
    path.write_text(json.dumps([1.0] * 403 + [2.0]))
    with pytest.raises(ValueError, match="has changed since the run began"):
        Trainer(Config.of(settings), tmp_path / "run", resume=True, show=False)


def test_a_table_is_refused_before_anything_is_written(settings: dict, tmp_path: Path) -> None:
    (tmp_path / "short.json").write_text("[1.0]")
    settings["objective"] = {"name": "weighted", "weights": str(tmp_path / "short.json")}
    with pytest.raises(ValueError, match="an array of 1, where"):
        Trainer(Config.of(settings), tmp_path / "run", show=False)
    assert not (tmp_path / "run").exists()


SENTENCES = "The_DT t5_NN t6_NNS runs_VBZ t7_DT ,_, t5_NN t8_NN t8_VB\n"


class Spells:
    """A tokenizer whose tokens are t0 to t119, each a word."""

    vocabulary = VOCABULARY
    tokens = TOKENS

    def encode_batch(self, texts: list[str]) -> list[tuple[np.ndarray, None]]:
        known = {f" {token}": i for i, token in enumerate(TOKENS)}
        return [(np.array([known[text]] if text in known else [], int), None) for text in texts]


def classed(folder: Path, rates: object, sentences: str = SENTENCES, **options: object) -> LiveWeighted:
    (folder / "tagged.txt").write_text(sentences)
    settings = from_mapping(Weighted, {"classes": str(folder / "tagged.txt"), "rates": rates} | options, "objective")
    return settings.build(SimpleNamespace(tokenizer=Spells()), 0)


@pytest.mark.parametrize("unit", ["token", "word", "span"])
def test_a_class_is_hidden_at_its_rate(tmp_path: Path, unit: str) -> None:
    """By the tag itself, or by the part of speech of several; what is in two classes has the mean of their rates."""
    objective = classed(tmp_path, {"NOUN": 4, "DET": 0, "NNS": 2}, unit=unit, ratio=0.1, max_span_length=1)
    share = hidden(objective)
    free = float(share[9:50].mean())
    assert float(share[5]) == pytest.approx(4 * free, rel=0.25)
    assert float(share[6]) == pytest.approx(2 * free, rel=0.3)
    assert share[7] == 0
    assert float(share[8]) == pytest.approx(2.5 * free, rel=0.3)
    assert ((objective(plain(50, 100), 0).targets != IGNORE).sum(1) == 10).all()


def test_any_class_will_do_and_rates_may_be_scheduled(tmp_path: Path) -> None:
    text = "t5_animal t6_plant t7_animal\n"
    objective = classed(tmp_path, {"animal": {"start": 5, "end": 0}, "plant": 3}, text)
    for progress, rate in ((0.0, 5.0), (0.5, 2.5), (1.0, 0.0)):
        weight = objective.weigh(replace(plain(1, 110), progress=progress), Noise(0, torch.zeros(1), torch.zeros(1)))
        found = dict(zip(plain(1, 110).tokens[0].tolist(), weight[0].tolist(), strict=True))
        assert [found[token] for token in (5, 6, 7, 8)] == [rate, 3, rate, 1]
    other = classed(tmp_path, {"animal": 5}, "t6_animal\n")
    with pytest.raises(ValueError, match=r"objective\.classes=\S+tagged\.txt has changed since the run began"):
        classed(tmp_path, {"animal": 5}, text).load_state_dict(other.state_dict())


@pytest.mark.parametrize(
    ("rates", "sentence"),
    [
        ({"NOUNN": 2}, "tagged.txt has no class 'NOUNN': did you mean"),
        ({"ADJ": 2}, "tagged.txt has no class 'ADJ': "),
        ({"NOUN": -1}, "objective.rates=-1: input should be greater than or equal to 0"),
        ({"NOUN": None}, "objective.rates=None: input should be a valid number"),
        ({"NOUN": {"start": 1, "end": -2}}, "objective.rates=-2: input should be greater than or equal to 0"),
        ({}, "classes and rates go together"),
        ([["NN", 1], ["NN", 2]], "rates names a class twice"),
    ],
)
def test_rates_that_do_not_fit_are_refused(tmp_path: Path, rates: object, sentence: str) -> None:
    with pytest.raises(ValueError) as refused:  # noqa: PT011  compared below
        classed(tmp_path, rates)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_lexicon_without_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"tagged\.txt:2: 'dog' is not a word and its class, as in cat_NN"):
        classed(tmp_path, {"NN": 1}, "cat_NN\ndog\n")
    with pytest.raises(ValueError, match="classes and rates go together"):
        Weighted(rates={"NOUN": 2})
    with pytest.raises(ValueError, match="weights and classes are both given"):
        Weighted(rates={"NOUN": 2}, classes="tagged.txt", weights="frequency")
    with pytest.raises(ValueError, match="objective weighted has state: build it"):
        Weighted(rates={"NOUN": 2}, classes="tagged.txt")(rows(), 0)
