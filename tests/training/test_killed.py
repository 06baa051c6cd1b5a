"""A real process is killed without warning, at a moment of its own, and resumed."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from maskwright.run import checkpoint
from maskwright.run.metrics_log import read_lines

from .test_trainer import losses, same, weights


def start(recipe: Path, out: Path, *flags: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "maskwright", "train", str(recipe), "--out", str(out), "--quiet", *flags]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def finish(recipe: Path, out: Path, *flags: str) -> None:
    process = start(recipe, out, *flags)
    _, complaint = process.communicate(timeout=300)
    assert process.returncode == 0, complaint


def kill_when(process: subprocess.Popen, out: Path, lines: int, wait: float) -> None:
    """SIGKILL `wait` seconds after the metrics have so many lines."""
    while len(read_lines(out / "metrics.jsonl")) < lines:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.005)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=wait)
    process.kill()
    process.communicate()


def test_a_killed_run_resumes_to_the_same_bits(settings: dict, tmp_path: Path) -> None:
    settings["training"] |= {"steps": 250, "checkpoint_every": 9, "ema": 0.99}
    settings["model"]["dropout"] = 0.1
    recipe, whole, broken = tmp_path / "recipe.yaml", tmp_path / "whole", tmp_path / "broken"
    recipe.write_text(yaml.safe_dump(settings))
    finish(recipe, whole)
    moment = random.Random(7)
    for lines in (40, 130):
        flags = ["--resume"] if lines > 40 else []
        kill_when(start(recipe, broken, *flags), broken, lines, moment.uniform(0, 0.05))
        assert checkpoint.steps(broken / "checkpoints")
        assert not (broken / "final.json").exists()
    finish(recipe, broken, "--resume")
    epochs = [line["epoch"] for line in read_lines(whole / "metrics.jsonl") if "epoch" in line]
    assert epochs[-1] > 3
    assert losses(broken) == losses(whole)
    assert same(weights(broken), weights(whole))


def test_a_run_that_is_asked_to_stop_saves_itself(settings: dict, tmp_path: Path) -> None:
    settings["training"] |= {"steps": 4000, "checkpoint_every": 4000}
    recipe, out = tmp_path / "recipe.yaml", tmp_path / "run"
    recipe.write_text(yaml.safe_dump(settings))
    process = start(recipe, out)
    while len(read_lines(out / "metrics.jsonl")) < 3:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=0.005)
    process.terminate()
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopping: the update in progress is dropped" in said
    assert "resume with --resume" in said
    assert checkpoint.steps(out / "checkpoints")
