"""Micro-batches in which nothing is asked weigh nothing; only a run that never asks is refused."""

from pathlib import Path

import pytest

from maskwright.objectives.base.nothing_asked import nothing_asked
from maskwright.objectives.causal import Causal
from maskwright.objectives.hybrid import Hybrid
from maskwright.objectives.mlm import Mlm
from maskwright.objectives.remask import Remask
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer

from .test_trainer import interrupted, losses, same, weights

RARE = {"name": "mlm", "ratio": 0.004, "at_least_one": False}


def rare(settings: dict, **training: object) -> Config:
    """A run in which many rows have nothing to ask."""
    return Config.of(settings | {"objective": RARE, "training": settings["training"] | training})


def test_what_asks_nothing_is_skipped_and_counted(settings: dict, tmp_path: Path) -> None:
    for name, size in (("whole", None), ("parts", 32)):
        config = rare(settings, steps=12, batch_tokens=256, micro_batch_tokens=size)
        Trainer(config, tmp_path / name, show=False).train()
    whole, parts = ([line for line in losses(tmp_path / name) if "lr" in line] for name in ("whole", "parts"))
    empty = [line for line in whole if line["skipped"]]
    assert 0 < len(empty) < 12
    assert all("loss" not in line and line["mask_ratio"] == 0 for line in empty)
    assert [line["skipped"] == 8 for line in parts] == [line["skipped"] == 1 for line in whole]
    both = [[line.get("loss", 0.0) for line in lines] for lines in (whole, parts)]
    assert both[0] == pytest.approx(both[1], rel=1e-5)
    asked = [line["mask_ratio"] for line in parts]
    assert sum(asked) / len(asked) == pytest.approx(0.004, abs=0.003)


def test_a_run_with_empty_updates_resumes_to_the_same_bits(settings: dict, tmp_path: Path) -> None:
    config = rare(settings, steps=14, batch_tokens=256, log_every=5)
    Trainer(config, tmp_path / "whole", show=False).train()
    interrupted(config, tmp_path / "broken", 7)
    Trainer(config, tmp_path / "broken", resume=True, show=False).train()
    assert losses(tmp_path / "whole") == losses(tmp_path / "broken")
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "broken"))


def test_a_run_that_never_asks_is_refused(settings: dict, tmp_path: Path) -> None:
    settings["objective"] = RARE | {"ratio": 1e-9}
    config = Config.of(settings).replace(["training.steps=3"])
    with pytest.raises(ValueError, match=r"^mlm asked nothing in 3 steps: raise objective\.ratio or set "):
        Trainer(config, tmp_path / "run", show=False).train()
    assert not (tmp_path / "run" / "final.json").exists()


def test_only_settings_that_an_objective_has_are_advised() -> None:
    assert nothing_asked(Causal(), "3 steps") == (
        "causal asked nothing in 3 steps: give texts with more than one token, in rows of more than one"
    )
    assert nothing_asked(Mlm(), "3 steps").endswith(": raise objective.ratio")
    assert nothing_asked(Remask(), "3 steps").endswith(": raise objective.ratio")
    inside = nothing_asked(Hybrid(masked=Mlm(at_least_one=False)), "3 steps")
    assert inside.endswith(": raise objective.masked.ratio or set objective.masked.at_least_one=true")


def test_rows_that_are_asked_both_ways_have_a_ratio_of_one(settings: dict, tmp_path: Path) -> None:
    settings["objective"] = {"name": "mirror", "p_bw": 1.0}
    Trainer(Config.of(settings).replace(["training.steps=2"]), tmp_path / "run", show=False).train()
    assert losses(tmp_path / "run")[0]["mask_ratio"] == pytest.approx(1.0, abs=0.05)
