"""Tuning: what is tried, that interrupted it is the same, what stops early, and what is said of the best."""

import csv
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.run.config import Config
from maskwright.run.resume import leaves

optuna = pytest.importorskip("optuna")

from maskwright.compare.tuning import study as studies  # noqa: E402
from maskwright.compare.tuning import trials as attempts  # noqa: E402
from maskwright.compare.tuning.report import Report, write  # noqa: E402
from maskwright.compare.tuning.space import Choice, Range, changes, own_values, parameters  # noqa: E402
from maskwright.compare.tuning.study import tune  # noqa: E402
from maskwright.training.interrupt import Stopped  # noqa: E402

OVER = ["optimizer.lr=1e-3:1e-1:log", "optimizer.name=muon,adamw"]
VALIDATIONS = 8


class Made:
    """A run that takes no time: its loss is a function of its settings and falls from one validation to the next."""

    stopped: int | None = None
    """After so many runs the process is asked to stop."""
    begun = 0

    def __init__(self, folder: Path):
        config = dict(leaves(Config.load(folder).tree()))
        Made.begun += 1
        if Made.stopped is not None and Made.begun > Made.stopped:
            raise Stopped("asked to")
        self.told = ""
        if config["optimizer.lr"] > 0.09:
            self.told = "the loss is nan at step 3"
            return
        away = abs(config["optimizer.lr"] - 0.02) * 10 + 0.3 * (config["optimizer.name"] == "adamw") + config["seed"]
        values = [6 - at / VALIDATIONS + away for at in range(1, VALIDATIONS + 1)]
        lines = [json.dumps({"step": at, "valid/loss": value}) for at, value in enumerate(values, 1)]
        (folder / "metrics.jsonl").write_text("\n".join(lines) + "\n")
        (folder / "final.json").write_text(json.dumps({"valid/loss": values[-1], "valid/masked/loss": 1.0}))
        (folder / "documents.npz").write_text("")

    def running(self) -> bool:
        return False

    def stop(self) -> None:
        pass

    def error(self) -> str | None:
        return self.told or None


