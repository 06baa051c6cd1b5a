"""How arms, seeds and budgets are written, and what is refused."""

from pathlib import Path

import pytest
import yaml

from maskwright.compare.experiments import arms, budgeted, check_text, differences, same_questions, same_rows, seed_list
from maskwright.compare.study import compare
from maskwright.run.config import recipes


def test_an_arm_is_a_recipe_with_changes() -> None:
    plain, ten, curriculum = arms(
        [
            "quickstart",
            "ten:quickstart+objective.num_static_masks=10+optimizer.lr=1e+0",
            "quickstart+rows.length=0:64,5:128",
        ],
        common=["optimizer.lr=0.5"],
    )
    assert (plain.name, plain.config.optimizer.lr, plain.config.objective.num_static_masks) == ("quickstart", 0.5, None)
    assert (ten.name, ten.config.optimizer.lr, ten.config.objective.num_static_masks) == ("ten", 1.0, 10)
    assert curriculum.name == "quickstart+rows.length=0:64,5:128"
    assert "/" not in curriculum.folder
    assert ":" not in curriculum.folder
    assert ten.at(5).seed == 5
    assert differences(plain.config.tree(), ten.at(0).tree()) == {
        "objective.num_static_masks": (None, 10), "optimizer.lr": (0.5, 1.0),
    }  # fmt: skip


def test_a_file_is_called_by_its_stem(tmp_path: Path, settings: dict) -> None:
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(settings))
    assert [arm.name for arm in arms([str(tmp_path / "mine.yaml"), "b:quickstart"])] == ["mine", "b"]


@pytest.mark.parametrize(
    ("written", "expected"), [("3", [0, 1, 2]), (3, [0, 1, 2]), ("5,7", [5, 7]), ("7,", [7]), ("1", [0])]
)
def test_seeds(written: str | int, expected: list[int]) -> None:
    assert seed_list(written) == expected


def test_a_budget_replaces_the_length_of_a_recipe() -> None:
    (steps, _), (minutes, _) = (
        arms(["quickstart", "b:quickstart"], budget=budget) for budget in ("tokens=2e6", "minutes=5")
    )
    assert (steps.config.training.steps, steps.config.training.tokens) == (None, 2e6)
    assert (minutes.config.training.steps, minutes.config.training.minutes) == (5000, 5)
    assert arms(["quickstart", "b:quickstart"], ["training.minutes=1"], "epochs=3")[0].config.training.minutes is None
    assert "training.steps=1000" in budgeted("steps=1e3")
    assert "training.words=10000000" in budgeted("words=10M")


@pytest.mark.parametrize("recipe", recipes())
def test_every_recipe_takes_a_budget(recipe: str) -> None:
    (first, _) = arms([f"a:{recipe}", f"b:{recipe}"], ["corpus.files=[text]", "corpus.valid=[text]"], "tokens=2e6")
    assert first.config.training.tokens == 2e6


def test_the_same_questions_whatever_the_patterns() -> None:
    assert same_questions(arms(["quickstart", "static:quickstart+objective.num_static_masks=1"]))
    assert not same_questions(arms(["quickstart", "more:quickstart+objective.ratio=0.4"]))
    assert same_rows(arms(["quickstart", "more:quickstart+objective.ratio=0.4"]))
    assert not same_rows(arms(["quickstart", "longer:quickstart+rows.length=128"]))


def test_other_tokenizers_need_bits_per_byte() -> None:
    found = arms(["quickstart", "big:quickstart+tokenizer.size=4096"])
    with pytest.raises(
        ValueError, match=r"quickstart and big differ in tokenizer.size \(2048 and 4096\).*bits_per_byte"
    ):
        check_text(found, None)
    check_text(found, "bits_per_byte")


@pytest.mark.parametrize(
    ("recipes", "options", "sentence"),
    [
        (["quickstart"], {}, "at least two arms, not 1"),
        (["quickstart", "quickstart"], {}, "two arms are called 'quickstart'"),
        (["a b:quickstart", "a_b:quickstart"], {}, "two arms are called 'a b'"),
        (["quickstart", "quickstrat"], {}, "did you mean 'quickstart'"),
        (["quickstart", "b:quickstart+objective.ratoi=1"], {}, "unknown key objective.ratoi"),
        (["quickstart", "b:quickstart+seed=1"], {}, "give --seeds, not seed="),
        (["quickstart", "b:quickstart"], {"seeds": "0,1,1"}, "1 is given twice"),
        (["quickstart", "b:quickstart"], {"seeds": "0"}, "seeds='0'"),
        (["quickstart", "b:quickstart"], {"seeds": "-1"}, "seeds='-1'"),
        (["quickstart", "b:quickstart"], {"seeds": "one"}, "seeds='one'"),
        (["quickstart", "b:quickstart"], {"budget": "letters=3"}, "budget 'letters=3': give tokens=2e6"),
        (["quickstart", "b:quickstart"], {"budget": "tokens=inf"}, "budget 'tokens=inf'"),
        (["quickstart", "b:quickstart"], {"budget": "steps"}, "budget 'steps'"),
        (["quickstart", "b:quickstart"], {"baseline": "c"}, "baseline='c' is not an arm: choose from quickstart, b"),
        (["quickstart", "b:quickstart"], {"by": "loss"}, "by='loss'"),
        (["quickstart", "b:quickstart"], {"primary": "los"}, "primary='los' is not compared: name a metric, as in"),
        (["quickstart", "b:diffusion"], {"primary": "loss"}, "primary='loss' is not compared: name a metric, and of"),
        (["quickstart", "b:quickstart+corpus.files=[x]"], {}, "differ in corpus"),
        (["quickstart", "b:quickstart+evaluation.held_out=0.2"], {}, "differ in evaluation.held_out"),
    ],
)
def test_what_cannot_be_compared(tmp_path: Path, recipes: list[str], options: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence.replace("(", r"\(")):
        compare(recipes, **{"seeds": 1, "out": tmp_path / "out", "show": False, **options})
    assert not (tmp_path / "out").exists()
