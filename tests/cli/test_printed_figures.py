"""What a command prints are the figures of its JSON, each in its place."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from maskwright.run.config import Config
from maskwright.training.trainer import Trainer


@pytest.fixture
def settings(settings: dict) -> dict:
    settings["objective"] = {"name": "adaptive", "update_every": 5}
    return settings


@pytest.fixture
def both(command: Callable, monkeypatch: pytest.MonkeyPatch) -> Callable:
    """The JSON of a command, and the lines that it prints without --json, words joined by one blank."""
    monkeypatch.setenv("COLUMNS", "400")

    def call(*words: object) -> tuple:
        (code, out, _), (second, said, _) = command(*words, "--json"), command(*words)
        assert code == second == 0
        return json.loads(out), [" ".join(line.split()) for line in said.splitlines()]

    return call


@pytest.fixture
def trained(settings: dict, tmp_path: Path) -> Path:
    """The folder of an adaptive run."""
    Trainer(Config.of(settings), tmp_path / "run", show=False).train()
    return tmp_path / "run"


def test_evaluate(both: Callable, trained: Path) -> None:
    numbers, lines = both("evaluate", trained, "validation")
    for exam, prefix in (("masked", "masked/"), ("own objective", "")):
        shares = ("accuracy", "top5", "unigram/accuracy", "unigram/top5")
        accuracy, top5, floor, floor5 = (f"{numbers[prefix + metric]:.1%}" for metric in shares)
        losses = f"loss {numbers[prefix + 'loss']:.2f} (unigram {numbers[prefix + 'unigram/loss']:.2f})"
        line = f"validation: {exam} accuracy {accuracy}, top-5 {top5} (unigram {floor}, {floor5}) · {losses}"
        assert [found for found in lines if found.startswith(line)], (line, lines)
    rows = dict(line.rsplit(" ", 1) for line in lines if re.fullmatch(r"\S+ [\d.,]+", line))
    assert len(rows) > 3
    assert rows == {
        name: f"{numbers[name]:,}" if isinstance(numbers[name], int) else f"{numbers[name]:,.4f}" for name in rows
    }


def test_weights(both: Callable, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "tagged.txt").write_text("the_DET list_NOUN is_VERB a_DET value_NOUN of_ADP names_NOUN\n" * 3)
    found, lines = both("weights", trained, "--top", 4, "--lexicon", tmp_path / "tagged.txt")
    for one in (*found["hardest"], *found["easiest"]):
        row = f"{one['token']!r} {one['weight']:.2f} {one['difficulty']:.2f} {one['count']:,}"
        assert " ".join(row.split()) in lines
    assert len(found["hardest"]) == len(found["easiest"]) == 4
    last = {line.split()[0]: line.split()[2] for line in lines if re.fullmatch(r"\w+ \S+% \S+% [\d.]+", line)}
    assert last == {kind: f"{rate:.1%}" for kind, rate in found["rates"].items()}


def test_fill_prints_its_figures(both: Callable, trained: Path) -> None:
    found, lines = both("fill", trained, "The [MASK] is a [MASK].", "--top", 3)
    (blanks,) = found.values()
    for number, blank in enumerate(blanks, 1):
        guesses = (f"{guess.strip() or repr(guess)} {share:.1%}" for guess, share in blank["guesses"])
        assert " ".join(f"{number}. {' '.join(guesses)}".split()) in lines


def test_score(both: Callable, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("The list is empty.\nA value of names.\n")
    found, lines = both("score", trained, tmp_path / "texts.txt")
    for one in found["texts"]:
        row = (one["text"], *(f"{one[column]:,.3f}" for column in ("log_likelihood", "per_token", "per_byte")))
        assert " ".join(row) in lines


def test_masks(both: Callable, settings: dict, tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(settings))
    found, lines = both("masks", "--report", "--run", tmp_path / "recipe.yaml", "--epochs", 2, "--objective", "span")
    assert len(found) == 3
    for one in found:
        covered, diversity = (
            f"{value:.1%} ({chance:.1%})"
            for value, chance in (
                (one["covered"][-1], one["covered_by_chance"][-1]),
                (one["diversity"], one["diversity_by_chance"]),
            )
        )
        fates = "/".join(f"{100 * one['fates'][fate]:.0f}" for fate in ("masked", "random", "kept"))
        length, chance = (sum(share * n for n, share in enumerate(one[name], 1)) for name in ("runs", "runs_by_chance"))
        row = f" {one['ratio']:.1%} {covered} {diversity} {fates} {length:.2f} ({chance:.2f})"
        assert any(line.startswith("span ") and line.endswith(row) for line in lines), (row, lines)
