"""`maskwright masks --report`, as the docs print it: every masking objective, those that need the text included."""

import json
from collections.abc import Callable
from pathlib import Path

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
