"""From the recipe of the challenge to a leaderboard's folders: train, keep, export, preflight, a learning curve."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from maskwright.cli import app
from maskwright.run.config import Config, recipes
from maskwright.run.milestones import name
from maskwright.settings.outside import TRUST

SMALL = [
    "tokenizer.size=404", "rows.length=32",
    "model.hidden=32", "model.layers=2", "model.heads=2", "model.intermediate=48",
    "training.words=4K", "training.keep_at=[1K,2K,4K]", "training.batch_tokens=512", "training.precision=fp32",
    "training.compile=false", "evaluation.held_out=0.2",
]  # fmt: skip
OURS = [recipe for recipe in recipes() if recipe.startswith("babylm/")]


@pytest.mark.parametrize("recipe", OURS)
def test_a_recipe_keeps_the_schedule_of_its_track(recipe: str) -> None:
    training = Config.load(recipe).training
    kept = [name(words) for words in training.keep_at if words <= training.words]
    assert kept[:11] == [*(f"chck_{n}M" for n in range(1, 11)), "chck_20M"]
    assert (len(kept), kept[-1]) == ((19, "chck_100M") if "strict_small" in recipe else (28, "chck_1000M"))


def test_the_recipes_are_three_systems_on_two_tracks() -> None:
    tracks = [
        {recipe.rpartition("/")[2] for recipe in OURS if f"/{track}/" in recipe} for track in ("strict", "strict_small")
    ]
    assert tracks == [{"amlm", "gpt_bert", "ltg_bert"}] * 2


def test_from_the_data_to_the_leaderboard(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TRUST, "1")
    call = caller(tmp_path)
    call("train", "babylm/strict_small/gpt_bert", f"corpus.files=[{text}]", *SMALL, "--out", "run", "--quiet")
    said = call("export", "run/words", "models")
    folders = sorted(path.name for path in (tmp_path / "models").iterdir())
    assert folders == ["chck_1K", "chck_2K", "chck_4K"]
    assert said.count("MaskwrightForMaskedLM") == 3
    for folder in folders:
        found = json.loads(call("preflight", f"models/{folder}", "--json"))
        assert all(finding["met"] for finding in found), found
    facts = {"field": "syntax", "linguistics_term": "agreement", "UID": "one"}
    pair = {"sentence_good": "It is a list of names.", "sentence_bad": "It are a list of names."}
    (tmp_path / "blimp_fast").mkdir()
    (tmp_path / "blimp_fast/one.jsonl").write_text(json.dumps(pair | facts) + "\n")
    curve = json.loads(call("evaluate", "run/words", "blimp", "--data", ".", "--json"))
    rows = [f"words/{words}/accuracy" for words in (1000, 2000, 4000)]
    assert [row for row in curve if row.endswith("accuracy")] == rows
    assert curve[rows[-1]] == json.loads(call("evaluate", "run", "blimp", "--data", ".", "--json"))["accuracy"]


def caller(place: Path):
    """The command line, in a folder."""
    app.app.registered_commands.clear()
    app.register()

    def call(*words: object) -> str:
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(place)
            said = CliRunner().invoke(app.app, [str(word) for word in words])
        assert said.exit_code == 0, said.exception
        return said.stdout

    return call
