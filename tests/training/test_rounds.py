"""Rounds: each begins where the one before ended and learns from the newest writer; stopped ones go on to the same."""

import shutil
from pathlib import Path

import torch
import yaml

from maskwright.run import saved
from maskwright.run.config import Config
from maskwright.sampling.request import SampleRequest, load_models, texts
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
    tree = settings | {"training": settings["training"] | {"steps": 2, "checkpoint_every": 1, "keep": None}}
    tree |= {"evaluation": {"held_out": 0.2, "every": 99}}
    tree["model"] = tree["model"] | {"hidden": 16, "layers": 1, "intermediate": 24}
    start, out, found = tmp_path / "d", tmp_path / "correct", {}
    Trainer(Config.of(tree | {"objective": "diffusion"}), start, show=False).train()
    for name, objective in (("correct", CORRECT), ("detect", DETECT)):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(tree | {"objective": objective}))
        if name == "correct":
            code, said, wrong = command(
                "rounds", start, tmp_path / "correct.yaml", "--rounds", 1, "--out", out, "--quiet"
            )
            assert (code, said.partition(":")[0]) == (0, str(out / "round-1")), wrong
        done = list(rounds(start, str(tmp_path / f"{name}.yaml"), [], 2, tmp_path / name, show=False))
        assert done == [tmp_path / name / "round-1", tmp_path / name / "round-2"]
        first, second = map(Config.load, done)
        assert (first.training.init_from, second.training.init_from) == (str(start), str(done[0]))
        objectives = [config.tree()["objective"] for config in (first, second)]
        found[name] = [(one.get("causal") or one)["generator_run"] for one in objectives]
        assert second.seed == first.seed + 1
    assert found == {"correct": [str(start), str(out / "round-1")], "detect": [str(start), str(start)]}
    before = state(out / "round-2")
    shutil.rmtree(out / "round-2" / "final")
    (out / "round-2" / "final.json").unlink()
    shutil.rmtree(out / "round-2" / "checkpoints" / "step-2")
    *_, last = rounds(start, str(tmp_path / "correct.yaml"), [], 2, out, show=False)
    assert all(torch.equal(value, state(last)[name]) for name, value in before.items())
    request = SampleRequest(run=last, sampler="edit", length=12, steps=4)
    assert texts(request, load_models(request))
