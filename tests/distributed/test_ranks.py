"""Ranks do not matter: two or four see the rows and masks of one, train to its losses, and go on from its checkpoints.

Runs are started as users start them, with `--nproc` and torchrun.
"""

import json
import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from maskwright.distributed import ranks as ranks_of_a_run
from maskwright.distributed.ranks import FSDP_ON_CPU, PARALLEL, World
from maskwright.run import build
from maskwright.run.config import Config
from maskwright.run.metrics_log import read_lines
from maskwright.settings import override
from maskwright.settings.registry import names
from maskwright.training.trainer import Trainer

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def recipe(settings: dict, tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


def command(recipe: Path, out: Path, *rest: str) -> list[str]:
    return [sys.executable, "-m", "maskwright", "train", str(recipe), "--out", str(out), "--quiet", *rest]


def run(recipe: Path, out: Path, *rest: str) -> subprocess.CompletedProcess:
    return subprocess.run(command(recipe, out, *rest), env=ENVIRONMENT, capture_output=True, text=True, check=False)


def losses(out: Path) -> list[float]:
    return [line["loss"] for line in read_lines(out / "metrics.jsonl") if "loss" in line]


@pytest.mark.parametrize("name", names("objectives"))
@pytest.mark.parametrize("size", [2, 4])
def test_ranks_share_out_the_rows_and_masks_of_one(config: Config, name: str, size: int) -> None:
    config = Config.of(override(config.tree(), [f"objective.name={name}"]))
    data = build.data(config, show=False)
    objective = build.objective(config, data.shards)
    for step in (0, 13, 14):
        whole = data.loader.batch(step, 40)
        parts = [data.loader.batch(step, 40, rank, size) for rank in range(size)]
        assert torch.equal(torch.cat([part.tokens for part in parts]), whole.tokens)
        assert torch.equal(torch.cat([part.ids for part in parts]), whole.ids)
        problem, asked = objective(whole, 0), [objective(part, 0) for part in parts]
        for field in ("inputs", "targets", "weights", "view"):
            assert torch.equal(torch.cat([getattr(one, field) for one in asked]), getattr(problem, field))


@pytest.mark.parametrize("parallel", PARALLEL if FSDP_ON_CPU else ["ddp"])
def test_two_ranks_train_as_one_and_hand_over(settings: dict, tmp_path: Path, parallel: str) -> None:
    settings["objective"] = {"name": "mirror", "p_bw": 0.3}
    settings["optimizer"] = {"name": "muon"}
    settings["training"] |= {"micro_batch_tokens": 256, "ema": 0.9, "parallel": parallel, "checkpoint_every": 20}
    settings["training"]["activation_checkpointing"] = parallel == "fsdp"
    source = recipe(settings, tmp_path)
    Trainer(Config.load(source), tmp_path / "one", show=False).train()
    two = run(source, tmp_path / "two", "--nproc", "2")
    assert two.returncode == 0, two.stderr
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), abs=2e-3)
    one, other = (json.loads((tmp_path / name / "final.json").read_text()) for name in ("one", "two"))
    assert other["tokens"] == one["tokens"]
    assert other["words"] == one["words"]
    assert other["valid/loss"] == pytest.approx(one["valid/loss"], abs=2e-3)
    (tmp_path / "two" / "checkpoints" / "step-40").rename(tmp_path / "step-40")
    resumed = Trainer(Config.load(source), tmp_path / "two", resume=True, show=False)
    assert resumed.step == 20
    resumed.train()
    assert losses(tmp_path / "two") == pytest.approx(losses(tmp_path / "one"), abs=2e-3)


def test_shards_that_this_pytorch_cannot_gather_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks_of_a_run, "FSDP_ON_CPU", False)
    with pytest.raises(
        ValueError, match=r"^training.parallel=fsdp needs another PyTorch than .* on a CPU: set it to ddp$"
    ):
        PARALLEL["fsdp"](torch.nn.Linear(1, 1), lambda *_: None)


