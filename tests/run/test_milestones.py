"""Models kept at numbers of words: at the first step that reaches them, whatever the ranks, and touching nothing."""

import json
from pathlib import Path

import pytest
import torch

from maskwright.run import build, checkpoint, milestones
from maskwright.run.config import Config
from maskwright.run.discover import models
from maskwright.settings import override
from maskwright.training.trainer import Trainer

from ..training.test_trainer import interrupted, losses, same, weights

MARKS = [300, 1000, 1001, 2400]


@pytest.fixture
def marked(settings: dict) -> dict:
    settings["training"] |= {"keep_at": MARKS, "ema": 0.9, "steps": 12}
    settings["model"]["dropout"] = 0.1
    return settings


@pytest.mark.parametrize("length", [32, "0:16,1:32,2:64"])
def test_words_add_up_and_are_reached_at_the_first_step(settings: dict, length: int | str) -> None:
    settings["rows"]["length"] = length
    data = build.data(Config.of(settings), show=False)
    loader, train = data.loader, data.shards.train
    for stage in loader.stages:
        assert stage.pack.words.sum() == train.words.sum()
    seen = torch.tensor([loader.batch(step, 60).words for step in range(60)]).cumsum(0)
    assert seen[-1] > 3 * train.words.sum()
    for words in range(1, int(seen[-1]), 97):
        assert loader.step_at_words(words) == 1 + int((seen < words).sum())


def test_a_row_holds_the_words_between_its_blanks(settings: dict) -> None:
    settings["rows"]["length"] = 64
    data = build.data(Config.of(settings), show=False)
    pack, tokenizer = data.loader.stages[0].pack, data.shards.tokenizer
    rows = data.loader.batch(0, 40)
    guessed = [len(tokenizer.decode(ids[ids > 0].tolist()).split()) for ids in rows.tokens]
    assert abs(rows.words / sum(guessed) - 1) < 0.15
    halves = [data.loader.batch(0, 40, rank, 2).words for rank in range(2)]
    assert sum(halves) == rows.words
    whole = pack.pieces[pack.pieces[:, 3] == 1]
    assert pack.words.min() >= 0
    assert len(whole) < len(pack.pieces)


def test_marks_disturb_nothing_and_survive_a_kill(marked: dict, tmp_path: Path) -> None:
    plain, whole, broken = (tmp_path / name for name in ("plain", "whole", "broken"))
    Trainer(Config.of(override(marked, ["training.keep_at=[]"])), plain, show=False).train()
    every = Config.of(override(marked, ["training.checkpoint_every=1", "training.keep=null"]))
    Trainer(every, whole, show=False).train()
    interrupted(Config.of(marked), broken, 7)
    Trainer(Config.of(marked), broken, resume=True, show=False).train()
    steps = [json.loads((place / "final.json").read_text())["step"] for place in models(whole / "words").values()]
    assert steps[0] < 7 < steps[-1] < 12
    assert losses(plain) == losses(whole) == losses(broken)
    assert same(weights(plain), weights(whole))
    kept = models(whole / "words")
    assert list(kept) == [f"words/{words}" for words in MARKS]
    for words, step, place in zip(MARKS, steps, kept.values(), strict=True):
        tensors, _ = checkpoint.load(whole / "checkpoints" / f"step-{step}")
        assert all(torch.equal(tensors["average"][name], weight) for name, weight in weights(place).items())
        assert same(weights(place), weights(broken / "words" / milestones.name(words)))
        assert Config.load(place) == Config.load(whole)
    assert not same(weights(whole / "words/chck_300"), weights(whole / "words/chck_1K"))


def test_names_and_schedules(settings: dict) -> None:
    assert [milestones.name(words) for words in (1234, 1000, 1_500_000, 10**7, 10**9)] == [
        "chck_1234", "chck_1K", "chck_1500K", "chck_10M", "chck_1000M",
    ]  # fmt: skip
    settings["training"]["keep_at"] = "babylm"
    schedule = Config.of(settings).training.keep_at
    assert len(schedule) == 28
    assert [milestones.name(words) for words in schedule][8:12] == ["chck_9M", "chck_10M", "chck_20M", "chck_30M"]
    config = Config.of(override(settings, ["training.keep_at=[1M, 2500, 1.0e+3]"]))
    assert config.training.keep_at == (10**6, 2500, 1000)
    assert Config.of(config.tree()) == config
    with pytest.raises(
        ValueError, match=r"^training: 'soon' is not a number of words, such as .* babylm is a schedule$"
    ):
        Config.of(override(settings, ["training.keep_at=soon"]))
    with pytest.raises(ValueError, match=r"^training: 'soon.{1,80}' is not a number of words"):
        Config.of(override(settings, [f"training.keep_at={'soon' * 1000}"]))


def test_a_run_may_be_given_in_words(settings: dict, tmp_path: Path) -> None:
    settings["training"] = {"batch_tokens": 1024, "words": "3K", "keep_at": ["1K", "3K", "4K"], "precision": "fp32"}
    trainer = Trainer(Config.of(settings), tmp_path / "run", show=False)
    assert "kept       2 checkpoints for good, the last at 3,000 words" in trainer.describe()
    numbers = trainer.train().metrics
    assert 3000 <= numbers["words"] < 3000 + 1024
    assert same(weights(tmp_path / "run"), weights(tmp_path / "run/words/chck_3K"))
