"""The folder of a run: nothing in it is written over, and one process at a time writes to it."""

from pathlib import Path

import pytest
import yaml

from maskwright.run import folder
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer

TRACES = [f"{name}{'' if '.' in name else '/a'}" for name in folder.TRACES]


def refused(config: Config, out: Path, resume: bool = False) -> str:
    with pytest.raises(ValueError, match=r".*") as error:
        Trainer(config, out, resume=resume, show=False)
    return str(error.value)


@pytest.mark.parametrize("trace", TRACES)
def test_what_any_run_left_is_not_written_over(config: Config, tmp_path: Path, trace: str) -> None:
    (tmp_path / trace).parent.mkdir(exist_ok=True)
    (tmp_path / trace).write_text("mine")
    assert "already holds a run" in refused(config, tmp_path)
    assert (tmp_path / trace).read_text() == "mine"


@pytest.mark.parametrize("resume", [False, True])
def test_a_config_of_ones_own_is_not_written_over(config: Config, tmp_path: Path, resume: bool) -> None:
    (tmp_path / "config.yaml").write_text(mine := "# mine\ntraining: {steps: 4}\n")
    assert f"{tmp_path / 'config.yaml'} is" in refused(config, tmp_path, resume)
    assert (tmp_path / "config.yaml").read_text() == mine


def test_a_config_that_says_the_same_keeps_its_comments(config: Config, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(mine := f"# mine\n{yaml.safe_dump(config.tree())}")
    with Trainer(config, tmp_path, show=False).folder.claimed(0):
        assert (tmp_path / "config.yaml").read_text() == mine


def test_a_finished_run_without_checkpoints_is_kept(config: Config, tmp_path: Path) -> None:
    (tmp_path / "final").mkdir()
    (tmp_path / "final" / "model.json").write_text("{}")
    assert "no checkpoint to resume" in refused(config, tmp_path, resume=True)


def test_a_resumed_run_says_what_it_begins_anew(config: Config, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    config.write(tmp_path / "config.yaml")
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"step": 2}\n')
    assert Trainer(config, tmp_path, resume=True, show=False).step == 0
    said = " ".join(capsys.readouterr().err.split())
    assert "the run begins at step 0; 2 lines of metrics.jsonl from before the first checkpoint are dropped" in said
    assert "config.yaml is from another run: seed is 0 there" in refused(config.replace("seed=1"), tmp_path, True)


def test_one_process_at_a_time_writes_to_a_folder(config: Config, tmp_path: Path) -> None:
    waiting = Trainer(config, tmp_path, show=False)
    with folder.writing(tmp_path):
        assert "is being written to by process" in refused(config, tmp_path, resume=True)
        with pytest.raises(ValueError, match="is being written to by process"):
            waiting.train()
    Trainer(config, tmp_path, show=False)


def test_a_run_that_another_has_overtaken_is_refused(config: Config, tmp_path: Path) -> None:
    late = Trainer(config, tmp_path, show=False)
    (tmp_path / "checkpoints" / "step-7").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"another run wrote to .* meanwhile, up to step 7"):
        late.train()
