"""What CONTRIBUTING shows is true: the objective printed there works as it stands."""

import sys
import types
from pathlib import Path

import pytest
import torch

from maskwright.data.rows import Rows
from maskwright.text.tokenizers.vocabulary import Vocabulary

PAGE = Path(__file__).parents[1] / "CONTRIBUTING.md"
NAME = "maskwright.objectives.every_other"


def test_the_objective_in_contributing_works(monkeypatch: pytest.MonkeyPatch) -> None:
    code = PAGE.read_text().partition("```python\n")[2].partition("```")[0]
    module = types.ModuleType(NAME)
    module.__package__ = "maskwright.objectives"
    monkeypatch.setitem(sys.modules, NAME, module)
    exec(code, module.__dict__)
    length, ids = 12, torch.arange(4)
    word = torch.arange(length).repeat(4, 1).int()
    vocabulary = Vocabulary(100, 0, 4, 2, 3, frozenset(range(5)))
    rows = Rows(torch.full((4, length), 50), torch.zeros(4, length).int(), word, ids, ids * 0, 0.0, vocabulary)
    problem = module.EveryOther(random_prob=0.0, keep_prob=0.0)(rows, seed=0)
    hidden = problem.inputs == vocabulary.mask
    assert torch.equal(hidden, problem.targets == 50)
    assert not (hidden[:, 1:] & hidden[:, :-1]).any()
    assert not hidden[:, 0].any()
    assert set(hidden.sum(1).tolist()) <= {5, 6}