def test_when_a_rank_is_killed_all_stop_and_the_run_can_be_resumed(settings: dict, tmp_path: Path) -> None:
    settings["training"] |= {"steps": 4000, "log_every": 5}
    source, out = recipe(settings, tmp_path), tmp_path / "run"
    both = subprocess.Popen(
        command(source, out, "--nproc", "2"), env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not list(out.glob("checkpoints/step-*")) and both.poll() is None:
        time.sleep(0.05)
    subprocess.run(["kill", "-9", ranks(both.pid)[-1]], check=True)
    _, said = both.communicate(timeout=60)
    assert both.returncode == 9
    assert "ended with signal 9, so all ranks stopped; resume with --resume" in " ".join(said.split())
    assert Trainer(Config.load(source), out, resume=True, show=False).step >= 7


def ranks(parent: int) -> list[str]:
    """The process ids of the ranks that `parent` started."""
    found = subprocess.run(["pgrep", "-P", str(parent), "-f", "maskwright"], capture_output=True, text=True, check=True)
    return found.stdout.split()


def test_torchrun_restarts_a_run_unattended(settings: dict, tmp_path: Path) -> None:
    source, out = recipe(settings, tmp_path), tmp_path / "run"
    settings["training"]["steps"] = 40
    Trainer(Config.load(source), tmp_path / "whole", show=False).train()
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=1", "--max-restarts=1"]
    script = tmp_path / "faulty.py"
    script.write_text(FAULTY)
    found = subprocess.run(
        [*torchrun, str(script), str(source), str(out)], env=ENVIRONMENT, capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert losses(out) == losses(tmp_path / "whole")


FAULTY = """
import os, signal, sys
from maskwright import Config, Trainer

class Faulty(Trainer):
    def _save(self):
        super()._save()
        if self.step == 14 and os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
            os.kill(os.getpid(), signal.SIGKILL)

Faulty(Config.load(sys.argv[1]), sys.argv[2], show=False).train()
"""


def test_more_ranks_than_rows_are_refused(settings: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings["training"]["batch_tokens"] = 64
    loader = build.data(Config.of(settings), show=False).loader
    with pytest.raises(ValueError, match=r"^training\.batch_tokens gives 2 rows a batch: too few for 4 ranks$"):
        build.check_ranks(loader, 4)


def test_counts_of_two_ranks_add_up(config: Config) -> None:
    loader = build.data(config, show=False).loader
    halves = [loader.batch(3, 40, rank, 2) for rank in range(2)]
    words = [int(half.word.amax(1).sum()) for half in halves]
    assert sum(words) == int(loader.batch(3, 40).word.amax(1).sum())
    assert np.all(np.array(words) > 0)


def test_a_rank_waits_for_so_long_and_ends_with_its_launcher(monkeypatch: pytest.MonkeyPatch) -> None:
    called: dict[str, object] = {}
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setattr(
        torch.distributed, "init_process_group", lambda backend, timeout: called.update(timeout=timeout)
    )
    monkeypatch.setattr(torch.distributed, "get_rank", lambda: 1)
    monkeypatch.setattr("atexit.register", lambda _: None)
    monkeypatch.setattr(ranks_of_a_run, "end_with", lambda parent: called.update(parent=parent))
    world = ranks_of_a_run.join(torch.device("cpu"), minutes=1.5)
    assert world == ranks_of_a_run.World(1, 2)
    assert called == {"timeout": timedelta(seconds=90), "parent": os.getppid()}
    assert "does not answer for 1.5 minutes" in ranks_of_a_run.describe(world, "ddp", 1.5)


def test_a_rank_that_hangs_is_one_sentence() -> None:
    late = RuntimeError("[unbound_buffer.cc:81] Timed out waiting 300000ms for recv operation to complete")
    with pytest.raises(ValueError, match="rank 1 has waited 5 minutes"), ranks_of_a_run.answering(World(1, 2), 5.0):
        raise late
    for world, error in ((World(1, 2), RuntimeError("another")), (World(), late)):
        with pytest.raises(RuntimeError), ranks_of_a_run.answering(world, 5.0):
            raise error


def test_a_process_ends_with_the_one_that_started_it() -> None:
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"
    process = subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    number = int(process.stdout.readline())
    assert Path(f"/proc/{number}").exists()
    process.kill()
    assert process.stdout.read() == "", "the pipe ends with the last process that holds it"
    process.communicate()


CHILD = """
import os, sys
from maskwright.distributed.parent import end_with
end_with(os.getppid())
print(os.getpid(), flush=True)
sys.stdin.read()
"""
