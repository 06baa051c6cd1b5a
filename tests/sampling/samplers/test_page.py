"""What docs/diffusion.md shows is true: its table leaves no sampler out, and the sampler printed there works."""

import re
import sys
import types
from pathlib import Path

import pytest

from maskwright.settings.registry import files

from ..toy import canvas, texts

PAGE = (Path(__file__).parents[3] / "docs" / "diffusion.md").read_text(encoding="utf-8")
NAME = "maskwright.sampling.samplers.least_entropy"


def test_every_sampler_is_in_the_table() -> None:
    table = PAGE.partition("| sampler |")[2].partition("\n\n")[0]
    assert sorted(re.findall(r"^\| `(\w+)` \|", table, flags=re.MULTILINE)) == files("sampling.samplers")


def test_the_sampler_printed_there_works(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType(NAME)
    module.__package__ = "maskwright.sampling.samplers"
    monkeypatch.setitem(sys.modules, NAME, module)
    exec(PAGE.partition("```python\n")[2].partition("```")[0], module.__dict__)
    found = texts(module.LeastEntropy(), 50, 3, start=canvas(50, (3, 5, 3)))
    assert (found[:, 1] == 5).all()
    assert (found > 3).all()
