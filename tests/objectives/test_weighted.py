"""Masking by a table: what the files say, what is refused, and that the race chooses as it should."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
import torch

from maskwright import noise as bits
from maskwright.masking.select import IGNORE
from maskwright.masking.weighted import gumbel_top_k_spans, gumbel_top_k_tokens
from maskwright.noise import Noise
from maskwright.objectives.weighted import LiveWeighted, Weighted, rarity
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer

from ..handmade import VOCABULARY, plain, rows

TOKENS = [f"t{i}" for i in range(VOCABULARY.size)]


def times(weight: np.ndarray, keys: np.ndarray, b: int) -> np.ndarray:
    """When the runners of a row finish, in double precision."""
    draws = np.array([int(bits.draw(keys[b], i)) >> 40 for i in range(weight.shape[1])])
    with np.errstate(divide="ignore"):
        return -np.log((draws + 1) * 2.0**-24) / weight[b]


def test_the_race_is_the_plain_one() -> None:
    draw = np.random.default_rng(0)
    group = (draw.random((60, 90)) < 0.9).astype(np.int32)
    weight = (draw.exponential(1, group.shape) * (draw.random(group.shape) < 0.95)).astype(np.float32)
    budget, keys = draw.integers(0, 91, 60), draw.integers(0, 2**63, 60).astype(np.uint64)
    units = gumbel_top_k_tokens(weight, group, budget, keys)
    for b, row in enumerate(units):
        runners = np.flatnonzero((group[b] > 0) & (weight[b] > 0))
        first = runners[np.argsort(times(weight, keys, b)[runners], kind="stable")][: budget[b]]
        assert np.flatnonzero(row).tolist() == sorted(first)
        assert np.array_equal(row[row > 0] - 1, np.flatnonzero(row))


def test_a_row_races_alone_as_beside_others() -> None:
    draw = np.random.default_rng(2)
    scale = 10.0 ** draw.integers(-25, 25, (60, 1))  # what one row tells of another is of no use
    weight = (scale * 10.0 ** draw.uniform(-6, 6, (60, 90))).astype(np.float32)
    group, keys = np.ones(weight.shape, np.int32), draw.integers(0, 2**63, 60).astype(np.uint64)
    budget = draw.integers(0, 91, 60)
    together = gumbel_top_k_tokens(weight, group, budget, keys)
    assert np.array_equal((together > 0).sum(1), budget)
    for b in range(60):
        here = slice(b, b + 1)
        assert np.array_equal(gumbel_top_k_tokens(weight[here], group[here], budget[here], keys[here])[0], together[b])


@pytest.mark.parametrize("mean", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_the_race_of_units_is_the_plain_one(whole: bool, mean: bool) -> None:
    some, draw = rows(count=40), np.random.default_rng(1)
    group = some.word.numpy()
    weight, keys = draw.exponential(1, group.shape).astype(np.float32), draw.integers(0, 2**63, 40).astype(np.uint64)
    budget = draw.integers(1, 30, 40)
    found = gumbel_top_k_spans(weight, group, budget, keys, whole, mean, False)
    for b, row in enumerate(found):
        units = [np.flatnonzero(group[b] == name) for name in dict.fromkeys(group[b][group[b] > 0])]
        heavy = np.array([[weight[b][unit].mean() if mean else weight[b][unit].sum() for unit in units]])
        left, expected = budget[b], np.zeros_like(row)
        for number, j in enumerate(np.argsort(times(heavy, keys[b : b + 1], 0))):
            part = units[j] if whole else units[j][:left]
            if len(part) <= left and left:
                expected[part], left = number + 1, left - len(part)
        assert np.array_equal(row > 0, expected > 0)
        assert not whole or all(len(set(row[unit])) == 1 for unit in units)


def test_the_chance_of_a_position_is_that_of_drawing_one_after_the_other() -> None:
    weight = np.tile(np.array([1.0, 2.0, 5.0, 0.5], np.float32), (40_000, 1))
    group, budget = np.ones(weight.shape, np.int32), np.full(len(weight), 2)
    found = (
        gumbel_top_k_tokens(weight, group, budget, Noise(1, torch.zeros(40_000), torch.arange(40_000)).keys("x")) > 0
    )
    share = weight[0].astype(float) / weight[0].sum()
    wished = [p + sum(q * p / (1 - q) for j, q in enumerate(share) if j != i) for i, p in enumerate(share)]
    assert found.mean(0) == pytest.approx(wished, abs=4 * 0.5 / 200)


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
        ("a.json", '{"t5": -1}', "the weight of 't5' is -1, not a number of at least 0"),
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
