"""Batches that grow: the rows of a plain loader, in its order, in larger portions; at every step and on every rank."""

from dataclasses import fields
from itertools import accumulate
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import settings as rules
from hypothesis import strategies as st

from maskwright.data.batch_size_schedule import ScheduledLoader, batch_size_schedule
from maskwright.data.loader import Loader
from maskwright.data.rows import Rows
from maskwright.run.build import data
from maskwright.run.config import Config
from maskwright.run.metrics_log import read_lines
from maskwright.training.trainer import Trainer

from ..handmade import packed
from ..training.test_trainer import interrupted, losses, same, weights

PACKS = {length: packed(length) for length in (32, 64)}
SIZES = "0:128,0.5:256,1.3:384,2.5:1024"
STEPS = 130


def alike(one: Rows, other: Rows) -> bool:
    names = [field.name for field in fields(Rows) if isinstance(getattr(one, field.name), torch.Tensor)]
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


@pytest.fixture(params=[[(0, 32)], [(0, 32), (2, 64)]], ids=["one length", "two lengths"])
def packs(request: pytest.FixtureRequest) -> list:
    return [(epoch, PACKS[length]) for epoch, length in request.param]


def test_a_batch_that_does_not_grow_is_that_of_the_plain_loader(packs: list) -> None:
    plain, growing = Loader(packs, 256, 3), ScheduledLoader(packs, batch_size_schedule(256), 3)
    assert all(alike(plain.batch(step, STEPS), growing.batch(step, STEPS)) for step in range(STEPS))
    assert [plain.epoch(step) for step in range(STEPS)] == [growing.epoch(step) for step in range(STEPS)]
    epochs = [seventh / 7 for seventh in range(30)]
    assert [plain.step_at_epoch(epoch) for epoch in epochs] == [growing.step_at_epoch(epoch) for epoch in epochs]


def test_rows_come_in_the_order_of_the_smallest_batches(packs: list) -> None:
    plain, growing = Loader(packs, 128, 3), ScheduledLoader(packs, batch_size_schedule(SIZES), 3)
    seen = [torch.stack([rows.ids, rows.epoch]) for rows in growing.batches(0, STEPS)]
    expected = [plain.batch(unit, STEPS) for unit in range(growing.unit(STEPS))]
    assert torch.equal(torch.cat(seen, 1), torch.cat([torch.stack([rows.ids, rows.epoch]) for rows in expected], 1))


def test_batches_have_the_size_of_their_epoch(packs: list) -> None:
    growing, wanted = ScheduledLoader(packs, batch_size_schedule(SIZES), 3), dict(batch_size_schedule(SIZES))
    changes = {growing.step_at_epoch(epochs) for epochs in [*wanted, 2]}
    for step in range(STEPS):
        size = wanted[max(epoch for epoch in wanted if epoch <= growing.epoch(step))]
        found = growing.batch(step, STEPS).tokens.numel()
        assert found == size or (step + 1 in changes and 0 < found < size)
    assert growing.batch(STEPS - 1, STEPS).tokens.numel() == 1024


@pytest.mark.parametrize("world", [2, 3, 4])
def test_ranks_share_out_growing_batches(packs: list, world: int) -> None:
    growing = ScheduledLoader(packs, batch_size_schedule(SIZES), 3)
    for step in range(STEPS):
        shares = [growing.batch(step, STEPS, rank, world).ids for rank in range(world)]
        assert torch.equal(torch.cat(shares), growing.batch(step, STEPS).ids)


@pytest.mark.parametrize("begin", [0, 5, 31, STEPS - 1])
def test_a_run_with_growing_batches_goes_on_anywhere(packs: list, begin: int) -> None:
    growing = ScheduledLoader(packs, batch_size_schedule(SIZES), 3)
    batches = list(growing.batches(begin, STEPS))
    assert len(batches) == STEPS - begin
    assert all(alike(rows, growing.batch(begin + i, STEPS)) for i, rows in enumerate(batches))


