"""A run that fits in a time has as many steps as a trial says, and is a run like any other from then on."""

import json
from dataclasses import replace

import pytest
import torch
import yaml

from maskwright.run.config import Config
from maskwright.training import fit as fitting
from maskwright.training.fit import VALIDATIONS, WARM_UP, fit
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
    return ran


def test_steps_fill_the_time_that_validations_leave(settings, tmp_path, clock, capsys):
    config = Config.of(settings, ["training.fit_minutes=0.3"])
    fitted = fit(config, tmp_path / "run")
    assert fitted.training.steps == int((18 - VALIDATIONS) / 0.5) == 14
    assert fitted == replace(config, training=replace(config.training, steps=14, fit_minutes=None))
    assert "14 of 40 steps fit 0.3 minutes: 500 ms each and 1.0 s" in capsys.readouterr().err


def test_a_run_is_never_made_longer(settings, tmp_path, clock):
    assert fit(Config.of(settings, ["training.fit_minutes=60"]), tmp_path / "run").training.steps == 40


def test_a_time_too_short_for_a_step_is_refused(settings, tmp_path, clock):
    with pytest.raises(ValueError, match=r"fit_minutes=0\.1 is too short here: a step takes 0\.5 s"):
        fit(Config.of(settings, ["training.fit_minutes=0.1"]), tmp_path / "run")


def test_what_the_trial_learned_is_gone(settings, tmp_path, clock):
    """The fitted run is bit for bit the run of so many steps."""
    settings["objective"] = {"name": "adaptive", "update_every": 2, "first_update": 2}
    config = Config.of(settings, ["training.fit_minutes=0.3"])
    plain = replace(config, training=replace(config.training, steps=14, fit_minutes=None))
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
    assert (tree["steps"], tree["fit_minutes"]) == (14, None)
    assert json.loads((tmp_path / "run/final.json").read_text())["step"] == 14
    trials = len(clock)
    assert command(*words, "--resume")[0] == 0
    assert len(clock) == trials
