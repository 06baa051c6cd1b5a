"""Settings of objectives are values: compared, hashed, pickled and used twice; what `build` gives holds the state."""

import pickle
from copy import deepcopy
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from maskwright.objectives.adaptive import Adaptive
from maskwright.objectives.base.objective import Objective
from maskwright.objectives.diffusion import Diffusion
from maskwright.objectives.electra import Electra
from maskwright.objectives.hybrid import Hybrid
from maskwright.objectives.learned import Learned
from maskwright.objectives.mirror import Mirror
from maskwright.objectives.mlm import Mlm
from maskwright.objectives.pmi import Pmi
from maskwright.objectives.staged import Staged
from maskwright.objectives.weighted import Weighted
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer

from ..handmade import plain
from .conftest import EVERY, make
from .live import live

STAGES = (
    {"objective": {"name": "diffusion", "pattern": {"ratio": 0.2, "far": 0.3, "near": 0.0}}, "patience": 1},
    {"objective": {"name": "adaptive", "update_every": 1}},
)
MORE = {
    "mirror that adapts": Mirror(p_bw="adapt"),
    "diffusion that counts": Diffusion(frequency=0.5),
    "staged": Staged(stages=STAGES, keep_earlier=True),
    "weighted by frequency": Weighted(weights="frequency"),
    "adaptive inside": Hybrid(masked=Adaptive(update_every=1, ratio={"steps": {0: 0.4, 0.5: 0.15}})),
    "adaptive inside mntp": Hybrid(masked={"name": "mntp", "masking": {"name": "adaptive", "update_every": 1}}),
}
"""Settings that learn or have state where the defaults do not."""
FAST = {"update_every": 1, "hidden": 16, "min_count": 2, "lr": 0.01}
"""Of objectives that have them: they learn within a few small steps."""


def settings_of(name: str) -> Objective:
    return MORE[name] if name in MORE else make(name, **FAST)


@pytest.fixture(params=[*EVERY, *MORE])
def value(request: pytest.FixtureRequest) -> Objective:
    """The settings of each objective in turn."""
    return settings_of(request.param)


def test_settings_are_a_value(value: Objective) -> None:
    for other in (deepcopy(value), pickle.loads(pickle.dumps(value)), replace(value)):
        assert other == value
        assert hash(other) == hash(value)
    assert replace(value, num_static_masks=7) != value


def test_what_learns_leaves_its_settings_alone(value: Objective) -> None:
    before, some = deepcopy(value), plain(8, 32)
    one, other = live(value), live(value)
    problem = one(some, 0)
    if one.learns:
        one.observe(problem, problem.weights * 3.0, problem.weights > 9)
    one.end_step()
    one.on_validation({"loss": 1.0})
    one.on_validation({"loss": 2.0})
    assert value == before
    assert vars(value) == vars(before)
    assert other(some, 0).inputs.equal(live(value)(some, 0).inputs)


def test_what_was_learned_is_taken_over(value: Objective) -> None:
    one, other, some = live(value), live(value), plain(8, 32)
    for epoch in range(2):
        problem = one(plain(8, 32, epoch=epoch), 0)
        if one.learns:
            one.observe(problem, problem.weights * (problem.targets % 7), problem.targets % 3 == 0)
        one.end_step()
        one.on_validation({"loss": 1.0 + epoch})
    other.load_state_dict({name: tensor.clone() for name, tensor in one.state_dict().items()})
    assert other(some, 0).inputs.equal(one(some, 0).inputs)
    assert all(
        tensor.equal(other.state_dict()[name]) or tensor.isnan().any() for name, tensor in one.state_dict().items()
    )


@pytest.mark.parametrize(
    "value", [Adaptive(), Learned(), Pmi(), Electra(), Weighted(weights="frequency"), MORE["mirror that adapts"],
              MORE["diffusion that counts"], MORE["staged"], MORE["adaptive inside mntp"]], ids=repr
)  # fmt: skip
def test_settings_with_state_say_that_they_must_be_built(value: Objective) -> None:
    with pytest.raises(
        ValueError, match=r"^objective \w+ has state: build it on a text first, \w+\.build\(shards, seed\)$"
    ):
        value(plain(8, 32), 0)


def test_what_has_no_state_is_its_own_live_form() -> None:
    masked = Mlm(ratio=0.3)
    assert live(masked) is masked
    mixed = Hybrid(masked=masked)
    assert live(mixed) is mixed


def losses(config: Config, out: Path) -> list[float]:
    """Those of the first steps of a run."""
    trainer = Trainer(config, out, show=False)
    found = []
    for rows in islice(trainer.data.loader.batches(0, trainer.steps), 4):
        trainer.update(rows)
        found.append(trainer.state.metrics.read()["loss"])
    return found


def test_two_trainers_of_one_config_are_alike(value: Objective, settings: dict, tmp_path: Path) -> None:
    small = {"name": "modern", "hidden": 16, "layers": 1, "heads": 2, "intermediate": 24, "max_length": 64}
    config = replace(Config.of(settings | {"model": small}), objective=value)
    before = deepcopy(config)
    assert losses(config, tmp_path / "one") == losses(config, tmp_path / "other")
    assert config == before
    assert vars(config.objective) == vars(before.objective)
