"""A comparison from the command line to the page: killed, gone on with, looked at."""

import csv
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
import pytest
import torch
import yaml
from typer.testing import CliRunner

from maskwright.cli import app
from maskwright.compare.experiments import arms
from maskwright.compare.runner import one_run
from maskwright.run import build, saved
from maskwright.run.metrics_log import read_lines
from maskwright.training.trainer import Trainer

from ..browser import browsing
from ..display.test_pages import check

BLIMP = "blimp,data=full_eval,backend=mlm_word"
RUNS = [f"{arm}/seed-{seed}" for arm in ("often", "rare") for seed in (0, 1)]
MEASURE = """(() => {
const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
const drawn = [...document.querySelectorAll('figure svg')].filter(e => e.getBoundingClientRect().height > 60);
return {
  drawn: drawn.length, twice: ids.length - new Set(ids).size, outside: document.body.scrollWidth - innerWidth,
  rows: document.querySelectorAll('table tbody tr').length, lead: document.querySelector('.lead').innerText,
};
})()"""


def invoke(*arguments: object):
    app.app.registered_commands.clear()
    app.register()
    return CliRunner().invoke(app.app, ["compare", *map(str, arguments)])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Two arms, the second with another objective and fewer words to a batch."""
    folder = tmp_path_factory.mktemp("recipes")
    documents = [" ".join(topics[name].split())[:1500] for name in sorted(topics)[:30]]
    (folder / "topics.txt").write_text("\n\n".join(documents), encoding="utf-8")
    settings = {
        "corpus": {"files": [str(folder / "topics.txt")]},
        "tokenizer": {"kind": "bpe", "size": 404},
        "rows": {"length": 32},
        "model": {"name": "modern", "hidden": 32, "layers": 1, "heads": 2, "intermediate": 48, "max_length": 64},
        "optimizer": {"name": "adamw", "lr": 0.01},
        "training": {"steps": 30, "batch_tokens": 512, "log_every": 1, "checkpoint_every": 7, "precision": "fp32"},
        "evaluation": {"held_out": 0.2, "every": 10},
    }
    (folder / "tiny.yaml").write_text(yaml.safe_dump(settings))
    return [f"often:{folder / 'tiny.yaml'}+objective.ratio=0.3", f"rare:{folder / 'tiny.yaml'}+objective.name=span"]


@pytest.fixture(scope="module")
def done(written: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison that was killed while it ran, and then went on."""
    out = tmp_path_factory.mktemp("compared") / "out"
    command = [sys.executable, "-m", "maskwright", "compare", *written, "--seeds", "2", "--out", str(out)]
    command += ["--primary", "masked/loss"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not any(len(read_lines(path)) > 8 for path in out.glob("runs/*/*/metrics.jsonl")):
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.02)
    process.kill()
    process.wait()
    assert not (out / "page.html").exists()
    assert not all(one_run.finished(out / "runs" / run) for run in RUNS)
    asked = ("--seeds", 2, "--out", out, "--primary", "masked/loss")
    result = invoke(*written, *asked, "--publish", out.parent / "kept", "--quiet")
    assert result.exit_code == 0, result.exception
    assert result.stdout.startswith("Hidden tokens, loss (primary): against ")
    return out


def test_every_run_is_the_run_that_train_makes(done: Path, written: list[str], tmp_path: Path) -> None:
    config = arms(written)[1].at(1)
    Trainer(config, tmp_path / "alone", show=False).train()
    ours, theirs = (saved.load(folder)[0].state_dict() for folder in (done / "runs/rare/seed-1", tmp_path / "alone"))
    assert all(torch.equal(ours[name], theirs[name]) for name in ours | theirs)


def test_runs_of_a_seed_see_the_same_rows(written: list[str]) -> None:
    one, other, third = (build.data(arms(written)[arm].at(seed), show=False) for arm, seed in ((0, 1), (1, 1), (0, 0)))
    same = [torch.equal(one.loader.batch(step, 30).tokens, other.loader.batch(step, 30).tokens) for step in range(30)]
    assert all(same)
    assert not torch.equal(one.loader.batch(0, 30).tokens, third.loader.batch(0, 30).tokens)


