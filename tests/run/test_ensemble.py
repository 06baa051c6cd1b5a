"""Several runs as one model: what it says, where its results lie, and which runs are no ensemble."""

import json
from pathlib import Path

import pytest
import torch
from torch.testing import assert_close

from maskwright.evaluate.scoring.load import scorer
from maskwright.evaluate.scoring.scorer import Text
from maskwright.evaluate.suites._evaluate import evaluate_ensemble
from maskwright.prediction import predict
from maskwright.run.config import Config
from maskwright.run.ensemble import ensemble
from maskwright.run.load import load
from maskwright.settings.registry import files
from maskwright.training.trainer import Trainer

TEXTS = ["the statement is executed", "a class inherits from two others"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ensembles")


@pytest.fixture
def member(settings: dict, folder: Path):
    """Makes a small run, once for all tests."""
    settings["training"] |= {"steps": 4, "batch_tokens": 256}
    settings["model"] |= {"layers": 1}

    def made(name: str, *changes: str) -> Path:
        if not (out := folder / name).exists():
            Trainer(Config.of(settings, changes), out, show=False).train()
        return out

    return made


def test_it_says_the_mean_of_the_probabilities_wherever_it_is_asked(member) -> None:
    runs = [member(f"causal{seed}", "objective.name=causal", f"seed={seed}") for seed in (0, 1)]
    both, apart = ensemble(runs), [load(run) for run in runs]
    rows = next(iter(both.data.loader.batches(0, 1)))
    problem = both.known_objective(rows, 0)
    with torch.no_grad():
        wanted = sum(predict(run.model, problem, rows.document).logits.softmax(-1) for run in apart) / 2
        assert_close(predict(both.model, problem, rows.document).logits.exp(), wanted, atol=1e-5, rtol=1e-4)
    _, score = scorer(both)
    found = score([Text(text) for text in TEXTS]).total[0]
    alone = [scorer(run)[1]([Text(text) for text in TEXTS]).total[0] for run in apart]
    assert (found > (alone[0] + alone[1]) / 2 - 1e-6).all()  # of each token, the logarithm is concave


def test_results_are_kept_beside_the_first_and_are_no_results_of_it(member, command) -> None:
    runs = [member(f"masked{seed}", f"seed={seed}") for seed in (0, 1, 2)]
    code, out, said = command("evaluate", *runs, "validation", "--ensemble", "--json")
    assert code == 0
    assert "ensemble of 3: the mean of their probabilities" in said
    numbers = json.loads(out)
    (kept,) = (runs[0] / "ensembles").glob("*/evaluations/validation.json")
    assert json.loads(kept.read_text()).items() >= numbers.items()
    assert "masked0+masked1+masked2" in str(kept)
    each = [load(run).metrics["valid/loss"] for run in runs]
    assert numbers["loss"] < sum(each) / 3
    assert not (runs[0] / "evaluations").exists()
    code, _, said = command("evaluate", *runs)
    assert code == 2
    assert "masked1 is a run and no suite: --ensemble evaluates several runs" in said.replace("\n", "")
    assert command("evaluate", *runs[:2], "--ensemble", "--json")[0] == 0  # of the validation, by default


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        ([], "an ensemble of 1 model"),
        (["masked0"], "counts a model twice"),
        (["causal0"], r"masked0 has learned unmask and .*causal0 forward"),
        (["words"], "have different tokenizers"),
    ],
)
def test_what_is_no_ensemble_is_said(member, command, others: list[str], sentence: str) -> None:
    made = {"causal0": "objective.name=causal", "words": "tokenizer.size=400"}
    runs = [member("masked0", "seed=0"), *(member(each, made.get(each, "seed=0")) for each in others)]
    with pytest.raises(ValueError, match=sentence) as caught:
        ensemble(runs)
    assert "\n" not in str(caught.value)


def test_suites_of_one_model_say_so(member) -> None:
    of_one = [
        "adaptation",
        "aoa",
        "babylm",
        "classification",
        "edges",
        "generation",
        "layers",
        "morphology",
        "retrieval",
        "tagging",
    ]
    assert set(of_one) < set(files("evaluate.suites"))
    runs = [member(f"masked{seed}", f"seed={seed}") for seed in (0, 1)]
    for suite in of_one:
        with pytest.raises(ValueError, match=f"the suite {suite} is of one model"):
            evaluate_ensemble(suite, runs, None)


def test_other_text_is_warned_of(member, caplog: pytest.LogCaptureFixture) -> None:
    first = member("masked0", "seed=0")
    ensemble([first, member("other", "evaluation.held_out=0.4", f"tokenizer.file={first / 'final'}")])
    assert "was trained on other text" in caplog.text
