"""A task of the Evaluation Harness, made of files here, asks a run and gets our scores."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from maskwright.evaluate.scoring.load import scorer, windows
from maskwright.evaluate.scoring.scorer import Text
from maskwright.run.config import Config
from maskwright.run.load import load
from maskwright.training.trainer import Trainer

pytestmark = pytest.mark.filterwarnings("default")
lm_eval = pytest.importorskip("lm_eval", reason="the harness is an extra: pip install 'maskwright[harness]'")

PAIRS = [
    ("A list is a sequence of", " objects.", " object the."),
    ("Names refer to", " objects.", " to is."),
    ("It is", " an error.", " a errors an."),
]


@pytest.fixture(params=["mlm", "causal"])
def run(request: pytest.FixtureRequest, settings: dict, tmp_path: Path) -> Path:
    settings["objective"] = {"name": request.param}
    settings["training"]["steps"] = 10
    Trainer(Config.of(settings), tmp_path / "run", show=False).train()
    return tmp_path / "run"


def asked(*args: str) -> SimpleNamespace:
    return SimpleNamespace(args=args)


def test_a_local_task_has_our_choices(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lm_eval.tasks import TaskManager

    from maskwright.evaluate import lm_eval as harness

    lines = [{"context": context, "choices": [good, bad], "label": 0} for context, good, bad in PAIRS]
    (tmp_path / "pairs.jsonl").write_text("\n".join(map(json.dumps, lines)) + "\n")
    files = {"data_files": {"test": str(tmp_path / "pairs.jsonl")}}
    task = {
        "task": "pairs", "dataset_path": "json", "dataset_kwargs": files,
        "test_split": "test", "output_type": "multiple_choice", "target_delimiter": "", "doc_to_text": "{{context}}",
        "doc_to_choice": "choices", "doc_to_target": "label", "metric_list": [{"metric": "acc"}],
    }  # fmt: skip
    (tmp_path / "pairs.yaml").write_text(yaml.safe_dump(task))
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    tasks = TaskManager(include_path=str(tmp_path), include_defaults=False)
    found = lm_eval.simple_evaluate(
        model=harness.Maskwright(str(run)), tasks=["pairs"], task_manager=tasks, bootstrap_iters=0
    )
    _, score = scorer(load(run))
    texts = [Text(context + end, len(context)) for context, *ends in PAIRS for end in ends]
    good, bad = score(texts).total[0].reshape(-1, 2).T
    assert found["results"]["pairs"]["acc,none"] == pytest.approx((good > bad).mean())


def test_likelihoods_are_those_of_score_and_long_texts_are_read_in_windows(run: Path) -> None:
    from lm_eval.api.registry import get_model

    from maskwright.evaluate import lm_eval as harness

    model = get_model("maskwright").create_from_arg_string(f"run={run}", {"batch_size": 4, "device": "cpu"})
    assert type(model) is harness.Maskwright
    _, score = scorer(load(run))
    context, good, _ = PAIRS[0]
    ((total, greedy),) = model.loglikelihood([asked(context, good)])
    assert (total, greedy) == (pytest.approx(score([Text(context + good, len(context))]).total[0, 0]), False)
    long = " ".join(context for context, *_ in PAIRS * 20)
    short, rolled = model.loglikelihood_rolling([asked(context), asked(long)])
    assert short == pytest.approx(score([Text(context)]).total[0, 0])
    assert rolled == pytest.approx(score([Text(long)], windows(load(run), model.backend, score)).total[0, 0])
    assert rolled < 10 * short
    with pytest.raises(ValueError, match="generation tasks are not supported in the harness: use maskwright sample"):
        model.generate_until([asked(context, "")])
