"""The two ratios: against plain loops on made-up runs, and on real ones as a user asks for them."""

import csv
import json
from pathlib import Path
from statistics import mean, stdev

import pytest
import torch
import typer
import yaml
from safetensors.torch import save_file
from typer.testing import CliRunner

from maskwright.cli.commands import evaluate
from maskwright.cli.commands import ratios as ratios_command
from maskwright.compare.directions.ratios import ranges, ratios
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer

STEPS, EPOCHS = (10, 20, 30), (1.0, 2.0, 3.0)


def loss(way: str, p_bw: float, seed: int, step: int, depth: int = 2) -> float:
    """A made-up number for every run and point, none like another."""
    return 1 + depth + {"forward": 0.0, "backward": 1.5}[way] + 3 * p_bw + 0.3 * seed**2 + 5 / (step + 7 * seed)


def made_up(folder: Path, p_bw: float, seed: int, depth: int = 2, width: int = 8) -> Path:
    (folder / "final").mkdir(parents=True)
    tree = {"model": {"name": "modern", "layers": depth, "hidden": width}, "seed": seed}
    (folder / "config.yaml").write_text(yaml.safe_dump(tree | {"objective": {"name": "mirror", "p_bw": p_bw}}))
    save_file({"a": torch.zeros(depth, width), "b": torch.zeros(3)}, folder / "final" / "model.safetensors")
    numbers = {
        step: {f"valid/{way}/loss": loss(way, p_bw, seed, step, depth) for way in ("forward", "backward")}
        for step in STEPS
    }
    lines = [{"step": 5, "epoch": 0.5}, {"step": 30, "epoch": 3.0}, *({"step": s} | numbers[s] for s in STEPS)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "final.json").write_text(json.dumps({"step": 30} | numbers[30]))
    return folder


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    for p_bw in (0.0, 0.1):
        for seed in (0, 1, 2):
            made_up(tmp_path / f"arm-{p_bw}" / f"seed-{seed}", p_bw, seed)
    made_up(tmp_path / "arm-0.1" / "seed-7", 0.1, 7)
    return tmp_path


def chosen(rows, **facts):
    return [row for row in rows if all(row[name] == value for name, value in facts.items())]


def test_ratio_1_is_forward_without_over_forward_with_for_the_seeds_that_both_have(grid: Path) -> None:
    rows = chosen(ratios(grid), ratio=1, at="validation")
    assert [row["step"] for row in rows] == list(STEPS)
    for row, step, epoch in zip(rows, STEPS, EPOCHS, strict=True):
        without, having = ([loss("forward", p, seed, step) for seed in (0, 1, 2)] for p in (0.0, 0.1))
        each = [a / b for a, b in zip(without, having, strict=True)]
        assert row["mean_then_ratio"] == pytest.approx(mean(without) / mean(having))
        assert row["ratio_then_mean"] == pytest.approx(mean(each))
        assert row["mean_then_ratio"] != pytest.approx(row["ratio_then_mean"], rel=1e-6)
        assert row["deviation"] == pytest.approx(stdev(each))
        assert (row["p_bw"], row["seeds"], row["epoch"]) == (0.1, 3, pytest.approx(epoch))


def test_ratio_2_is_forward_over_backward_of_the_same_model(grid: Path) -> None:
    rows = ratios(grid)
    for p_bw, seeds in ((0.0, (0, 1, 2)), (0.1, (0, 1, 2, 7))):
        (row,) = chosen(rows, ratio=2, at="end", p_bw=p_bw)
        front, back = ([loss(way, p_bw, seed, 30) for seed in seeds] for way in ("forward", "backward"))
        assert row["mean_then_ratio"] == pytest.approx(mean(front) / mean(back))
        assert row["ratio_then_mean"] == pytest.approx(mean(a / b for a, b in zip(front, back, strict=True)))
        assert row["parameters"] == 19


