"""An objective, a model and everything else of one's own, from the command line: trained, kept, opened again."""

import json
import re
from pathlib import Path

import pytest
import yaml

from ..settings.test_outside import OBJECTIVE, forget, new_process  # noqa: F401  a fixture that runs by itself

MODEL = '''
from maskwright.models.minigpt import Minigpt
from maskwright.settings import settings


@settings
class Small(Minigpt):
    """A model of one's own."""
'''
OPTIMIZER = '''
import torch
from maskwright.settings import settings


@settings
class Plain:
    """Stochastic gradient descent."""

    lr: float = 0.1
    """Learning rate."""

    def build(self, model):
        return torch.optim.SGD(model.parameters(), lr=self.lr)
'''
CORPUS = '''
from maskwright.settings import settings
from maskwright.text.corpus import Document, Source


@settings
class Numbers:
    """Documents that count."""

    documents_of: int = 60
    """How many."""

    def documents(self, errors):
        for number in range(self.documents_of):
            yield Document(" ".join(f"number {n * number} follows {n}" for n in range(60)), "numbers")

    def validation_documents(self, errors):
        return None

    def sources(self):
        return [Source("numbers", str(self.documents_of))]
'''
TRACKER = '''
class Lines:
    """Writes how many numbers came."""

    def __init__(self, out, config):
        self.file = open(out / "lines.txt", "a")

    def write(self, step, numbers):
        print(step, len(numbers), file=self.file)

    def close(self):
        self.file.close()
'''
SUITE = """
def evaluate(run, data):
    return {"parameters": float(sum(weight.numel() for weight in run.model.parameters()))}
"""
SAMPLER = '''
from maskwright.sampling.samplers.mdlm import Mdlm
from maskwright.settings import settings


@settings
class Mine(Mdlm):
    """A sampler of one's own."""
'''


@pytest.fixture
def recipe(settings: dict, tmp_path: Path) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(yaml.safe_dump(settings | {"training": settings["training"] | {"steps": 8}}))
    return path


def test_an_own_objective_is_trained_resumed_filled_evaluated_and_exported(command, recipe: Path, tmp_path: Path):
    (tmp_path / "my_objectives.py").write_text(OBJECTIVE)
    named = "objective.name=my_objectives.py:EveryOther"
    assert command("train", recipe, named, "--out", "run", "--quiet")[0] == 0
    assert json.loads(Path("run/final.json").read_text())["step"] == 8
    forget()
    (tmp_path / "my_objectives.py").unlink()
    for words in (["fill", "run", "A [MASK]."], ["evaluate", "run"], ["export", "run", "model"]):
        code, _, complaint = command(*words)
        assert code == 2
        assert "is code from outside maskwright" in " ".join(complaint.split())
        assert "--trust-code" in complaint
    forget()
    code, said, _ = command("fill", "run", "A [MASK].", "--json", "--trust-code")
    assert code == 0
    assert len(json.loads(said)["A [MASK]."][0]["guesses"]) == 5
    forget()
    assert command("evaluate", "run/checkpoints/step-7", "--trust-code", "--json")[0] == 0
    forget()
    assert command("export", "run", "model", "--trust-code")[0] == 0
    assert Path("model/config.json").is_file()
    forget()
    assert command("train", "run", "--out", "run", "--resume", "--quiet", "--trust-code")[0] == 0
    code, _, complaint = command("train", "run", "objective.offset=1", "--out", "run", "--resume", "--trust-code")
    assert code == 2
    assert "objective.offset is 0 there and 1 now" in " ".join(complaint.split())


