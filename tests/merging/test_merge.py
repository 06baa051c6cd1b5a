"""Models merged into one: the arithmetic of each way, a folder that all commands take, what is not alike."""

import json
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import maskwright
from maskwright.cli import app
from maskwright.merging.merge import Merge, merge, numbers
from maskwright.run import saved
from maskwright.run.config import Config
from maskwright.settings.registry import files, module
from maskwright.training.trainer import Trainer

from ..training.test_trainer import same, weights

METHODS = files("merging.methods")


def tensor(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def run(method: str, tensors: list[torch.Tensor], *shares: float) -> torch.Tensor:
    found = module("merging.methods", method)
    return found.merge(tensors, shares, tensor(9, *tensors[0].shape) if found.BASE else None)


@pytest.mark.parametrize("method", METHODS)
def test_all_of_one_and_nothing_of_the_other_is_the_one(method: str) -> None:
    one, two = tensor(0, 7, 5), torch.full((7, 5), torch.nan)
    one[0, 0] = -0.0
    found = run(method, [one, tensor(1, 7, 5)], 1.0, 0.0)
    assert torch.equal(found.view(torch.int32), one.view(torch.int32))
    if method != "slerp":  # its angle needs both
        assert torch.equal(run(method, [two, one], 0.0, 1.0), one)


@pytest.mark.parametrize("method", METHODS)
def test_a_model_merged_with_itself_is_itself(method: str) -> None:
    one = tensor(0, 7, 5)
    assert torch.allclose(run(method, [one, one.clone()], 0.25, 0.75), one, rtol=1e-6)


def test_the_average() -> None:
    parts = [tensor(seed, 4, 3) for seed in range(3)]
    expected = 0.2 * parts[0] + 0.5 * parts[1] + 0.3 * parts[2]
    assert torch.allclose(run("average", parts, 0.2, 0.5, 0.3), expected)


def test_task_arithmetic_adds_what_was_learned_since_the_base() -> None:
    base, one, two = tensor(9, 4, 3), tensor(0, 4, 3), tensor(1, 4, 3)
    expected = base + 0.5 * (one - base) - 0.25 * (two - base)
    assert torch.allclose(run("task", [one, two], 0.5, -0.25), expected, atol=1e-6)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_slerp_keeps_norm_and_goes_at_even_angles(share: float) -> None:
    one, two = (tensor(seed, 6, 8) for seed in (0, 1))
    two *= one.norm() / two.norm()
    found = run("slerp", [one, two], 1 - share, share)
    assert found.norm() == pytest.approx(float(one.norm()), rel=1e-5)

    def angle(a: torch.Tensor, b: torch.Tensor) -> float:
        return float(torch.acos((a.double() * b).sum() / a.norm() / b.norm()))

    assert angle(one, found) == pytest.approx(share * angle(one, two), rel=1e-4)
    assert found.norm() > 1.1 * run("average", [one, two], 0.5, 0.5).norm()


def test_slerp_of_parallel_opposite_and_empty_tensors_is_the_mean() -> None:
    one = tensor(0, 6)
    for two in (3 * one, -one, torch.zeros(6)):
        assert torch.allclose(run("slerp", [one, two], 0.25, 0.75), 0.25 * one + 0.75 * two, atol=1e-6)


@pytest.fixture(scope="module")
def runs(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs `d` and its followers `r` and `s`; `wide`, `spelling` and `parts` are unlike it."""
    folder = tmp_path_factory.mktemp("runs")
    tree = {
        "corpus": {"files": [str(text)]},
        "tokenizer": {"kind": "bpe", "size": 404},
        "rows": {"length": 32},
        "model": {"name": "modern", "hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 64},
        "objective": {"name": "diffusion"},
        "training": {"steps": 4, "batch_tokens": 1024, "precision": "fp32", "log_every": 4, "checkpoint_every": 2},
        "evaluation": {"held_out": 0.2},
    }
    parts = ["model.nhot.fusion=add", "training.steps=1"]
    changes = {
        "d": [],
        "r": ["objective.name=remask", f"training.init_from={folder / 'd'}", "seed=1"],
        "s": ["objective.name=remask", f"training.init_from={folder / 'd'}", "seed=2"],
        "wide": ["model.intermediate=64", "training.steps=1"],
        "spelling": ["tokenizer.size=380", "training.steps=1"],
        "parts": parts,
        "longer": [*parts, "model.nhot.max_length=3"],
        "others": [*parts, "evaluation.held_out=0.3"],
    }
    for name, change in changes.items():
        Trainer(Config.of(tree, change), folder / name, show=False).train()
    return folder


def test_a_merged_model_is_a_run(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.app, "registered_commands", [])
    app.register()

    def said(*words: object) -> str:
        found = CliRunner().invoke(app.app, [*map(str, words)])
        assert found.exit_code == 0, found.output
        return found.stdout

    out = tmp_path / "both"
    told = said("merge", runs / "d", runs / "r", "--weights", "0.75,0.25", "--out", out)
    assert "objective  hybrid" in told
    expected = {name: 0.75 * one + 0.25 * weights(runs / "r")[name] for name, one in weights(runs / "d").items()}
    run = maskwright.load(out)
    model, tokenizer = run.model, run.tokenizer
    assert all(torch.equal(found, expected[name]) for name, found in model.state_dict().items() if "rotary" not in name)
    hidden = torch.eye(32)
    model.head = torch.nn.Identity()
    assert torch.allclose(model.logits(hidden), model.embedding.weight.T + model.decoder_bias)  # still tied
    origin = json.loads((out / "merged.json").read_text())
    assert [(one["weight"], one["objective"]["name"]) for one in origin["parents"]] == [
        (0.75, "diffusion"), (0.25, "remask")
    ]  # fmt: skip
    assert len(json.loads(said("fill", out, "The [MASK] is.", "--json"))["The [MASK] is."]) == 1
    wish = ["--sampler", "learned", "--length", 8, "--steps", 3, "--json"]
    assert json.loads(said("sample", out, *wish))["texts"]  # it finds its own errors
    assert "detection/auroc" in json.loads(said("evaluate", out, "validation", "--json"))
    further = Trainer(Config.load(out / "config.yaml", ["training.steps=2"]), tmp_path / "further", show=False)
    assert same(dict(further.model.state_dict()), weights(out))
    assert tokenizer.fingerprint == saved.load(runs / "d")[1].fingerprint


def test_tasks_and_checkpoints(runs: Path, tmp_path: Path) -> None:
    wish = Merge([runs / "r", runs / "s"], [1.0, 1.0], "task", runs / "d")
    assert "objective  remask" in merge(wish, tmp_path / "task")
    base, one, two = (weights(runs / name)["embedding.weight"] for name in "drs")
    assert torch.allclose(weights(tmp_path / "task")["embedding.weight"], one + two - base, atol=1e-6)
    assert json.loads((tmp_path / "task" / "merged.json").read_text())["base"] == str(runs / "d")
    places = [runs / "d" / "checkpoints" / f"step-{step}" for step in (2, 4)]
    merge(Merge(places, [0.0, 1.0], "average"), tmp_path / "last")
    assert same(weights(tmp_path / "last"), weights(runs / "d"))
    merge(Merge([runs / "parts", runs / "parts"], [0.5, 0.5], "slerp"), tmp_path / "parts")
    assert same(weights(tmp_path / "parts"), weights(runs / "parts"))


@pytest.mark.parametrize(
    ("models", "shares", "method", "sentence"),
    [
        ("d wide", "0.5,0.5", "average", "wide cannot be merged with {d}: model.intermediate is 64 there and 48 here"),
        ("d spelling", None, "average", "spelling cannot be merged with {d}: it has another tokenizer"),
        ("d parts", None, "average", "model.nhot is {{'fusion'"),
        ("parts longer", None, "average", "model.nhot is {{"),
        ("parts others", None, "average", "it has another tokenizer"),
        ("d", None, "average", "1 model is given: give at least two"),
        ("d r", "1", "average", "weights=1: give a number for each of the 2 models"),
        ("d r", "0.5,nan", "average", "weights=0.5,nan: give a number"),
        ("d r", "a,b", "average", "weights='a,b': give numbers separated by commas"),
        ("d r", "0,0", "task", "every weight is 0"),
        ("d r", "0.5,0.6", "average", "weights=0.5,0.6: give shares of at least 0 that sum to 1"),
        ("d r", "1.5,-0.5", "slerp", "weights=1.5,-0.5: give shares of at least 0"),
        ("d r s", None, "slerp", "slerp merges exactly two models, and 3 are given"),
        ("d r", None, "task", "method=task needs a base"),
        ("d r", None, "avrage", "no method 'avrage': did you mean 'average'?"),
        ("d nowhere", None, "average", "nowhere holds no trained model"),
    ],
)
def test_what_cannot_be_merged(
    runs: Path, tmp_path: Path, models: str, shares: str | None, method: str, sentence: str
) -> None:
    paths = [runs / name for name in models.split()]
    with pytest.raises(ValueError, match=r".*") as refused:
        merge(Merge(paths, numbers(shares, len(paths)), method), tmp_path / "out")
    assert sentence.format(d=runs / "d") in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "out").exists()


def test_nothing_is_written_over_and_a_base_is_for_tasks_alone(runs: Path) -> None:
    with pytest.raises(ValueError, match="d is not empty: choose another folder"):
        merge(Merge([runs / "d", runs / "r"], [0.5, 0.5], "average"), runs / "d")
    with pytest.raises(ValueError, match="method=average has no base"):
        merge(Merge([runs / "d", runs / "r"], [0.5, 0.5], "average", runs / "d"), runs / "new")


def test_other_statistics_of_parts_are_named(runs: Path, tmp_path: Path) -> None:
    """Same tokenizer and settings, but frequencies of another text."""
    model, tokenizer = saved.load(runs / "parts")
    model.nhot.frequency.mul_(2)
    built_by = maskwright.load(runs / "parts").model_settings
    saved.save(tmp_path / "o" / "final", model.state_dict(), built_by, tokenizer, "other")
    Config.load(runs / "parts").write(tmp_path / "o" / "config.yaml")
    with pytest.raises(ValueError, match=r"it has other n-hot parts, in nhot\.frequency"):
        merge(Merge([runs / "parts", tmp_path / "o"], [0.5, 0.5], "average"), tmp_path / "out")
