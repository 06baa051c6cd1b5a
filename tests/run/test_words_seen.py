"""The words of a model: its own, and those of every model that it learned from."""

import json
from pathlib import Path

import pytest

from maskwright.evaluate.babylm.budget import excess
from maskwright.run.config import Config
from maskwright.run.words_seen import WordsSeen, words_seen

M = 1_000_000


def made(place: Path, words: int | None, epoch: float = 3.0, **sections) -> Path:
    """A folder that looks like that of a run."""
    place.mkdir()
    config = Config.of({"training": {"steps": 1} | sections.pop("training", {})} | sections)
    config.write(place / "config.yaml")
    if words is not None:
        (place / "final.json").write_text(json.dumps({"words": words}))
        (place / "metrics.jsonl").write_text(json.dumps({"step": 1, "epoch": epoch, "loss": 1.0}) + "\n")
    return place


def test_words_of_teachers_and_of_their_teachers_count_once_each(tmp_path) -> None:
    first = made(tmp_path / "first", 3 * M)
    second = made(tmp_path / "second", 5 * M, training={"init_from": str(first)})
    electra = {"name": "electra", "generator_run": str(first)}
    third = made(tmp_path / "third", 7 * M, epoch=9.5, training={"init_from": str(second)}, objective=electra)
    seen = words_seen(third, Config.load(third))
    assert (seen.own, dict(seen.others)) == (7 * M, {str(second): 5 * M, str(first): 3 * M})
    assert (seen.total, seen.epochs) == (15 * M, 9.5)
    assert (
        seen.described() == "own 7,000,000, of first 3,000,000, of second 5,000,000, total 15,000,000 words; 9.5 epochs"
    )


def test_every_teacher_counts_and_so_do_the_teachers_of_teachers(tmp_path) -> None:
    first, second = made(tmp_path / "first", 3 * M), made(tmp_path / "second", 5 * M)
    taught = {"name": "distill", "teacher": [str(first), str(second)]}
    third = made(tmp_path / "third", 7 * M, objective=taught)
    fourth = made(tmp_path / "fourth", 2 * M, objective=taught | {"teacher": [str(third), str(first)]})
    seen = words_seen(fourth, Config.load(fourth))
    assert dict(seen.others) == {str(third): 7 * M, str(first): 3 * M, str(second): 5 * M}
    assert seen.total == 17 * M


def test_a_run_to_come_has_the_words_that_it_asks_for(tmp_path) -> None:
    config = Config.of({"training": {"words": "100M"}})
    assert words_seen(None, config) == WordsSeen(100 * M, {}, None)
    assert words_seen(None, Config.of({"training": {"epochs": 12}})).epochs == 12


def test_words_that_nobody_knows_are_not_taken_for_none(tmp_path) -> None:
    teacher = made(tmp_path / "imported", None)
    config = Config.of({"training": {"words": "10M", "init_from": str(teacher)}})
    seen = words_seen(None, config)
    assert list(seen.others.values()) == [None]
    assert "of imported unknown" in seen.described()
    assert "nobody knows how many words" in next(excess(seen, "strict-small"))


@pytest.mark.parametrize(
    ("seen", "track", "faults"),
    [
        (WordsSeen(100 * M + 20_000, {}, 10.1), "strict-small", 0),
        (WordsSeen(101 * M, {}, 10.0), "strict-small", 1),
        (WordsSeen(90 * M, {"t": 20 * M}, 9.0), "strict-small", 1),
        (WordsSeen(90 * M, {"t": 20 * M}, 9.0), "strict", 0),
        (WordsSeen(900 * M, {}, 12.0), "strict", 1),
        (WordsSeen(10 * M, {"t": None}, 40.0), "strict", 2),
    ],
)
def test_a_budget_is_the_total_and_ten_epochs(seen, track, faults) -> None:
    assert len(list(excess(seen, track))) == faults
