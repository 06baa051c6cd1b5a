"""One thread a process (small models are no faster with more; the suite runs on all cores by processes), the same
examples every time, however long they take, and a small run on real text: topics of the Python documentation, a few
epochs in a few seconds.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OMP_WAIT_POLICY"] = (
    "PASSIVE"  # or each command that a test calls would leave a thread that watches the cores
)

from collections.abc import Callable, Iterator
from pathlib import Path
from pydoc_data.topics import topics

import hypothesis
import pytest
import torch

from maskwright import progress
from maskwright.run.config import Config
from maskwright.settings.outside import TRUST

torch.set_num_threads(1)
progress.FIRST = 3600.0  # however slow the machine: what is said does not depend on it
hypothesis.settings.register_profile("suite", deadline=None, derandomize=True)
hypothesis.settings.load_profile("suite")


@pytest.fixture(scope="session")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of thirty documents."""
    path = tmp_path_factory.mktemp("text") / "topics.txt"
    documents = [" ".join(topics[name].split())[:1500] for name in sorted(topics)[:30]]
    path.write_text("\n\n".join(documents), encoding="utf-8")
    return path


@pytest.fixture(autouse=True, scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Shards are cached where the tests may write, once for the session."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> Callable[..., tuple[int, str, str]]:
    """Call `maskwright` with arguments; gives the exit code, what was printed and what was complained."""
    from maskwright.cli import app

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["maskwright", *map(str, words)])
        monkeypatch.setattr(app.app, "registered_commands", [])
        monkeypatch.setenv(TRUST, "")
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            app.main()
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return call


@pytest.fixture
def settings(text: Path) -> dict:
    """The sections of a run of about three epochs in 40 steps."""
    return {
        "corpus": {"files": [str(text)]},
        "tokenizer": {"kind": "bpe", "size": 404},
        "rows": {"length": 32},
        "model": {"name": "modern", "hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 64},
        "objective": {"name": "mlm"},
        "optimizer": {"name": "adamw", "lr": 0.01},
        "training": {
            "steps": 40,
            "batch_tokens": 1024,
            "log_every": 1,
            "checkpoint_every": 7,
            "precision": "fp32",
            "compile": False,
        },
        "evaluation": {"held_out": 0.2, "every": 20},
    }


@pytest.fixture
def config(settings: dict) -> Config:
    return Config.of(settings)
