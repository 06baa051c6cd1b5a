"""Runs of the three official kinds, with weights that say something, and their checkpoints."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from maskwright.hub.export.run import export
from maskwright.run import saved
from maskwright.run.config import Config
from maskwright.run.load import load, untrained

SIZES = {"hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 64}
KINDS = {"mlm": "wordpiece", "mntp": "bpe", "causal": "unigram"}
"""Objective, whose name is that of its backend, to the kind of its tokenizer."""


@pytest.fixture(scope="session")
def run(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a run of an objective, with words/chck_1M, chck_2M and chck_3M, each of other weights."""
    made: dict[str, Path] = {}

    def of(objective: str) -> Path:
        if objective not in made:
            made[objective] = tmp_path_factory.mktemp(objective) / "run"
            _write(made[objective], objective, text)
        return made[objective]

    return of


def _write(out: Path, objective: str, text: Path) -> None:
    sections = {
        "corpus": {"files": [str(text)]},
        "tokenizer": {"kind": KINDS[objective], "size": 404},
        "rows": {"length": 32},
        "model": {"name": "modern"} | SIZES,
        "objective": {"name": objective},
        "training": {"steps": 1},
    }
    source, generator = untrained(Config.of(sections)), torch.Generator().manual_seed(1)
    for place in (*(out / "words" / f"chck_{count}M" for count in (1, 2, 3)), out):
        for parameter in source.model.parameters():
            torch.nn.init.normal_(parameter, std=0.2, generator=generator)
        saved.save(
            place / "final", source.model.state_dict(), source.model_settings, source.tokenizer, source.text_fingerprint
        )
        source.known_config.write(place / "config.yaml")


@pytest.fixture
def exported(run, tmp_path: Path) -> Callable[[str], Path]:
    """The folder of `transformers` of such a run."""

    def of(objective: str) -> Path:
        export(load(run(objective), "cpu"), tmp_path / "model")
        return tmp_path / "model"

    return of


@pytest.fixture
def copied(run, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of such a run, to be written into."""
    return lambda objective: Path(shutil.copytree(run(objective), tmp_path / "run"))