def test_the_tables_hold_every_number(done: Path) -> None:
    found = json.loads((done / "results.json").read_text())
    finals = {run: json.loads((done / "runs" / run / "final.json").read_text()) for run in RUNS}
    tidy = {(f"{row['arm']}/seed-{row['seed']}", row["metric"]): row["value"] for row in found["records"]}
    for run, numbers in finals.items():
        assert all(tidy[run, name.removeprefix("valid/")] == number for name, number in numbers.items())
    assert found["failed"] == {}
    assert set(found["compared"]) == {f"masked/{name}" for name in ("loss", "bits_per_byte", "accuracy", "top5")}
    (loss,) = (each for each in found["differences"] if each["metric"] == "masked/loss")
    each = [finals[f"rare/seed-{seed}"]["valid/masked/loss"] - finals[f"often/seed-{seed}"]["valid/masked/loss"]
            for seed in (0, 1)]  # fmt: skip
    assert loss["mean"] == pytest.approx(np.mean(each))
    assert list(loss["seeds"].values()) == pytest.approx(each)
    interval, mean = loss["interval"], np.mean(each)
    assert (interval["low"] + interval["high"]) / 2 == pytest.approx(mean)
    assert interval["level"] == 0.95
    assert found["primary"] == {"metric": "masked/loss", "declared": True}
    assert {one["interval"]["level"] for one in found["differences"] if one["interval"]} == {0.95, 0.975}, (
        "the others are a family of two"
    )
    with (done / "summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {(row["metric"], row["arm"]) for row in rows} == {
        (m, a) for m in found["compared"] for a in ("often", "rare")
    }
    with (done / "curves.csv").open() as file:
        curves = [row for row in csv.DictReader(file) if row["metric"] == "masked/loss"]
    assert [float(row["step"]) for row in curves] == [10, 20, 30] * 4
    assert all(row["tokens"] for row in curves)
    knobs = {name for arm in found["arms"].values() for name in arm["differing"]}
    assert {"objective.ratio", "objective.name"} <= knobs
    assert next(each for each in found["to_loss"] if each["arm"] == "often")["spent"]["tokens"] <= 30 * 512


def test_documents_sum_up_to_the_metric(done: Path) -> None:
    for run in RUNS:
        numbers = json.loads((done / "runs" / run / "final.json").read_text())
        with np.load(done / "runs" / run / "documents.npz") as sums:
            for name in ("loss", "accuracy", "masked/loss", "masked/top5"):
                weight = sums[name.rpartition("/")[0] + "/" * ("/" in name) + "weight"]
                assert sums[name].sum() / weight.sum() == pytest.approx(numbers[f"valid/{name}"], rel=1e-6)
                assert (weight > 0).sum() > 3


def test_flops_are_counted_by_hand(done: Path, written: list[str]) -> None:
    """All positions pass queries, keys and values, and meet 32 others; about 0.29 of them are asked and go on."""
    model, tokenizer = saved.load(done / "runs/often/seed-0")
    found = json.loads((done / "runs/often/seed-0/cost.json").read_text())
    assert found["parameters"] == sum(p.numel() for p in model.parameters())
    width, inner = 32, 48
    asked = (width * width + 3 * width * inner) + width * (width + tokenizer.vocabulary.size)
    by_hand = 6 * (3 * width * width + 0.29 * asked) + 12 * 32 * width
    assert found["flops_per_token"] == pytest.approx(by_hand, rel=0.02)