def test_a_range_of_epochs_is_the_mean_of_its_points(grid: Path) -> None:
    rows = ratios(grid, epochs=[(1.5, 3), (8, 9)])
    points = chosen(rows, ratio=1, at="validation")[1:]
    (row,) = chosen(rows, ratio=1, at="1.5:3")
    assert not chosen(rows, at="8:9")
    for name in ("mean_then_ratio", "ratio_then_mean"):
        assert row[name] == pytest.approx(mean(point[name] for point in points))
    each = [
        mean(loss("forward", 0.0, seed, step) / loss("forward", 0.1, seed, step) for step in (20, 30))
        for seed in (0, 1, 2)
    ]
    assert row["deviation"] == pytest.approx(stdev(each))


def test_sizes_are_not_mixed(grid: Path) -> None:
    made_up(grid / "deep", 0.1, 0, depth=4)
    rows = ratios(grid)
    assert {row["depth"] for row in chosen(rows, ratio=1)} == {2}
    assert {row["depth"] for row in chosen(rows, ratio=2)} == {2, 4}
    made_up(grid / "deep-plain", 0.0, 0, depth=4)
    (row,) = chosen(ratios(grid), ratio=1, at="end", depth=4)
    assert row["mean_then_ratio"] == pytest.approx(loss("forward", 0, 0, 30, 4) / loss("forward", 0.1, 0, 30, 4))
    assert row["deviation"] is None


def test_mistakes_are_named(grid: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="metric='los': give one of loss, perplexity, accuracy, top5"):
        ratios(grid, "los")
    for wrong in ("5", "5:1", "a:b", "-1:2"):
        with pytest.raises(ValueError, match=f"epochs='{wrong}'"):
            ranges([wrong])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="has no finished run"):
        ratios(tmp_path / "empty")
    (made_up(grid / "unfinished", 0.2, 0) / "final.json").unlink()
    assert {row["p_bw"] for row in ratios(grid)} == {0.0, 0.1}
    made_up(grid / "twice", 0.1, 0)
    with pytest.raises(ValueError, match="are the same run, seed 0"):
        ratios(grid)


def said(command, *arguments: object) -> str:
    app = typer.Typer()
    app.command()(command)
    result = CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def test_real_runs_as_a_user_would_compare_them(settings: dict, tmp_path: Path) -> None:
    """Text is counted alike whether it is read backward too or not, and every run answers for both directions."""
    told = []
    settings["training"] |= {"steps": 8}
    settings["evaluation"]["every"] = 4
    for p_bw in (0.0, 1.0):
        settings["objective"] = {"name": "mirror", "p_bw": p_bw}
        Trainer(Config.of(settings), run := tmp_path / f"p-{p_bw}", show=False).train()
        said(evaluate.command, run, "layers", "--json")
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        told.append([[line[name] for name in ("step", "tokens", "words")] for line in lines if "tokens" in line])
    assert told[0] == told[1]
    rows = json.loads(said(ratios_command.command, tmp_path, "--epochs", "0:9", "--json"))
    final = [json.loads((tmp_path / f"p-{p}" / "final.json").read_text()) for p in (0.0, 1.0)]
    (one,) = chosen(rows, ratio=1, at="end", layers=2)
    assert one["mean_then_ratio"] == pytest.approx(final[0]["valid/forward/loss"] / final[1]["valid/forward/loss"])
    (two,) = chosen(rows, ratio=2, at="end", layers=2, p_bw=0.0)
    assert two["mean_then_ratio"] == pytest.approx(final[0]["valid/forward/loss"] / final[0]["valid/backward/loss"])
    assert chosen(rows, ratio=1, at="end", layers=1)
    with (tmp_path / "ratios" / "ratios.csv").open() as handle:
        assert len(list(csv.DictReader(handle))) == len(rows)
    assert all("<svg" in (tmp_path / "ratios" / f"{name}.svg").read_text() for name in ("steps", "sizes", "layers"))
    shown = said(ratios_command.command, tmp_path)
    assert f"{one['mean_then_ratio']:.4f}" in shown
