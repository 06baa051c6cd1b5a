"""From the recipe of the challenge to a leaderboard's folders: train, keep, export, preflight, a learning curve."""

import json
import re
import shlex
from pathlib import Path

import pytest

from maskwright.evaluate.babylm import tasks
from maskwright.run import milestones
from maskwright.run.config import Config, recipes
from maskwright.run.milestones import name
from tests.evaluate.babylm import data

SMALL = [
    "tokenizer.size=404", "rows.length=32",
    "model.hidden=32", "model.layers=2", "model.heads=2", "model.intermediate=48",
    "training.words=4K", "training.keep_at=[1K,2K,4K]", "training.batch_tokens=512", "training.precision=fp32",
    "training.compile=false", "evaluation.held_out=0.2",
]  # fmt: skip
PAGE = (Path(__file__).parents[2] / "docs/babylm.md").read_text(encoding="utf-8")
OURS = [recipe for recipe in recipes() if recipe.startswith("babylm/")]


@pytest.mark.parametrize("recipe", OURS)
def test_a_recipe_keeps_the_schedule_of_its_track(recipe: str) -> None:
    training = Config.load(recipe).training
    kept = [name(words) for words in training.keep_at if words <= training.words]
    assert kept[:11] == [*(f"chck_{n}M" for n in range(1, 11)), "chck_20M"]
    assert (len(kept), kept[-1]) == ((19, "chck_100M") if "strict_small" in recipe else (28, "chck_1000M"))


def test_the_recipes_are_four_systems_on_two_tracks() -> None:
    tracks = [
        {recipe.rpartition("/")[2] for recipe in OURS if f"/{track}/" in recipe} for track in ("strict", "strict_small")
    ]
    assert tracks == [{"amlm", "gpt_bert", "ltg_bert", "modern"}] * 2


COMMANDS = [
    shlex.split(line)[1:]
    for line in re.findall(r"^    (maskwright .*?)(?:   |$)", PAGE.partition("\n## ")[0], flags=re.MULTILINE)
]
"""The commands of the page from the corpus to the upload."""


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three checkpoints within thousands of words, and the counts of the small files."""
    monkeypatch.setitem(milestones.SCHEDULES, "babylm", [1000, 2000, 4000])
    monkeypatch.setitem(tasks.TRACKS, "strict-small", 5000)
    data.small(monkeypatch)


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
def test_every_command_of_the_page_from_the_corpus_to_the_upload(
    text, tmp_path, monkeypatch, command, hub, small
) -> None:
    documents = text.read_text().split("\n\n")
    for file, some in {"train_10M/books.train": documents[:24], "dev/books.dev": documents[24:]}.items():
        (tmp_path / "babylm" / file).parent.mkdir(parents=True)
        (tmp_path / "babylm" / file).write_text("\n\n".join(some))
    data.write(tmp_path, fast=True)
    monkeypatch.chdir(tmp_path)
    assert [words[0] for words in COMMANDS] == ["preflight", "train", "evaluate", "evaluate", "collate", "push"]
    changes = {"preflight": SMALL, "train": [*SMALL, "--quiet"], "evaluate": ["workers=1"]}
    said = {}
    for words in COMMANDS:
        code, said[words[0]], complaint = command(*words, *changes.get(words[0], []))
        assert code == 0, complaint
    assert "words" in said["preflight"]
    assert sorted(path.name for path in Path("RUN/words").glob("chck*")) == ["chck_1K", "chck_2K", "chck_4K"]
    made = json.loads(Path("RUN/results/RUN/all_full_preds_and_fast_scores_mntp.json").read_text())
    assert None not in made.values()
    assert [len(rows) for rows in made["fast_eval_results"].values()] == [3] * 7
    assert command("export", "RUN/words", "models")[0] == 0
    code, told, _ = command("preflight", "models/chck_2K", "--json")
    assert code == 0, told
    assert set(hub.repositories["OWNER/NAME"]) >= {"main", "chck_1K", "chck_2K", "chck_4K"}
