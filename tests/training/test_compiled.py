"""A compiled step asks the same, is not compiled again for each number of questions, and is compiled where it pays."""

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path

import pytest
import torch
from torch._dynamo.testing import CompileCounter

from maskwright.prediction import problem_loss
from maskwright.run.config import Config
from maskwright.training.machine import compiling
from maskwright.training.machine.compiling import Trial
from maskwright.training.machine.kernels import described
from maskwright.training.trainer import Trainer

Clock = Callable[[float, float], list[str]]


def losses(settings: dict, out: Path) -> list[float]:
    trainer, found = Trainer(Config.of(settings), out, show=False), []
    for rows in trainer.data.loader.batches(0, trainer.steps):
        trainer.update(rows)
        found.append(trainer.state.metrics.read()["loss"])
    return found


@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")
def test_a_mask_ratio_that_falls_compiles_with_a_mask_and_without(
    settings: dict, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Batches of one document a row need no mask."""
    settings["model"]["layers"] = 1
    settings["objective"] = {"name": "mlm", "ratio": {"start": 0.8, "end": 0.05}}
    settings["training"] |= {"steps": 12, "compile": False}
    plain = losses(settings, tmp_path / "plain")
    counter = CompileCounter()
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=counter))
    settings["training"]["compile"] = True
    assert losses(settings, tmp_path / "compiled") == pytest.approx(plain, rel=1e-4)
    assert counter.frame_count == 2


@pytest.fixture
def clock(settings: dict, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Clock:
    """A machine with a compiler, on which a compiled step is not compiled and steps take as long as is said."""
    settings["training"]["compile"] = "auto"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(compiling, "which", lambda _: "g++")
    monkeypatch.setattr(torch, "compile", lambda function, **_: function)
    made: list[str] = []

    def call(eager: float, compiled: float) -> list[str]:
        def seconds(gradient: Callable, loss_fn: Callable) -> float:
            gradient(loss_fn)
            made.append("eager" if loss_fn is problem_loss else "compiled")
            return eager if made[-1] == "eager" else compiled + 30 * (made.count("compiled") == 1)

        monkeypatch.setattr(compiling, "seconds_of", seconds)
        return made

    return call


@pytest.mark.parametrize(
    ("eager", "compiled", "pays", "said"),
    [
        (9.0, 7.0, True, "compiled   7000 ms a step instead of 9000, for 37 s of compiling"),
        (9.0, 8.5, False, "compiled   8500 ms a step instead of 9000, for 38 s of compiling"),
        (9.0, 11.0, False, "compiled   11000 ms"),
        (5.0, 0.1, False, ""),
    ],
)
def test_a_step_is_compiled_where_the_rest_gains_more(
    settings: dict, tmp_path: Path, clock: Clock, capsys: pytest.CaptureFixture, eager: float, compiled: float,
    pays: bool, said: str,
) -> None:  # fmt: skip
    """Of 40 steps; less than four minutes are not worth a trial."""
    clock(eager, compiled)
    trainer = Trainer(Config.of(settings), tmp_path / "run", show=True)
    shown = capsys.readouterr().err
    assert trainer.environment["machine"]["compiled"] == pays
    assert said in shown
    assert ("compiling  the step" in shown) == bool(said)


def test_a_trial_is_made_once_and_a_resumed_run_makes_none(settings: dict, tmp_path: Path, clock: Clock) -> None:
    config = Config.of(settings)
    made = clock(9.0, 7.0)
    Trainer(config, tmp_path / "one", show=False)._save()
    assert made == ["eager"] * 4 + ["compiled"] * 4
    clock(9.0, 11.0)
    assert Trainer(config, tmp_path / "two", show=False).environment["machine"]["compiled"]
    assert made[8:] == ["eager"] * 4
    Trainer(config.replace("training.steps=20"), tmp_path / "three", show=False)
    clock(0.1, 9.0)
    assert Trainer(config, tmp_path / "one", resume=True, show=False).environment["machine"]["compiled"]
    assert len(made) == 13


def test_a_trial_leaves_no_trace(settings: dict, tmp_path: Path, clock: Clock) -> None:
    settings["model"]["dropout"] = 0.1
    settings["objective"] = {"name": "adaptive", "update_every": 2, "first_update": 2}
    settings["training"] |= {"steps": 40, "micro_batch_tokens": 512}
    plain = losses(settings | {"training": settings["training"] | {"compile": False}}, tmp_path / "plain")
    clock(9.0, 7.0)
    assert losses(settings, tmp_path / "tried") == plain


def test_what_pays_depends_on_what_is_to_come() -> None:
    trial = Trial(compiling=30.0, eager=3.0, compiled=2.0)
    assert Trial(**asdict(trial)) == trial
    assert [trial.pays(updates) for updates in (29, 30, 31)] == [False, False, True]


@pytest.mark.parametrize(("threads", "compiled", "told"), [
    (1, False, "bfloat16 products, two products for attention, not compiled, 1 thread"),
    (2, True, "bfloat16 products, a compiled step, 2 threads"),
])  # fmt: skip
def test_what_is_chosen_is_told_in_a_line(threads: int, compiled: bool, told: str) -> None:
    chosen = {"products": "bfloat16", "attention": "two products", "compiled": compiled, "threads": threads}
    assert described(chosen) == told