def test_an_own_objective_is_an_arm_of_a_comparison(command, recipe: Path, tmp_path: Path):
    (tmp_path / "my_objectives.py").write_text(OBJECTIVE)
    arms = [f"plain:{recipe}", f"own:{recipe}+objective.name=my_objectives.py:EveryOther"]
    code, _, complaint = command("compare", *arms, "--seeds", 1, "--out", "both", "--quiet")
    assert code == 0, complaint
    finals = [json.loads(Path(f"both/runs/{arm}/seed-0/final.json").read_text()) for arm in ("plain", "own")]
    assert finals[0]["valid/masked/loss"] != finals[1]["valid/masked/loss"]
    means = {
        one["arm"]: one["mean"]
        for one in json.loads(Path("both/results.json").read_text())["summary"]
        if one["metric"] == "masked/loss"
    }
    assert means == {arm: final["valid/masked/loss"] for arm, final in zip(("plain", "own"), finals, strict=True)}
    forget()
    (tmp_path / "my_objectives.py").unlink()
    assert command("fill", "both/runs/own/seed-0", "A [MASK].", "--trust-code")[0] == 0


def test_everything_else_of_ones_own(command, recipe: Path, tmp_path: Path):
    files = {"models": MODEL, "optimizers": OPTIMIZER, "corpora": CORPUS, "trackers": TRACKER, "suite": SUITE}
    for name, source in (files | {"samplers": SAMPLER}).items():
        (tmp_path / f"my_{name}.py").write_text(source)
    sizes = ["model.hidden=32", "model.layers=2", "model.heads=2", "model.max_length=64"]
    own = [
        "model.name=my_models.py:Small",
        "optimizer.name=my_optimizers.py:Plain",
        "corpus.name=my_corpora.py:Numbers",
    ]
    trackers = "training.trackers=[my_trackers.py:Lines]"
    code, _, complaint = command("train", recipe, *own, *sizes, trackers, "--out", "run", "--quiet")
    assert code == 0, complaint
    assert len(list(Path("run/code").iterdir())) == 4
    assert len(list(Path("run/final/code").iterdir())) == 1
    assert Path("run/lines.txt").read_text().startswith("1 ")
    code, said, complaint = command("evaluate", "run", "my_suite.py", "--json")
    assert code == 0, complaint
    assert json.loads(said)["parameters"] > 1000
    assert command("sample", "run", "--sampler", "my_samplers.py:Mine", "--steps", 2, "--length", 8, "--json")[0] == 0
    forget()
    assert command("fill", "run/final", "A [MASK].", "--trust-code")[0] == 0
    assert command("export", "run", "model", "--trust-code")[0] == 0
    written = Path("model/modeling_maskwright.py").read_text()
    assert "class Small" in written
    assert "class MinigptModel" in written
    assert not re.search(r"^\s*(from|import) maskwright", written, flags=re.MULTILINE)


def test_an_error_of_ones_own_code_keeps_its_traceback(command, recipe: Path, tmp_path: Path):
    broken = OBJECTIVE.replace("        odd =", "        raise ValueError('mine')\n        odd =")
    (tmp_path / "my_objectives.py").write_text(broken)
    code, _, complaint = command(
        "train", recipe, "objective.name=my_objectives.py:EveryOther", "--out", "run", "--quiet"
    )
    assert code == 1
    assert complaint.endswith("ValueError: mine\n")
    assert 'my_objectives.py", line' in complaint


def test_check_says_what_holds_and_what_does_not(command, recipe: Path, tmp_path: Path):
    (tmp_path / "good.py").write_text(OBJECTIVE)
    (tmp_path / "bad.py").write_text(
        OBJECTIVE.replace('noise.below(2, "odd", 1)', "torch.randint(2, (len(rows.ids), 1))")
    )
    code, said, complaint = command("check", "good.py:EveryOther", "--run", recipe)
    assert code == 0, complaint
    assert said.count("✓") == len(said.splitlines()) > 8
    code, said, _ = command("check", "bad.py:EveryOther", "--run", recipe, "--json")
    assert code == 1
    broken = {line["promise"] for line in json.loads(said) if line["counterexample"]}
    assert "the same draw gives the same problem" in broken
    assert "targets are the original tokens" not in broken
