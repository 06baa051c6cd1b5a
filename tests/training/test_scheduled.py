"""Options of an optimizer that change over the run: their value at each step, whom they reach, and that they resume."""

from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from maskwright.run.config import Config
from maskwright.settings.schedule import Ramp
from maskwright.training.trainer import Trainer

from .test_trainer import interrupted, losses, same, weights


def followed(settings: dict, out: Path, steps: int, **optimizer) -> list[dict]:
    """The groups of the optimizer, by role, after each step."""
    settings["optimizer"], settings["training"]["steps"] = optimizer, steps
    settings["model"] |= {"hidden": 16, "layers": 1, "heads": 1, "intermediate": 24}
    settings["training"]["batch_tokens"] = 128
    trainer, seen = Trainer(Config.of(settings), out, show=False), []
    for rows in trainer.data.loader.batches(0, steps):
        trainer.update(rows)
        groups = trainer.state.optimizer.param_groups
        seen.append({group["role"]: {k: v for k, v in group.items() if k != "params"} for group in groups})
    return seen


@pytest.mark.parametrize("name", ["adamw", "adam", "lamb", "muon"])
def test_weight_decay_follows_its_schedule_where_it_decays(settings: dict, tmp_path: Path, name: str) -> None:
    decay = {"start": 0.0, "end": 0.4}
    seen = followed(settings, tmp_path / "run", 5, name=name, lr=1e-3, weight_decay=decay, decay_embeddings=True)
    wanted = [0.4 * step / 5 for step in range(5)]
    for role in ("matrix", "embedding"):
        assert [each[role]["weight_decay"] for each in seen] == pytest.approx(wanted)
    assert {each["vector"]["weight_decay"] for each in seen} == {0.0}


def test_a_step_decays_by_the_number_of_its_moment(settings: dict, tmp_path: Path) -> None:
    """Without a gradient a matrix only shrinks, by the rate times the decay of each step."""
    settings["optimizer"] = {"name": "adamw", "lr": 0.1, "weight_decay": {"steps": {0: 0.5, 0.5: 0.0}}}
    settings["training"] |= {"steps": 4, "warmup": 0.0, "decay": "constant"}
    trainer = Trainer(Config.of(settings), tmp_path / "run", show=False)
    matrix = next(group for group in trainer.state.optimizer.param_groups if group["role"] == "matrix")["params"][0]
    matrix.register_hook(torch.zeros_like)
    before = matrix.detach().clone()
    for rows in trainer.data.loader.batches(0, 4):
        trainer.update(rows)
    assert_close(matrix.detach(), before * 0.95**2)


def test_momentum_warms_up_over_its_part_of_the_run(settings: dict, tmp_path: Path) -> None:
    warm = {"start": 0.85, "end": 0.95, "until": 0.5}
    seen = followed(settings, tmp_path / "run", 8, name="muon", momentum=warm)
    wanted = [0.85, 0.875, 0.9, 0.925, 0.95, 0.95, 0.95, 0.95]
    assert [each["matrix"]["momentum"] for each in seen] == pytest.approx(wanted)
    ramp = Ramp(start=0.4, end=0.1, shape="cosine", until=0.25)
    assert [ramp.at(at) for at in (0, 0.125, 0.25, 1)] == pytest.approx([0.4, 0.25, 0.1, 0.1])
    for wrong in ({"momentum": {"start": 0.85, "end": 1.5}}, {"weight_decay": {"start": -1, "end": 0}}):
        with pytest.raises(ValueError, match="optimizer"):
            Config.of(settings | {"optimizer": {"name": "muon", **wrong}})


def test_schedules_and_parts_resume_to_the_same_bits(settings: dict, tmp_path: Path) -> None:
    settings["optimizer"] = {
        "name": "muon",
        "momentum": {"start": 0.85, "end": 0.95, "until": 0.5},
        "weight_decay": {"start": 0.3, "end": 0.0},
    }
    settings["model"] |= {"hidden": 16, "layers": 1, "heads": 1, "intermediate": 24}
    settings["training"] |= {
        "steps": 12, "batch_tokens": 256, "checkpoint_every": 5, "average": 0.5, "ema_span": 0.3, "best_weights": True,
        "rates": {"embedding": 2.5, "head": {"decay": "linear"}},
    }  # fmt: skip
    config = Config.of(settings)
    Trainer(config, tmp_path / "whole", show=False).train()
    interrupted(config, tmp_path / "broken", 5)
    Trainer(config, tmp_path / "broken", resume=True, show=False).train()
    assert losses(tmp_path / "whole") == losses(tmp_path / "broken")
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "broken"))
