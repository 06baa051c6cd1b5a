"""`rows.packings`: every epoch has the whole text in rows of its own, and a row keeps its identity."""

from collections import Counter
from pathlib import Path

import pytest
import torch

from maskwright.run import build
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer

from ..training.test_trainer import losses, same, weights


@pytest.fixture
def loader(text: Path):
    def made(**rows):
        sections = {"corpus": {"files": [str(text)]}, "tokenizer": {"size": 404}, "rows": {"length": 32} | rows}
        return build.data(Config(training={"batch_tokens": 256}, **sections), show=False).loader

    return made


def epoch(loader, number: int):
    """The tokens of text in an epoch, counted, and the identities of its rows."""
    begin, end = (loader.step_at_epoch(one) for one in (number, number + 1))
    rows = [loader.batch(step, 10**6) for step in range(begin, end)]
    tokens, ids = (torch.cat([getattr(one, name)[one.epoch == number] for one in rows]) for name in ("tokens", "ids"))
    v = rows[0].vocabulary
    return Counter(tokens[~torch.isin(tokens, torch.tensor([v.cls, v.pad]))].tolist()), set(ids.tolist()), tokens


def test_each_epoch_is_the_whole_text_in_other_rows(loader) -> None:
    several, usual = loader(packings=3), loader()
    counts, ids, tokens = zip(*(epoch(several, number) for number in range(4)), strict=True)
    assert counts[0] == counts[1] == counts[2] == epoch(usual, 0)[0]
    assert ids[0] == epoch(usual, 0)[1]
    assert len(set.union(*ids[:3])) == sum(map(len, ids[:3])), "no row is another"
    assert ids[3] < ids[2], "the last goes on, and some rows of its next epoch filled up the batch before"
    rows = [{tuple(row) for row in one.tolist()} for one in tokens]
    assert len(rows[1] & rows[2]) < 0.2 * len(rows[1])
    assert rows[3] < rows[2]


def test_lengths_and_packings_go_together(loader) -> None:
    schedule = loader(length="0:16,2:32", packings=3)
    assert [(stage.epoch, stage.pack.length) for stage in schedule.stages] == [(0, 16), (1, 16), (2, 32)]
    words = [int(stage.pack.words.sum()) for stage in schedule.stages]
    assert len(set(words)) == 1
    assert abs(schedule.step_at_words(2 * words[0]) - schedule.step_at_epoch(2)) <= 1


def test_a_run_over_packings_resumes_to_the_same_bits(settings: dict, tmp_path: Path) -> None:
    settings["rows"]["packings"] = 3
    settings["training"] |= {"checkpoint_every": 10}
    config = Config.of(settings)
    whole = Trainer(config, tmp_path / "whole", show=False)
    assert whole.steps > whole.data.loader.stages[-1].step, "all three are read"
    whole.train()
    half = Trainer(config, tmp_path / "half", show=False)
    for rows in half.data.loader.batches(0, 20):
        half.update(rows)
    with half.folder.claimed(0):
        half._save()
    Trainer(config, tmp_path / "half", resume=True, show=False).train()
    assert same(weights(tmp_path / "half"), weights(tmp_path / "whole"))
    assert losses(tmp_path / "half")[-5:] == losses(tmp_path / "whole")[-5:]


def test_a_text_in_blocks_is_packed_once() -> None:
    with pytest.raises(ValueError, match="packings=2: with block_chars, a text is packed once; leave one out"):
        Config(rows={"packings": 2, "block_chars": 1000})