@rules(max_examples=40)
@given(
    st.lists(st.tuples(st.floats(0.01, 4), st.integers(1, 9)), max_size=4, unique_by=lambda pair: pair[0]),
    st.floats(0, 6),
)
def test_steps_and_epochs_of_growing_batches_agree(more: list[tuple[float, int]], epochs: float) -> None:
    sizes = [(0.0, 128), *((epoch, 128 * many) for epoch, many in sorted(more))]
    growing = ScheduledLoader([(0, PACKS[32]), (2, PACKS[64])], sizes, 0)
    step = growing.step_at_epoch(epochs)
    assert growing.epoch(step) >= epochs
    assert step == 0 or growing.epoch(step - 1) < epochs
    units = [growing.unit(step) for step in range(40)]
    assert units == sorted(set(units))
    assert [growing.first_step_after(unit) for unit in units] == list(range(40))


@pytest.mark.parametrize("batch", [512, "0:64,0.5:128,1:512"])
def test_words_are_reached_at_the_first_step(settings: dict, batch: int | str) -> None:
    settings["training"] |= {"batch_tokens": batch}
    loader = data(Config.of(settings), show=False).loader
    seen = torch.tensor(list(accumulate(loader.batch(step, 60).words for step in range(60))))
    for words in range(1, int(seen[-1]), 97):
        assert loader.step_at_words(words) == 1 + int((seen < words).sum())


@pytest.mark.parametrize("length", [{"epochs": 2}, {"tokens": 20_000}, {"words": "3K"}])
def test_a_run_is_as_long_as_it_is_said(settings: dict, length: dict) -> None:
    ends = {}
    for batch in (128, "0:128,0.5:512"):
        settings["training"] = {"batch_tokens": batch, **length}
        found = data(Config.of(settings), show=False)
        ends[batch] = found.steps, [sum(rows.tokens.numel() for rows in found.loader.batches(0, found.steps))][0]
    (plain, seen), (grown, more) = ends.values()
    assert grown < plain
    assert seen <= more < seen + 512


def test_a_run_grows_its_batches_and_resumes_exactly(settings: dict, tmp_path: Path) -> None:
    settings["training"] |= {"batch_tokens": "0:256,0.1:512,0.2:1024", "micro_batch_tokens": 256, "steps": 24}
    config = Config.of(settings)
    assert Config.of(config.tree()) == config
    whole = Trainer(config, tmp_path / "whole", show=False)
    assert "24 steps of 256 to 1,024 tokens" in whole.describe()
    whole.train()
    interrupted(config, tmp_path / "broken", 7)
    Trainer(config, tmp_path / "broken", resume=True, show=False).train()
    assert losses(tmp_path / "whole") == losses(tmp_path / "broken")
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "broken"))
    tokens = [line["tokens"] for line in read_lines(tmp_path / "whole" / "metrics.jsonl") if "tokens" in line]
    taken = [after - before for before, after in zip([0, *tokens], tokens, strict=False)]
    assert taken[0] <= 256 < 700 < taken[-1] <= 1024


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (0, "give 1 to 268,435,456 positions as in 4096, or a schedule as in 0:512,0.5:4096"),
        ("many", "give 1 to 268,435,456 positions"),
        ("1:512", "give 1 to 268,435,456 positions"),
        ("0:512,1:1024,0.5:2048", "give 1 to 268,435,456 positions"),
        ("0:512,nan:1024", "give 1 to 268,435,456 positions"),
        ("0:512,1:1000", "1000 is not a multiple of the first, 512"),
        ("0:16,1:32", "training.batch_tokens=0:16,1:32: a batch holds at least a row of 32"),
    ],
)
def test_a_growth_that_makes_no_sense_is_refused(settings: dict, wrong: int | str, sentence: str) -> None:
    settings["training"]["batch_tokens"] = wrong
    with pytest.raises(ValueError, match=sentence) as caught:
        Config.of(settings)
    assert "\n" not in str(caught.value)
