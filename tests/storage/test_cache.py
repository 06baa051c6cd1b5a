"""Whatever lies in the cache is sealed, and made anew when it is damaged."""

from collections.abc import Callable
from pathlib import Path

import pytest

from maskwright.run import build
from maskwright.run.config import Config
from maskwright.storage.cache import SEAL, made_once


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def change(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"?")


@pytest.mark.parametrize("harm", [cut, change, Path.unlink])
@pytest.mark.parametrize("name", ["a", "b", SEAL])
def test_a_damaged_folder_is_made_anew(
    tmp_path: Path, harm: Callable[[Path], object], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = []

    def make(aside: Path) -> None:
        made.append(aside)
        for each in "ab":
            (aside / each).write_text(each * 9)

    folder = made_once(tmp_path / "kept", make)
    assert made_once(folder, make) == folder
    assert len(made) == 1
    harm(folder / name)
    made_once(folder, make)
    assert len(made) == 2
    assert (folder / "a").read_text() + (folder / "b").read_text() == "a" * 9 + "b" * 9
    assert bool(caplog.messages) == (harm != Path.unlink or name != SEAL), "a folder without a seal is one of before"
    assert all("it is made anew" in told for told in caplog.messages)


def test_one_that_was_not_finished_is_not_there(tmp_path: Path) -> None:
    def fail(aside: Path) -> None:
        (aside / "half").write_text("half")
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        made_once(tmp_path / "kept", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.lock"]


@pytest.mark.parametrize("corpus", ["files", "embedded"])
def test_every_file_of_the_cache_may_be_damaged(
    settings: dict, tmp_path: Path, corpus: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("maskwright.text.corpora.embedded._modules", lambda: [])
    settings["corpus"] = settings["corpus"] if corpus == "files" else {"name": "embedded"}
    settings["model"]["nhot"] = {"min_length": 1}
    config = Config.of(settings)

    def fingerprint() -> str:
        data = build.data(config, show=False)
        build.model(config, data.shards, build.device("cpu"))
        return data.shards.fingerprint

    before = fingerprint()
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock" and path.stat().st_size]
    assert {path.relative_to(tmp_path / "maskwright").parts[0] for path in kept} >= {
        "shards",
        "tokenizers",
        "substrings",
    }
    for path in kept:
        caplog.clear()
        path.write_bytes(path.read_bytes()[:-2])
        assert fingerprint() == before, path
        assert any(" anew" in told for told in caplog.messages), path