def test_only_the_unfinished_run_goes_on(done: Path, written: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(done, out)
    broken = out / "runs" / RUNS[2]
    for path in (broken / "final.json", broken / "checkpoints/step-30"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    lines = read_lines(broken / "metrics.jsonl")
    lines[0]["mark"] = 1
    (broken / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    others = [path for run in RUNS if run != RUNS[2] for path in (out / "runs" / run).rglob("*")]
    before = {path: path.stat().st_mtime_ns for path in others}
    result = invoke(*written, "--seeds", 2, "--out", out, "--quiet", "--json", "--primary", "masked/loss")
    assert result.exit_code == 0, result.exception
    assert {path: path.stat().st_mtime_ns for path in others} == before
    assert read_lines(broken / "metrics.jsonl")[0]["mark"] == 1, "it began anew"
    again, first = (json.loads((folder / "results.json").read_text()) for folder in (out, done))
    assert json.loads(result.stdout) == again
    assert again["differences"] == first["differences"]


def test_a_primary_metric_named_after_the_runs_is_said_to_be(done: Path, written: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(done, out)
    result = invoke(*written, "--seeds", 2, "--out", out, "--quiet", "--primary", "masked/accuracy")
    assert result.stdout.startswith("Hidden tokens, accuracy (primary, but named after the runs had begun): against")


def test_another_run_in_the_folder_is_refused(done: Path, written: list[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in done.rglob("*")}
    result = invoke(*written, "--seeds", 2, "--out", done, "--budget", "steps=31")
    assert isinstance(result.exception, ValueError)
    assert "training.steps is 30 there and 31 now" in str(result.exception)
    assert {path: path.stat().st_mtime_ns for path in done.rglob("*")} == before


def test_a_run_that_fails_is_named_and_the_others_are_compared(done: Path, written: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(done / "runs", out / "runs")
    wild = written[0].replace("often:", "wild:") + "+optimizer.lr=1e30"
    result = invoke(*written, wild, "--seeds", "0,", "--out", out, "--quiet")
    assert isinstance(result.exception, ValueError)
    assert str(result.exception).startswith("wild · seed 0 failed: the loss is ")
    found = json.loads((out / "results.json").read_text())
    assert list(found["failed"]) == ["wild · seed 0"]
    assert found["compared"]["masked/loss"] == ["often", "rare"]
    assert "wild · seed 0 failed" in (out / "page.html").read_text()


def test_what_suites_said_of_the_runs_is_compared_too(done: Path, written: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(done, out)
    for place, run in enumerate(RUNS):
        (kept := out / "runs" / run / "evaluations").mkdir()
        numbers = {"weights": saved.weights(saved.read(kept.parent / "final")), "field/syntax/accuracy": 0.4}
        (kept / f"{BLIMP}.json").write_text(json.dumps(numbers | {"accuracy": 0.5 + place / 10}))
        (kept / "zorro.json").write_text(json.dumps(numbers | {"accuracy": 0.5 + max(place, 1) / 10}))
        np.savez(kept / f"{BLIMP}.npz", paradigm=["one", "two"], credit=[0.5 + place / 10, 0.5 + place / 10])
        (kept / "layers.json").write_text(json.dumps({"accuracy": 0.0}))
    assert invoke(*written, "--seeds", 2, "--out", out, "--quiet").exit_code == 0
    found = json.loads((out / "results.json").read_text())
    assert f"{BLIMP}/accuracy" in found["compared"]
    assert "layers/accuracy" not in found["compared"]
    (blimp,) = (each for each in found["differences"] if each["metric"] == f"{BLIMP}/accuracy")
    assert list(blimp["seeds"].values()) == pytest.approx([0.2, 0.2])
    assert blimp["over_text"] == pytest.approx([0.2, 0.2])
    page = (out / "page.html").read_text()
    assert f"{BLIMP}: accuracy" in page
    assert "often, seed 0, and often, seed 1, have the same 2 numbers in zorro: one may be a copy" in page
    shutil.copy(kept / f"{BLIMP}.json", out / "runs" / RUNS[0] / "evaluations" / f"{BLIMP}.json")
    refused = invoke(*written, "--seeds", 2, "--out", out, "--quiet").exception
    assert f"{BLIMP}.json is of the weights " in str(refused)
    (out / "runs" / RUNS[0] / "evaluations" / f"{BLIMP}.json").write_text('{"accuracy": 0.5}')
    refused = invoke(*written, "--seeds", 2, "--out", out, "--quiet").exception
    assert "is of weights that it does not name, not of those in" in str(refused)


def test_what_is_published_is_small(done: Path) -> None:
    kept = list((done.parent / "kept").iterdir())
    assert {"results.json", "summary.csv", "curves.csv", "page.html", "masked_loss.png"} <= {path.name for path in kept}
    assert {path.suffix for path in kept} == {".json", ".csv", ".png", ".html"}


def test_the_page_in_a_browser(done: Path, tmp_path: Path) -> None:
    page = (done / "page.html").read_text(encoding="utf-8")
    assert not re.search(r'(?:src|href)="https?:', page)
    assert "$" not in re.sub(r"<svg.*?</svg>", "", page, flags=re.DOTALL)
    with browsing(tmp_path / "profile") as browser:
        browser.open((done / "page.html").as_uri())
        seen = browser.ask(MEASURE)
        check(browser, (done / "page.html").as_uri())
    assert seen["drawn"] == 6, "curves and differences of loss, accuracy and top 5"
    assert seen["twice"] == 0
    assert seen["outside"] <= 0
    assert seen["rows"] > 20
    assert seen["lead"].count("against") == 2
    assert seen["lead"].startswith("Hidden tokens, loss (primary)")


@pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="the package ray is not installed")
def test_runs_on_a_cluster(written: list[str], done: Path, tmp_path: Path) -> None:
    result = invoke(*written, "--seeds", 1, "--out", tmp_path / "out", "--ray", "local", "--workers", 1, "--quiet")
    assert result.exit_code == 0, result.exception
    ours, theirs = (json.loads((out / "results.json").read_text()) for out in (tmp_path / "out", done))
    here = {(r["arm"], r["metric"]): r["value"] for r in ours["records"] if r["metric"] != "seconds"}
    there = {
        (r["arm"], r["metric"]): r["value"] for r in theirs["records"] if not r["seed"] and r["metric"] != "seconds"
    }
    assert here == there
