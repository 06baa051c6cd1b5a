"""Training on text that is still being read is a function of the step, as all training is."""

import shutil
from itertools import chain
from pathlib import Path
from pydoc_data.topics import topics

import pytest
import torch
import yaml

from maskwright.data.loader import Loader
from maskwright.run import build
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer

from ...training.test_killed import kill_when, start
from ...training.test_trainer import losses, same, weights
from ..test_loader import tensors

CHARACTERS = 12_000
STEPS = 60


@pytest.fixture
def streamed(settings: dict, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict:
    """A run of a few blocks, whose cache is its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    documents, path = [" ".join(topics[name].split())[:1500] for name in sorted(topics)], tmp_path / "all.txt"
    path.write_text("\n\n".join(documents))
    return settings | {"rows": {"length": 32, "block_chars": CHARACTERS}, "corpus": {"files": [str(path)]}}


def folders(tmp_path: Path) -> list[int]:
    """The numbers of the blocks on disk, without one whose writer was killed."""
    found = (tmp_path / "cache").glob("maskwright/streams/*/*")
    return sorted(int(path.name) for path in found if path.is_dir() and path.name.isdecimal())


def loader(settings: dict, **rows: int) -> Loader:
    return build.data(Config.of({**settings, "rows": {**settings["rows"], **rows}}), show=False).loader


def all_same(one: Loader, other: Loader, steps: range) -> bool:
    pairs = [zip(tensors(one.batch(s, 99)), tensors(other.batch(s, 99)), strict=True) for s in steps]
    return all(torch.equal(a, b) for pair in pairs for a, b in pair)


def test_work_begins_with_the_first_block(streamed: dict, tmp_path: Path) -> None:
    data = build.data(Config.of(streamed), show=False)
    assert folders(tmp_path) == [0]
    data.loader.batch(0, STEPS)
    assert folders(tmp_path) == [0]
    assert data.loader.stages[0].pack.split.words.sum() == data.shards.train.words.sum()


def test_a_pass_reads_every_row_of_every_block_and_a_next_one_in_another_order(streamed: dict) -> None:
    stream = loader(streamed)
    seen: list[tuple[float, list[int]]] = []
    for step in range(200):
        rows = stream.batch(step, 200)
        seen.append((stream.epoch(step + 1), (rows.ids & 0xFFFFFFFF).tolist()))
        assert rows.words > 0
    records = [stream.blocks.record(number) for number in range(stream.blocks.count)]
    assert len(records) > 2
    total = records[-1].first + records[-1].rows
    first, second = ([ids for epoch, ids in seen if epoch == n] for n in (0, 1))
    assert set(chain(*first)) == set(range(total))
    assert sum(map(len, first)) == sum(-(-record.rows // stream.rows) for record in records) * stream.rows
    assert set(chain(*second)) == set(range(total))
    assert second[0] != first[0]
    assert set(second[0]) <= set(range(records[0].rows))
    assert second[0] != sorted(second[0])


def test_ranks_and_resumes_change_nothing(streamed: dict) -> None:
    whole, parted = loader(streamed), loader(streamed)
    for step in (0, 3, 55, 20, 54):
        parts = [tensors(parted.batch(step, 99, rank, 2)) for rank in range(2)]
        together = [torch.cat(pair) for pair in zip(*parts, strict=True)]
        assert all(torch.equal(a, b) for a, b in zip(together, tensors(whole.batch(step, 99)), strict=True))


def test_blocks_are_deleted_and_made_again_as_they_were(streamed: dict, tmp_path: Path) -> None:
    whole = loader(streamed)
    batches = [tensors(whole.batch(step, 99)) for step in range(STEPS)]
    assert len(folders(tmp_path)) > 3
    shutil.rmtree(tmp_path / "cache")
    bounded = loader(streamed, keep_blocks=1)
    for step in (*range(STEPS), 0, 40):
        assert all(torch.equal(a, b) for a, b in zip(tensors(bounded.batch(step, 99)), batches[step], strict=True))
        assert len(folders(tmp_path)) <= 3


def test_damaged_records_are_made_again(streamed: dict, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = loader(streamed)
    batches = [tensors(whole.batch(step, 99)) for step in range(STEPS)]
    count, known = whole.blocks.count, [whole.blocks.record(number) for number in range(whole.blocks.count)]
    for name in ("000001", "000002", "end"):
        path = whole.blocks.folder / f"{name}.json"
        path.write_text(path.read_text()[:-9])
    again = loader(streamed)
    for step in (*reversed(range(STEPS)), STEPS):
        found = tensors(again.batch(step, 99))
        assert step == STEPS or all(torch.equal(a, b) for a, b in zip(found, batches[step], strict=True))
    again.blocks.write(count)
    assert [again.blocks.record(number) for number in range(again.blocks.count)] == known
    assert caplog.text.count("is made anew") >= 3


def test_blocks_are_shuffled_and_their_size_matters(streamed: dict) -> None:
    stream, other = loader(streamed), loader(streamed, block_chars=2 * CHARACTERS)
    ids = (stream.batch(0, 99).ids & 0xFFFFFFFF).tolist()
    assert ids != sorted(ids)
    assert not all_same(stream, other, range(3))


def test_a_run_in_blocks_is_killed_and_goes_on_to_the_same_bits(streamed: dict, tmp_path: Path) -> None:
    streamed["training"] |= {"steps": 90, "checkpoint_every": 9}
    streamed["rows"] |= {"keep_blocks": 1}
    recipe, whole, broken = tmp_path / "recipe.yaml", tmp_path / "whole", tmp_path / "broken"
    recipe.write_text(yaml.safe_dump(streamed))
    Trainer(Config.of(streamed), whole, show=False).train()
    kill_when(start(recipe, broken), broken, 60, 0.01)
    Trainer(Config.of(streamed), broken, resume=True, show=False).train()
    assert losses(broken) == losses(whole)
    assert same(weights(broken), weights(whole))
    assert len(folders(tmp_path)) <= 3


def test_text_that_changed_behind_the_first_block_is_refused(streamed: dict, tmp_path: Path) -> None:
    streamed["training"] |= {"steps": 25, "checkpoint_every": 25}
    path, run = tmp_path / "all.txt", tmp_path / "run"
    Trainer(Config.of(streamed), run, show=False).train()
    path.write_text(path.read_text() + " that nobody has read yet")
    assert Trainer(Config.of(streamed), run, resume=True, show=False).step == 25
    path.write_text(path.read_text().replace("exception", "objection"))
    with pytest.raises(ValueError, match="trained on different text"):
        Trainer(Config.of(streamed), run, resume=True, show=False)


def test_validation_text_of_the_corpus_is_left_out_of_every_block(streamed: dict, tmp_path: Path) -> None:
    documents = (tmp_path / "all.txt").read_text().split("\n\n")
    (tmp_path / "valid.txt").write_text("\n\n".join([documents[1], documents[-1], "Quite another text."]))
    streamed["corpus"]["valid"] = [str(tmp_path / "valid.txt")]
    data = build.data(Config.of(streamed), show=False)
    for step in range(STEPS):
        data.loader.batch(step, STEPS)
    records = [data.loader.blocks.record(number) for number in range(data.loader.blocks.count)]
    assert sum(record.left_out for record in records) == 2
    assert (len(data.shards.valid.bytes), records[0].left_out, records[-1].left_out) == (3, 1, 1)


@pytest.mark.parametrize(
    ("change", "needs"),
    [
        ({"training": {"steps": None, "epochs": 2}}, "training.epochs"),
        ({"training": {"steps": None, "words": 1000}}, "training.words"),
        ({"training": {"keep_at": [100]}}, "training.keep_at"),
        ({"training": {"batch_tokens": "0:256,1:512"}}, "a schedule of training.batch_tokens"),
        ({"order": "easy_first"}, "order.name=easy_first"),
        ({"corpus": {"name": "tokenized", "folders": ["shards"]}}, "corpus.name=tokenized"),
    ],
)
def test_what_needs_all_text_is_refused(change: dict, needs: str) -> None:
    with pytest.raises(ValueError, match=needs):
        Config(rows={"block_chars": 1000}, **change)


def test_blocks_have_one_row_length_and_are_kept_only_where_they_are() -> None:
    with pytest.raises(ValueError, match="end of an epoch"):
        Config(rows={"block_chars": 9, "length": "0:32,1:64"})
    with pytest.raises(ValueError, match="no blocks"):
        Config(rows={"keep_blocks": 2})
