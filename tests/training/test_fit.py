"""A run that fits in a time has as many steps as a trial says, and is a run like any other from then on."""

import json
from dataclasses import replace

import pytest
import torch
import yaml

import maskwright
from maskwright.run.config import Config
from maskwright.training import fit as fitting
from maskwright.training.fit import SHARE, WARM_UP, fit, in_memory
from maskwright.training.machine.memory import Peak, free_bytes
from maskwright.training.trainer import Trainer


@pytest.fixture
def clock(monkeypatch):
    """Updates that take half a second and validations that take one, whatever the machine."""
    ran = []

    def seconds(work, *arguments):
        work(*arguments)
        ran.append(work.__name__)
        return {"update": 100.0 if len(ran) <= WARM_UP else 0.5, "validate": 1.0}[work.__name__]

    monkeypatch.setattr(fitting, "seconds_of", seconds)
    monkeypatch.setattr(fitting, "perf_counter", lambda: 0.0)
    return ran


def test_steps_fill_the_time_that_validations_leave(settings, tmp_path, clock, capsys):
    config = Config.of(settings, ["training.fit_minutes=0.3"])
    fitted = fit(config, tmp_path / "run")
    assert fitted.training.steps == 32, "16 s, one second after 20 steps and one at the end"
    assert fitted == replace(config, training=replace(config.training, steps=32, fit_minutes=None))
    told = "32 of 40 steps fit 0.3 minutes: 500 ms each, and validations 2.0 s in all"
    assert told in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("every", [None, 1, 7, 40])
def test_validations_cost_what_they_read(settings, tmp_path, monkeypatch, every):
    settings["evaluation"]["every"] = every
    trainer, read = Trainer(Config.of(settings), tmp_path / "run", show=False), []
    whole = trainer.validate()
    monkeypatch.setattr(trainer, "validate", lambda train=None, stride=1: read.append(1 / stride) or whole)
    trainer.train()
    assert sum(read) == pytest.approx(trainer.plan.passes(40))


def test_the_trial_is_part_of_the_time(settings, tmp_path, clock, monkeypatch):
    monkeypatch.setattr(fitting, "perf_counter", iter([100.0, 102.0]).__next__)
    assert fit(Config.of(settings, ["training.fit_minutes=0.3"]), tmp_path / "run").training.steps == 28


@pytest.mark.parametrize(("minutes", "timed"), [(0.3, 12), (10, 24), (25, 37)])
def test_a_trial_is_longer_where_there_is_more_time(settings, tmp_path, clock, minutes, timed):
    """A fiftieth of the time, but at least twelve updates, and no more than the run has."""
    fit(Config.of(settings, [f"training.fit_minutes={minutes}"]), tmp_path / "run")
    assert clock.count("update") == WARM_UP + timed


def test_a_run_is_never_made_longer(settings, tmp_path, clock):
    assert fit(Config.of(settings, ["training.fit_minutes=60"]), tmp_path / "run").training.steps == 40


def test_a_time_too_short_for_a_step_is_refused(settings, tmp_path, clock):
    with pytest.raises(
        ValueError, match=r"=0\.02 is too short here: .* takes 0\.5 s and a validation 1\.0 s; one step needs 0\.025"
    ):
        fit(Config.of(settings, ["training.fit_minutes=0.02"]), tmp_path / "run")


def test_what_the_trial_learned_is_gone(settings, tmp_path, clock):
    """The fitted run is bit for bit the run of so many steps."""
    settings["objective"] = {"name": "adaptive", "update_every": 2, "first_update": 2}
    config = Config.of(settings, ["training.fit_minutes=0.3"])
    plain = replace(config, training=replace(config.training, steps=32, fit_minutes=None))
    weights = []
    for name, one in ("fitted", fit(config, tmp_path / "fitted")), ("plain", plain):
        trainer = Trainer(one, tmp_path / name, show=False)
        trainer.train()
        weights.append(trainer.model.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


def test_the_command_trains_so_many_steps_and_resumes_without_a_trial(settings, tmp_path, clock, command):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(settings))
    words = "train", recipe, "training.fit_minutes=0.3", "--out", tmp_path / "run", "--quiet"
    assert command(*words)[0] == 0
    tree = yaml.safe_load((tmp_path / "run/config.yaml").read_text())["training"]
    assert (tree["steps"], tree["fit_minutes"]) == (32, None)
    assert json.loads((tmp_path / "run/final.json").read_text())["step"] == 32
    trials = len(clock)
    assert command(*words, "--resume")[0] == 0
    assert len(clock) == trials