@pytest.fixture
def recipe(settings: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The recipe of runs that take no time."""
    monkeypatch.setattr(studies, "Process", Made)
    monkeypatch.setattr(studies, "PAUSE", 0.0)
    monkeypatch.setattr(Made, "stopped", None)
    monkeypatch.setattr(Made, "begun", 0)
    settings["evaluation"]["every"] = 5
    Config.of(settings).write(tmp_path / "mine.yaml")
    return str(tmp_path / "mine.yaml")


def tuned(recipe: str, out: Path, trials: int = 8, **options) -> Report:
    return Report(tune(recipe, options.pop("over", OVER), trials, out=out, show=False, **options))


def told(report: Report) -> list:
    return [(row.number, row.state, row.value, row.curve, row.values, row.error) for row in report.rows]


@pytest.mark.parametrize(
    ("written", "made"),
    [
        ("optimizer.lr=1e-3:3e-2:log", Range("optimizer.lr", 1e-3, 3e-2, log=True)),
        ("training.warmup=0:0.2:0.05", Range("training.warmup", 0, 0.2, step=0.05)),
        ("model.layers=2:8", Range("model.layers", 2, 8, whole=True)),
        ("model.hidden=128:512:64", Range("model.hidden", 128, 512, step=64, whole=True)),
        ("optimizer.name=muon,adamw", Choice("optimizer.name", ("muon", "adamw"))),
        ("rows.length=['0:64,5:128', 128]", Choice("rows.length", ("0:64,5:128", "128"))),
        (
            "objective.ratio=[0.15, {start: 0.4, end: 0.1}]",
            Choice("objective.ratio", ("0.15", "{end: 0.1, start: 0.4}")),
        ),
    ],
)
def test_ranges_and_choices_are_read_as_they_are_written(written: str, made: Range | Choice) -> None:
    assert parameters([written]) == [made]


@given(st.floats(-5, 5), st.floats(0.001, 5), st.floats(0, 1))
def test_a_number_that_is_tried_lies_in_its_range_and_can_be_typed(low: float, width: float, place: float) -> None:
    found = Range("a.b", low, low + width)
    value = found.value(low + place * width)
    assert found.low <= value <= found.high
    assert abs(value - (low + place * width)) <= 1e-3 * max(abs(low), abs(low + width))


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ([], "nothing is tuned: give --over"),
        (["optimizer.lr"], "write section.key=low:high"),
        (["optimizer.lr=3:1"], "the first end is below the second"),
        (["optimizer.lr=0:1:log"], "a logarithm needs ends above 0"),
        (["optimizer.lr=0.1:a"], "'a' is not a number"),
        (["optimizer.lr=0.1:0.2:5"], "a step is above 0 and at most the range"),
        (["optimizer.name=muon"], "two or more different choices"),
        (["optimizer.name=muon,muon"], "two or more different choices"),
        (["optimizer.lr=0.1:1", "optimizer.lr=0.1:1"], "optimizer.lr is given twice"),
        (["tokenizer.size=400:500"], "losses of another tokenizer do not compare"),
        (["seed.x=1:5"], "losses of another seed do not compare"),
        (["optimizer.rate=0.1:1"], "rate"),
        (["optimizer.name=muon,adamw", "optimizer.momentum=0.8:0.9"], "momentum"),
        (["objective.ratio=0.5:1.5"], "objective.ratio=1.5"),
    ],
)
def test_what_cannot_be_tuned_is_refused_before_anything_runs(recipe, tmp_path, over, sentence) -> None:
    with pytest.raises(ValueError, match=re.escape(sentence)) as caught:
        tuned(recipe, tmp_path / "out", over=over)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_the_recipe_comes_first_and_the_best_is_found(recipe: str, tmp_path: Path) -> None:
    report = tuned(recipe, tmp_path / "out", 14, halving=False)
    assert report.rows[0].values == {"optimizer.lr": 0.01, "optimizer.name": "adamw"}
    assert {row.state for row in report.rows} <= {"complete", "failed"}
    whole = [row for row in report.rows if row.value is not None]
    assert report.best.value == min(row.value for row in whole)
    assert report.best.values["optimizer.name"] == "muon"
    assert abs(report.best.values["optimizer.lr"] - 0.02) < 0.01
    assert sum(report.importances.values()) == pytest.approx(1)
    assert report.command == (
        f"maskwright train {recipe} optimizer.lr={report.best.values['optimizer.lr']} optimizer.name=muon --out best"
    )
    facts = write(report)
    assert json.loads((tmp_path / "out" / "results.json").read_text()) == facts
    assert Config.load(tmp_path / "out" / "best.yaml").optimizer.lr == report.best.values["optimizer.lr"]
    rows = list(csv.DictReader((tmp_path / "out" / "trials.csv").read_text().splitlines()))
    assert len(rows) == 14
    page = (tmp_path / "out" / "page.html").read_text()
    assert page.count("<svg") == 3
    assert f"<td>{report.best.value:.4f}" in page


def test_what_falls_behind_stops_early_and_counts_for_the_rest(recipe: str, tmp_path: Path) -> None:
    report = tuned(recipe, tmp_path / "out", 12)
    stopped = [row for row in report.rows if row.state == "stopped"]
    assert 2 <= len(stopped) <= 9
    assert all(2 <= len(row.curve) < VALIDATIONS and row.value is None for row in stopped)
    assert report.best.value < min(row.curve[-1] for row in stopped)
    assert any("trials stopped early" in line for line in report.lines())


@pytest.mark.parametrize("stop", [1, 5])
def test_an_interrupted_tuning_is_the_unbroken_one(recipe: str, tmp_path: Path, stop: int) -> None:
    whole = tuned(recipe, tmp_path / "whole")
    Made.begun, Made.stopped = 0, stop
    with pytest.raises(Stopped):
        tuned(recipe, tmp_path / "broken")
    Made.stopped = None
    (tmp_path / "broken" / "study.journal.lock").touch()  # as a killed process leaves it
    assert told(tuned(recipe, tmp_path / "broken")) == told(whole)
    assert len(told(tuned(recipe, tmp_path / "broken", 10))) == 10


def test_a_trial_has_the_mean_over_its_seeds(recipe: str, tmp_path: Path) -> None:
    report = tuned(recipe, tmp_path / "out", 2, seeds="3,5", halving=False)
    values = [
        json.loads((tmp_path / "out" / "trials" / f"000-seed-{seed}" / "final.json").read_text()) for seed in (3, 5)
    ]
    assert report.rows[0].value == pytest.approx(sum(each["valid/loss"] for each in values) / 2)
    assert Config.load(tmp_path / "out" / "trials" / "001-seed-5").seed == 5


def test_failed_trials_are_counted_and_the_best_never_one(recipe: str, tmp_path: Path) -> None:
    report = tuned(recipe, tmp_path / "out", 8, over=["optimizer.lr=0.005:0.2", "model.heads=1:4"])
    failed = [row.error for row in report.rows if row.state == "failed"]
    assert any("nan" in error for error in failed)
    assert f"{len(failed)} of 8 trials failed" in "\n".join(report.lines())


def test_the_first_failure_ends_it(recipe: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="trial 0 failed, and nothing else is tried: the loss is nan"):
        tuned(recipe, tmp_path / "out", common=["optimizer.lr=0.095"])


def test_the_best_at_a_border_is_warned_of(recipe: str, tmp_path: Path) -> None:
    report = tuned(recipe, tmp_path / "out", 10, over=["optimizer.lr=1e-3:1e-2:log"], halving=False)
    (remark,) = report.remarks()
    assert "lies at the high end of its range" in remark


def test_a_metric_and_a_folder_are_those_of_the_tuning(recipe: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="metric='speed'"):
        tuned(recipe, tmp_path / "out", metric="speed")
    with pytest.raises(ValueError, match=r"metric=forward/loss is not in the validation of .*: loss, masked/loss"):
        tuned(recipe, tmp_path / "forward", metric="forward/loss")
    assert tuned(recipe, tmp_path / "ratio", 1, over=["objective.ratio=0.1:0.5"]).tuning.metric == "masked/loss"
    tuned(recipe, tmp_path / "out", 1)
    with pytest.raises(ValueError, match=r"out is from another tuning: over is .*choose another --out"):
        tuned(recipe, tmp_path / "out", 1, over=OVER[:1])


def test_a_name_that_the_recipe_has_keeps_its_options(settings: dict) -> None:
    settings["optimizer"] = {"name": "adamw", "lr": 0.01, "weight_decay": 0.3}
    base, space = Config.of(settings), parameters(OVER)
    own = own_values(space, base)
    assert own == {"optimizer.lr": 0.01, "optimizer.name": "adamw"}
    assert base.replace(changes(space, own, base)) == base
    assert base.replace(changes(space, own | {"optimizer.name": "muon"}, base)).optimizer.weight_decay != 0.3
    assert own_values(parameters(["optimizer.lr=0.1:0.2"]), base) is None


def test_real_trials_are_ordinary_runs(settings: dict, tmp_path: Path, command) -> None:
    settings["training"] |= {"steps": 6, "batch_tokens": 256}
    settings["evaluation"]["every"] = 2
    settings["model"] |= {"hidden": 16, "layers": 1, "heads": 1, "intermediate": 24}
    Config.of(settings).write(tmp_path / "mine.yaml")
    words = [
        "tune",
        tmp_path / "mine.yaml",
        "--over",
        "optimizer.lr=1e-3:3e-2:log",
        "--trials",
        2,
        "--out",
        tmp_path / "t",
    ]
    code, out, _ = command(*words, "--json", "--quiet")
    assert code == 0
    found = json.loads(out)
    assert len(found["trials"]) == 2
    run = tmp_path / "t" / "trials" / "000-seed-0"
    final = json.loads((run / "final.json").read_text())
    assert found["trials"][0]["value"] == final["valid/loss"]
    assert found["trials"][0]["curve"][-1] == final["valid/loss"]
    assert attempts.finished(run)
    code, out, _ = command(*words)
    assert code == 0
    assert "train it: maskwright train" in out
