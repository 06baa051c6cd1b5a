"""Batches are a function of the step: ranks and resumed runs see what one unbroken process would."""

import pytest
import torch

from maskwright.data.loader import Loader, length_schedule, validation_batches
from maskwright.data.rows import Rows

from ..handmade import packed

STEPS = 30


@pytest.fixture
def loader():
    return Loader([(0, packed(32)), (2, packed(64))], 256, seed=3)


def tensors(rows: Rows):
    return [rows.tokens, rows.document, rows.word, rows.ids, rows.epoch]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(tensors(one), tensors(other), strict=True))


@pytest.mark.parametrize("world", [1, 2, 3, 4])
def test_ranks_share_out_the_batch_of_one_process(loader, world):
    for step in range(STEPS):
        shares = [loader.batch(step, STEPS, rank, world) for rank in range(world)]
        together = [torch.cat(parts) for parts in zip(*map(tensors, shares), strict=True)]
        assert all(torch.equal(a, b) for a, b in zip(together, tensors(loader.batch(step, STEPS)), strict=True))


@pytest.mark.parametrize("begin", [0, 1, 17, STEPS - 1])
def test_a_run_goes_on_anywhere(loader, begin):
    batches = list(loader.batches(begin, STEPS))
    assert len(batches) == STEPS - begin
    assert all(same(rows, loader.batch(begin + i, STEPS)) for i, rows in enumerate(batches))


def test_every_row_comes_once_in_every_epoch_of_a_stage():
    pack = packed(32)
    loader = Loader([(0, pack)], 256, seed=0)
    steps = 3 * len(pack) // 8
    seen = torch.cat([torch.stack([rows.epoch, rows.ids]) for rows in loader.batches(0, steps)], dim=1)
    for epoch in range(2):
        assert seen[1, seen[0] == epoch].unique().tolist() == sorted(seen[1, seen[0] == epoch].tolist())
        assert (seen[0] == epoch).sum() == len(pack)


def test_a_curriculum_changes_the_length_and_keeps_the_tokens(loader):
    change = loader.step_at_epoch(2)
    before, after = loader.batch(change - 1, 100), loader.batch(change, 100)
    assert (before.tokens.shape, after.tokens.shape) == ((8, 32), (4, 64))
    assert after.epoch.unique().tolist() == [2]
    assert not set(before.ids.tolist()) & set(after.ids.tolist())


@pytest.mark.parametrize("epochs", [0, 0.5, 1, 2, 3.7])
def test_steps_and_epochs_agree(loader, epochs):
    step = loader.step_at_epoch(epochs)
    assert loader.epoch(step) >= epochs
    assert step == 0 or loader.epoch(step - 1) < epochs


def test_progress_is_the_share_that_is_done(loader):
    assert [rows.progress for rows in loader.batches(0, 4)] == [0, 0.25, 0.5, 0.75]


def test_the_seed_decides_the_order():
    one, other = (Loader([(0, packed(32))], 256, seed) for seed in (0, 1))
    assert not same(one.batch(0, STEPS), other.batch(0, STEPS))


def test_an_exam_is_all_rows_in_their_order():
    pack = packed(32)
    batches = list(validation_batches(pack, 7))
    assert torch.cat([rows.ids for rows in batches]).tolist() == [row | 32 << 32 for row in range(len(pack))]
    assert {rows.progress for rows in batches} == {1.0}
    assert not torch.cat([rows.epoch for rows in batches]).any()


def test_rows_can_be_taken_and_repeated(loader):
    rows = loader.batch(0, STEPS)
    assert same(rows.repeat(2)[::2], rows)
    assert same(rows.repeat(2)[1::2], rows)
    assert torch.equal(rows.maskable, ~torch.from_numpy(rows.vocabulary.is_special)[rows.tokens])


@pytest.mark.parametrize(
    ("length", "stages"), [(128, [(0, 128)]), ("64", [(0, 64)]), ("0:64,5:256", [(0, 64), (5, 256)])]
)
def test_a_curriculum_is_read(length, stages):
    assert length_schedule(length) == stages


@pytest.mark.parametrize("length", ["", "abc", "1:64", "0:64,0:128", "0:64,5:2", 2, "5:1,0:64"])
def test_a_curriculum_that_makes_no_sense_is_refused(length):
    with pytest.raises(ValueError, match="give 3 to 1,048,576 positions as in 128, or a schedule as in 0:64,5:256"):
        length_schedule(length)