@pytest.fixture
def memory(monkeypatch):
    """A machine with so many bytes free."""

    def call(free):
        monkeypatch.setattr(fitting, "free_bytes", lambda device: free)

    return call


@pytest.mark.parametrize("objective", ["mlm", "hybrid"])
@pytest.mark.parametrize("megabytes", [3.5, 6.0])
def test_micro_batches_fit_into_the_memory_that_is_free(settings, tmp_path, memory, megabytes, objective, capsys):
    settings["objective"] = {"name": objective}
    memory(free := megabytes * 1e6)
    config = Config.of(settings, ["training.micro_batch_tokens=auto"])
    fitted = in_memory(config, tmp_path)
    size = fitted.training.micro_batch_tokens
    assert 32 <= size <= 512
    assert f"{size} tokens at once" in capsys.readouterr().err
    with Peak(torch.device("cpu")) as peak:
        trainer = Trainer(fitted, tmp_path / "run", show=False)
        for step in range(2):
            peak.most = peak.now
            trainer.update(trainer.data.loader.batch(step, 40))
    assert 0.5 * SHARE * free < peak.most < free


def test_a_batch_that_fits_is_whole_and_a_row_that_does_not_is_refused(settings, tmp_path, memory, capsys):
    config = Config.of(settings, ["training.micro_batch_tokens=auto"])
    memory(1e9)
    assert in_memory(config, tmp_path).training.micro_batch_tokens is None
    assert "the whole batch at once" in capsys.readouterr().err
    memory(1e6)
    with pytest.raises(
        ValueError, match=r"auto: a step with one row of 32 takes 0\.00 GB, too much for the 0\.00 GB free"
    ):
        in_memory(config, tmp_path)


def test_a_chosen_size_is_that_size_to_the_bit_and_stays_on_resuming(settings, tmp_path, memory):
    memory(3.5e6)
    config = Config.of(settings, ["training.micro_batch_tokens=auto", "training.steps=6", "model.dropout=0.1"])
    chosen = in_memory(config, tmp_path / "auto").training.micro_batch_tokens
    weights = []
    for name, one in ("auto", config), ("by hand", config.replace(f"training.micro_batch_tokens={chosen}")):
        run = maskwright.Trainer(one, tmp_path / name, show=False)
        run.train()
        weights.append(run.model.state_dict())
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
    memory(1e9)
    assert in_memory(config, tmp_path / "auto", resume=True).training.micro_batch_tokens == chosen


def test_the_peak_of_tensors_is_counted():
    with Peak(torch.device("cpu")) as peak:
        kept = torch.zeros(1000)
        view = kept[10:].add_(1)
        torch.zeros(500).exp()
        assert (peak.now, peak.most) == (4000, 8000)
        torch.zeros(10**6, device="meta")
        del kept
        assert peak.now == 4000
        del view
    assert (peak.now, peak.most) == (0, 8000)


def test_a_container_and_its_ranks_share_what_is_free(monkeypatch, tmp_path):
    everything = free_bytes(torch.device("cpu"))
    (tmp_path / "memory.max").write_text("max\n")
    monkeypatch.setattr("maskwright.training.machine.memory.GROUP", tmp_path)
    assert free_bytes(torch.device("cpu")) > everything / 2
    (tmp_path / "memory.max").write_text("5000000\n")
    (tmp_path / "memory.current").write_text("2000000\n")
    assert free_bytes(torch.device("cpu")) == 3000000
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    assert free_bytes(torch.device("cpu")) == 1500000
