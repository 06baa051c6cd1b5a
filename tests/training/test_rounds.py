"""Rounds: each begins where the one before ended and learns from the newest writer; stopped ones go on to the same."""

import shutil
from pathlib import Path

import torch
import yaml

from maskwright.run import saved
from maskwright.run.config import Config
from maskwright.training.rounds import rounds
from maskwright.training.trainer import Trainer

CORRECT = {
    "name": "hybrid", "masked": "diffusion", "share": 0.5,
    "causal": {"name": "remask", "target": "original", "corruption": {"synthetic": 1.0}, "generator_run": "LAST",
               "masked_ratio": 1.0},
}  # fmt: skip
DETECT = {"name": "remask_binary", "corruption": {"synthetic": 1.0}, "generator_run": "LAST", "judged": "replaced"}


def state(run: Path) -> dict[str, torch.Tensor]:
    return saved.load(run)[0].state_dict()


def test_rounds_follow_each_other_and_a_stopped_one_goes_on(settings: dict, tmp_path: Path, command) -> None:
    tree = settings | {"training": settings["training"] | {"steps": 6, "checkpoint_every": 3, "keep": None}}
    tree |= {"evaluation": {"held_out": 0.2, "every": 99}}
    start = tmp_path / "d"
    Trainer(Config.of(tree | {"objective": "diffusion"}), start, show=False).train()
    for name, objective in (("correct", CORRECT), ("detect", DETECT)):
        recipe = tmp_path / f"{name}.yaml"
        recipe.write_text(yaml.safe_dump(tree | {"objective": objective}))
        out = tmp_path / name
        code, said, wrong = command("rounds", start, recipe, "--rounds", 2, "--out", out, "--quiet")
        assert code == 0, wrong
        assert [line.partition(":")[0] for line in said.splitlines()] == [str(out / "round-1"), str(out / "round-2")]
        first, second = (Config.load(out / f"round-{number}") for number in (1, 2))
        assert (first.training.init_from, second.training.init_from) == (str(start), str(out / "round-1"))
        writers = [config.tree()["objective"] for config in (first, second)]
        writers = [(one.get("causal") or one)["generator_run"] for one in writers]
        assert writers == [str(start), str(out / "round-1") if name == "correct" else str(start)]
        assert second.seed == first.seed + 1
    before = state(tmp_path / "correct" / "round-2")
    shutil.rmtree(tmp_path / "correct" / "round-2" / "final")
    (tmp_path / "correct" / "round-2" / "final.json").unlink()
    shutil.rmtree(tmp_path / "correct" / "round-2" / "checkpoints" / "step-6")
    *_, last = rounds(start, str(tmp_path / "correct.yaml"), [], 2, tmp_path / "correct", show=False)
    assert all(torch.equal(value, state(last)[name]) for name, value in before.items())
    code, said, wrong = command("sample", last, "--sampler", "edit", "--length", 12, "--steps", 4)
    assert code == 0, wrong
    assert said.strip()
