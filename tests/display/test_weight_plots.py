"""What a run has learned to hide, by token and by kind of word, on the command line and as plots."""

import json
import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml

from maskwright.display.adaptive import weight_plots
from maskwright.run.config import Config
from maskwright.text import pos_lexicon
from maskwright.training import token_weights
from maskwright.training.trainer import Trainer

from ..cli.test_app import run as run_fixture

run = run_fixture
DATA = Path(os.environ.get("MASKWRIGHT_DATA", "../shared/data")) / "masc_pos" / "train.txt"


@pytest.fixture
def trained(settings: dict, tmp_path: Path) -> Path:
    settings["objective"] = {"name": "adaptive", "update_every": 5}
    settings["evaluation"]["every"] = 10
    Trainer(Config.of(settings), tmp_path / "run", show=False).train()
    return tmp_path / "run"


def test_the_command_shows_tokens_and_kinds(run, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "tagged.txt").write_text("The_DT class_NN is_VBZ old_JJ ._.\nNames_NNS return_VBP the_DT name_NN ._.\n")
    code, said, complaint = run("weights", trained, "--lexicon", tmp_path / "tagged.txt", "--json", "--top", 5)
    assert code == 0, complaint
    found = json.loads(said)
    assert set(found["rates"]) == {"noun", "verb", "adjective", "determiner", "sign"}
    hardest, easiest = ([line["weight"] for line in found[end]] for end in ("hardest", "easiest"))
    assert len(hardest) == len(easiest) == 5
    assert hardest == sorted(hardest, reverse=True)
    assert min(hardest) > max(easiest)
    names = {path.name for path in (trained / "plots").glob("*.svg")}
    assert {"weights.svg", "weights_tokens.svg", "hiding_rates.svg", "mask_ratio.svg"} <= names
    code, said, _ = run("weights", trained, "--plots", tmp_path / "plots")
    assert code == 0
    assert token_weights.of_run(trained / "checkpoints" / "step-35")[0]["step"].tolist() == [10, 20, 30]
    assert "hardest" in said
    assert not (tmp_path / "plots" / "hiding_rates.svg").exists()


def test_only_what_was_judged_is_ranked(caplog: pytest.LogCaptureFixture) -> None:
    found = {
        "weight": np.array([[1.0, 3.0, 0.5, 9.0]]), "count": np.array([[4, 2, 1, 0]]),
        "difficulty": np.array([[0.5, 0.9, 0.1, np.nan]]),
    }  # fmt: skip
    ends = weight_plots.extremes(found, list("abcd"), 2)
    assert [line["token"] for line in ends["hardest"]] == ["b", "a"]
    assert [line["token"] for line in ends["easiest"]] == ["c", "a"]
    assert not caplog.messages
    weight_plots.extremes(found | {"count": np.zeros((1, 4))}, list("abcd"), 2)
    assert "too short for weights" in caplog.text


def test_a_slip_in_many_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "tagged.txt").write_text("cat_NN " * 2000 + "odd_NNX")
    assert pos_lexicon.read(tmp_path / "tagged.txt") == Counter({("cat", "noun"): 2000})


def test_words_are_counted_by_kind(tmp_path: Path) -> None:
    path = tmp_path / "tagged.txt"
    path.write_text("a_b_NN runs_VBZ\nruns_NOUN being_VBG|NN\n")
    assert pos_lexicon.read(path) == Counter(
        {("a_b", "noun"): 1, ("runs", "verb"): 1, ("runs", "noun"): 1, ("being", "verb"): 1}
    )


@pytest.mark.parametrize(
    ("tagged", "sentence"),
    [
        ("fine_NN odd_NNX", "'odd_NNX' and 0 more have no known tag; did you mean 'NN"),
        ("fine_NN\nbare", "'bare' and 0 more have no known tag"),
        ("\n", "contains no tagged words, as in The_DT cat_NN"),
    ],
    ids=["unknown", "bare", "empty"],
)
def test_a_lexicon_that_is_none_is_refused(run, trained: Path, tmp_path: Path, tagged: str, sentence: str) -> None:
    (tmp_path / "tagged.txt").write_text(tagged)
    code, _, complaint = run("weights", trained, "--lexicon", tmp_path / "tagged.txt")
    assert code == 2
    assert sentence in complaint
    assert "Traceback" not in complaint


def test_other_runs_and_other_vocabularies_are_refused(run, trained: Path, tmp_path: Path) -> None:
    assert "holds no mask_weights.parquet" in run("weights", tmp_path)[2]
    config = yaml.safe_load((trained / "config.yaml").read_text())
    config["tokenizer"]["size"] = 380
    (trained / "config.yaml").write_text(yaml.safe_dump(config))
    assert "has 404 tokens, but the run's tokenizer has 380" in run("weights", trained)[2]
    assert token_weights.read(trained)["step"].tolist() == [10, 20, 30, 40]


@pytest.mark.skipif(not DATA.is_file(), reason="the tagged sentences of MASC are not here (MASKWRIGHT_DATA)")
def test_masc_can_be_read() -> None:
    words = pos_lexicon.read(DATA)
    assert words.total() > 580_000
    assert {kind for _, kind in words} == set(pos_lexicon.KINDS)
