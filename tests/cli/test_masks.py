"""`maskwright masks --report`, as the docs print it: every masking objective, those that need the text included."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from maskwright.run.build import masked
from maskwright.settings.registry import name_of


def test_a_report_has_figures_of_every_masking_objective(command: Callable, settings: dict, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(yaml.safe_dump(settings))
    code, out, _ = command("masks", "--report", "--run", recipe, "--epochs", 2, "--ratio", 0.3, "--json")
    assert code == 0
    figures = json.loads(out)
    names = [name_of(objective) for objective in masked(None, 0.3)]
    assert {"mlm", "pmi", "adaptive", "learned", "weighted"} <= set(names)
    assert [one["objective"] for one in figures] == [name for name in names for _ in range(3)]
    for one in figures:
        assert abs(one["ratio"] - 0.3) < 0.05, one["objective"]
        again = one["num_static_masks"] == 1
        assert (one["covered"][1] == one["covered"][0]) == again, one["objective"]


def test_a_report_has_the_rates_of_classes(command: Callable, settings: dict, tmp_path: Path) -> None:
    """Beside those of the objective that has none; an objective is written as in a config, at any point of the run."""
    recipe, tagged = tmp_path / "recipe.yaml", tmp_path / "tagged.txt"
    recipe.write_text(yaml.safe_dump(settings))
    tagged.write_text("the_DT list_NN of_IN values_NNS is_VBZ a_DT value_NN\n")
    rates = f"{{name: weighted, classes: {tagged}, rates: {{DET: {{start: 1, end: 0}}, NOUN: 3}}}}"
    words = "masks", "--report", "--run", recipe, "--epochs", 2, "--lexicon", tagged
    for progress, low, high in ((0, 0.05, 0.3), (1, 0.0, 0.001)):
        code, out, _ = command(*words, "--objective", rates, "--objective", "mlm", "--progress", progress, "--json")
        assert code == 0
        weighted, mlm = (figure["classes"] for figure in json.loads(out)[::3])
        assert low <= weighted["determiner"] <= high
        assert weighted["noun"] > 1.5 * mlm["noun"] > 0.15
        assert weighted.keys() == {"noun", "verb", "determiner", "preposition"}
    code, out, _ = command(*words, "--objective", rates)
    assert code == 0
    assert "determiner" in out


@pytest.mark.parametrize("named", ["causal", "{name: mirror}", "remask"])
def test_what_hides_no_tokens_has_no_masks(command: Callable, named: str) -> None:
    code, _, said = command("masks", "--report", "--objective", named)
    assert code == 2
    assert "hides no tokens at a ratio" in said
