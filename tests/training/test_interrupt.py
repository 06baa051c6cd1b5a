"""A run that is asked to stop drops the update in progress, wherever that is, and resumes to the same bits."""

import os
import signal
from pathlib import Path

import pytest

from maskwright.evaluate.validation.validate import validate
from maskwright.run import checkpoint
from maskwright.run.config import Config
from maskwright.training import trainer as training
from maskwright.training.interrupt import Stop, Stopped, interrupts
from maskwright.training.trainer import Trainer

from .test_trainer import losses, same, weights

PATTERNS = [{"ratio": 0.3, "spans": 2}, {"max_ratio": 0.5}, {"ratio": 0.2, "spans": 1}]
STAGES = [{"objective": {"name": "diffusion", "frequency": 0.02, "pattern": pattern}} for pattern in PATTERNS]
ENDS = [{"patience": 1}, {"patience": 1}, {}]


@pytest.fixture
def staged(settings: dict) -> Config:
    """A run in which validations decide, and what is evaluated is not what is trained."""
    settings["objective"] = {"name": "staged", "stages": [stage | end for stage, end in zip(STAGES, ENDS, strict=True)]}
    settings["training"] |= {"steps": 12, "ema": 0.9, "micro_batch_tokens": 512, "log_every": 2}
    settings["evaluation"]["every"] = 3
    return Config.of(settings)


def stopped(config: Config, out: Path, monkeypatch: pytest.MonkeyPatch, place: str, calls: int) -> int:
    """The step at which a run is saved that is asked to stop in the so manieth call of `place`."""
    trainer, count = Trainer(config, out, show=False), 0

    def ask(*_: object) -> None:
        nonlocal count
        count += 1
        if count == calls:
            trainer.stop.ask()

    if place == "gradient":
        next(trainer.model.parameters()).register_post_accumulate_grad_hook(ask)
    else:
        monkeypatch.setattr(training, "validate", lambda *given: (ask(), validate(*given))[1])
    with pytest.raises(Stopped, match="resume with --resume"):
        trainer.train()
    monkeypatch.undo()
    return checkpoint.steps(out / "checkpoints")[-1]


def test_a_stopped_run_resumes_to_the_same_bits(
    staged: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Trainer(staged, tmp_path, show=False).train()
    for place, calls, step in [("gradient", 1, 0), ("gradient", 14, 6), ("validate", 2, 6), ("validate", 4, 12)]:
        broken = tmp_path / f"{place}{calls}"
        assert stopped(staged, broken, monkeypatch, place, calls) == step
        Trainer(staged, broken, resume=True, show=False).train()
        assert losses(broken) == losses(tmp_path), (place, calls)
        assert same(weights(broken), weights(tmp_path)), (place, calls)


def test_a_signal_asks_once_and_leaves_a_block_at_once() -> None:
    before = signal.getsignal(signal.SIGINT)
    with interrupts("") as stop:
        with pytest.raises(Stopped), stop.at_once():
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)  # a second one changes nothing
        assert stop.is_set()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_outside_such_a_block_a_request_is_kept() -> None:
    stop = Stop()
    stop.ask()
    with pytest.raises(Stopped), stop.at_once():
        pytest.fail("the block is not entered")
