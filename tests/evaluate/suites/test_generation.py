"""`maskwright evaluate RUN generation scorer=…`, as it is typed, and what it refuses."""

import json
from pathlib import Path

import pytest

from maskwright.display.metrics import metrics
from maskwright.display.side_by_side import columns
from maskwright.evaluate.suites import generation
from maskwright.evaluate.suites._evaluate import evaluate_folder, results_name
from maskwright.evaluate.suites.generation import sampled
from maskwright.run.config import Config
from maskwright.run.load import load
from maskwright.text.tokenizers.tokenizer import Tokenizer
from maskwright.training.trainer import Trainer

from .evaluating import said


@pytest.fixture(scope="module")
def runs(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The runs writer, remasker, scorer; reader, causal too; `other` of other text, `spelling` of another tokenizer."""
    folder = tmp_path_factory.mktemp("runs")
    tree = {
        "corpus": {"files": [str(text)]},
        "tokenizer": {"kind": "bpe", "size": 404},
        "rows": {"length": 32},
        "model": {"name": "modern", "hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 64},
        "training": {"steps": 5, "batch_tokens": 1024, "precision": "fp32", "log_every": 5},
        "evaluation": {"held_out": 0.2},
    }
    changes = {
        "writer": ("diffusion", []),
        "remasker": ("remask", []),
        "scorer": ("causal", []),
        "reader": ("causal", ["seed=1"]),
        "other": ("causal", ["evaluation.held_out=0.3"]),
        "spelling": ("causal", ["tokenizer.size=380"]),
    }
    for name, (objective, more) in changes.items():
        Trainer(Config.of(tree | {"objective": {"name": objective}}, more), folder / name, show=False).train()
    return folder


def test_texts_are_judged_beside_held_out_text(runs: Path) -> None:
    options = [f"scorer={runs / 'scorer'}", "samples=8", "length=12", "steps=4", "sampler=learned"]
    options += ["sampler_options=[randomness=0.5]", f"remasker={runs / 'remasker'}"]
    numbers = json.loads(said(runs / "writer", "generation", *options, "--json"))
    kept = runs / "writer" / "evaluations" / f"{results_name('generation', None, options)}.json"
    assert numbers | {"weights": load(runs / "writer").weights} == json.loads(kept.read_text())
    assert (numbers["texts"], numbers["held_out/texts"], numbers["length"]) == (8, 8, 12)
    for column in ("", "held_out/", "shuffled/"):
        for name in ("perplexity", "bits_per_byte", "entropy", "distinct_4", "repetition", "overlap", "bigram_js"):
            low, value, high = (numbers[f"{column}{name}{end}"] for end in ("_low", "", "_high"))
            assert low <= value <= high
    assert numbers["copied_4"] < 0.5
    assert numbers["held_out/copied_4"] >= numbers["held_out/copied_8"] >= 0
    assert numbers["held_out/unigram_js"] == pytest.approx(numbers["shuffled/unigram_js"])
    assert "<svg" in (runs / "writer" / "plots" / f"{kept.stem}.svg").read_text()
    again = evaluate_folder("generation", runs / "writer", None, [*options, "seed=1"])
    assert again["perplexity"] != numbers["perplexity"]
    assert again["held_out/bigram_js"] == numbers["held_out/bigram_js"]
    assert "mauve" not in numbers  # of so few texts it would tell nothing


def test_a_causal_model_writes_as_long_as_what_is_held_out(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = []
    monkeypatch.setattr(generation, "sampled", lambda *given: texts.append(sampled(*given)) or texts[-1])
    options = [f"scorer={runs / 'scorer'}", "samples=8", "length=12"]
    numbers = evaluate_folder("generation", runs / "reader", None, options)
    assert (numbers["texts"], numbers["length"]) == (8, 12)
    assert texts[0].shape == (8, 12)
    assert not Tokenizer.load(runs / "reader" / "final").vocabulary.is_special[texts[0]].any()
    beside = evaluate_folder("generation", runs / "writer", None, [*options, "steps=4"])
    assert numbers.keys() == beside.keys()
    assert numbers["held_out/perplexity"] == beside["held_out/perplexity"]
    assert numbers["perplexity"] != beside["perplexity"]


def test_the_table_never_shows_perplexity_alone() -> None:
    figures = {"perplexity": 12.3456, "entropy": 2.5, "held_out/perplexity": 1234.5, "held_out/entropy": 3.0}
    numbers = {"texts": 4} | figures
    numbers |= {f"{name}{end}": value for name, value in figures.items() for end in ("_low", "_high")}
    assert columns(numbers)["perplexity"][""] == (12.3456, 12.3456, 12.3456)
    listed, table = metrics(numbers).renderables
    assert listed.row_count == 1
    assert [[str(cell) for cell in column.cells] for column in table.columns] == [
        ["perplexity", "entropy"], ["12.3", "2.500"], ["12.3 – 12.3", "2.500 – 2.500"],
        ["1,234.5", "3.000"], ["1,234.5 – 1,234.5", "3.000 – 3.000"],
    ]  # fmt: skip
    assert columns({"spearman": 0.3, "spearman_low": 0.2, "spearman_high": 0.4}) == {}


@pytest.mark.parametrize(
    ("run", "options", "sentence"),
    [
        ("writer", "scorer=writer", "is the model that is evaluated"),
        ("writer", "scorer=writer/final", "is the model that is evaluated"),
        ("writer/checkpoints/step-5", "scorer=writer", "is the model that is evaluated"),
        ("writer", "scorer=remasker", "remasker does not read forward: name a run with objective.name=causal"),
        ("writer", "scorer=other", "other was trained on other text or another tokenizer"),
        ("writer", "scorer=spelling", "spelling was trained on other text or another tokenizer"),
        ("writer", "scorer=scorer samples=1", "generation.samples=1"),
        ("writer", "scorer=scorer sampler=nothing", "no sampler 'nothing'"),
        ("writer", "steps=3", "generation.scorer"),
    ],
)
def test_generations_that_are_refused(runs: Path, run: str, options: str, sentence: str) -> None:
    words = [word.replace("scorer=", f"scorer={runs}/") for word in options.split()]
    with pytest.raises(ValueError, match=r".*") as refused:
        evaluate_folder("generation", runs / run, None, words)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
