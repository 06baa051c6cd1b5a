"""Tokenized text elsewhere, and several folders of it: what is trained on is what was tokenized, or a sentence."""

import json
from pathlib import Path

import fsspec
import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from maskwright.cli import app
from maskwright.run.config import Config
from maskwright.storage.cache import cache_folder
from maskwright.text.corpora.files import Files
from maskwright.text.corpora.tokenized import Tokenized
from maskwright.text.shards.prepare import prepare
from maskwright.text.shards.remote import fetch, publish
from maskwright.text.shards.shards import Shards, tokenize
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings
from maskwright.training.trainer import Trainer

from .test_shards import contents

SETTINGS = TokenizerSettings()


@pytest.fixture
def store():
    """A store in memory, empty."""
    found = fsspec.filesystem("memory")
    found.store.clear()
    return found


def opened(*places: object) -> Shards:
    return prepare(Tokenized(folders=tuple(map(str, places))), SETTINGS, progress=False)


@pytest.mark.parametrize("scheme", ["memory://bucket/text", "file://{}/text"])
def test_what_is_published_is_fetched(halves: list[Shards], store, tmp_path: Path, scheme: str) -> None:
    url = scheme.format(tmp_path)
    publish(halves[0].folder, url, progress=False)
    publish(halves[0].folder, url, progress=False)
    found = opened(url)
    assert cache_folder() in found.folder.parents
    assert contents(found.folder) == contents(halves[0].folder)
    found.verify()


def test_it_is_fetched_once_and_goes_on_after_a_kill(halves: list[Shards], store, monkeypatch) -> None:
    publish(halves[1].folder, "memory://once", progress=False)
    brought, get_file = [], type(store).get_file

    def dies(self, source: str, target: str, **rest: object) -> None:
        if len(brought) == 3:
            Path(target).write_bytes(b"half")
            raise KeyboardInterrupt
        brought.append(source)
        get_file(self, source, target, **rest)

    with monkeypatch.context() as patch:
        patch.setattr(type(store), "get_file", dies)
        with pytest.raises(KeyboardInterrupt):
            fetch("memory://once", progress=False)
        brought.insert(0, "a fourth, so that it lives")
        place = fetch("memory://once", progress=False)
        assert len(brought) == len(set(brought))
    assert contents(place) == contents(halves[1].folder)
    monkeypatch.setattr(type(store), "get_file", None)
    assert fetch("memory://once", progress=False) == place


def refused(*places: object) -> str:
    with pytest.raises(ValueError, match=r".*") as error:
        opened(*places)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_what_is_not_there_or_damaged_is_refused(halves: list[Shards], store, tmp_path: Path) -> None:
    assert refused("nostore://bucket/text").startswith("nostore://bucket/text cannot be used: Protocol not known")
    assert "memory://nothing cannot be used: it holds no tokenized text (no manifest.json)" in refused(
        "memory://nothing"
    )
    publish(halves[0].folder, "memory://bad", progress=False)
    whole = store.cat_file("/bad/train.tokens")
    store.pipe_file("/bad/train.tokens", bytes([whole[0] ^ 1]) + whole[1:])
    assert "memory://bad/train.tokens is not what was published there" in refused("memory://bad")
    store.rm_file("/bad/train.tokens")
    assert "memory://bad cannot be used: /bad/train.tokens" in refused("memory://bad")
    store.pipe_file("/bad/manifest.json", b"{}")
    assert refused("memory://bad") == "memory://bad/manifest.json is not a manifest of tokenized text in format 1"
    with pytest.raises(ValueError, match="memory://bad cannot be used: it holds other tokenized text already"):
        publish(halves[0].folder, "memory://bad", progress=False)
    with pytest.raises(ValueError, match=r"corpus\.folders is empty"):
        Tokenized(folders=())


def test_a_tokenizer_that_was_damaged_is_refused_and_not_kept(halves: list[Shards], store) -> None:
    publish(halves[0].folder, "memory://other", progress=False)
    whole = store.cat_file("/other/tokenizer.json")
    place = whole.index(b'"vocab"') + whole[whole.index(b'"vocab"') :].index(b'"a"') + 1
    for damaged in (whole[:place] + b"\xc3\xa4" + whole[place + 1 :], whole[:-9], b"\xff"):
        store.pipe_file("/other/tokenizer.json", damaged)
        assert "memory://other/tokenizer.json is not what was published there" in refused("memory://other")
    store.pipe_file("/other/tokenizer.json", whole)
    store.pipe_file("/other/special_tokens_map.json", b"{}")
    assert contents(opened("memory://other").folder) == contents(halves[0].folder)


def test_the_same_text_under_other_names_is_joined_anew(
    halves: list[Shards], learned: dict[str, Tokenizer], tmp_path: Path
) -> None:
    before = opened(*(half.folder for half in halves))
    (tmp_path / "text-1" / "c.txt").rename(tmp_path / "text-1" / "d.txt")
    corpus = Files(files=(str(tmp_path / "text-1"),))
    renamed = tokenize(corpus, learned["bpe"], tmp_path / "renamed", 0.1, progress=False)
    assert renamed.fingerprint == halves[1].fingerprint
    after = opened(halves[0].folder, renamed.folder)
    assert (before.domains, after.domains) == (["a", "b", "c"], ["a", "b", "d"])


def test_folders_are_trained_on_as_one(halves: list[Shards], store) -> None:
    publish(halves[1].folder, "memory://second", progress=False)
    both = opened(halves[0].folder, "memory://second")
    assert both.domains == ["a", "b", "c"]
    for split in ("train", "valid"):
        parts, whole = [getattr(half, split) for half in halves], getattr(both, split)
        for field in ("tokens", "word_starts", "hashes", "bytes", "words"):
            joined = np.concatenate([getattr(part, field) for part in parts])
            assert np.array_equal(getattr(whole, field), joined)
        assert np.array_equal(np.diff(whole.offsets), np.concatenate([np.diff(part.offsets) for part in parts]))
        named = [half.domains[domain] for half, part in zip(halves, parts, strict=True) for domain in part.domains]
        assert [both.domains[domain] for domain in whole.domains] == named
    both.verify()
    assert opened(*(half.folder for half in halves)).folder == both.folder
    assert opened(*(half.folder for half in reversed(halves))).fingerprint != both.fingerprint


def test_folders_that_do_not_fit_are_refused(
    halves: list[Shards], learned: dict[str, Tokenizer], tmp_path: Path
) -> None:
    first, corpus = halves[0].folder, Files(files=(str(tmp_path / "text-1"),))
    other = tokenize(corpus, learned["wordpiece"], tmp_path / "other", 0.1, progress=False).folder
    assert f"{other} was tokenized by another tokenizer than {first}: tokenize it anew" in refused(first, other)
    more = tokenize(corpus, learned["bpe"], tmp_path / "more", 0.2, progress=False).folder
    assert f"{more} holds out 0.2 of its documents and {first} 0.1" in refused(first, more)
    with pytest.raises(ValueError, match="was tokenized with the tokenizer"):
        prepare(Tokenized(folders=(str(first),)), TokenizerSettings(file=str(other)), progress=False)
    apart = [
        Files(files=(str(tmp_path / f"text-{i}"),), valid=(str(tmp_path / f"text-{1 - i}" / "c.txt"),)) for i in (0,)
    ]
    valid = tokenize(apart[0], learned["bpe"], tmp_path / "valid", progress=False).folder
    none = tokenize(corpus, learned["bpe"], tmp_path / "none", 0.0, progress=False).folder
    assert "of the 300 validation documents in" in refused(valid, none)


def test_the_command_line_publishes_and_trains(settings: dict, store, tmp_path: Path) -> None:
    app.app.registered_commands.clear()
    app.register()
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
    url = f"file://{tmp_path}/published"
    result = CliRunner().invoke(app.app, ["tokenize", str(tmp_path / "run.yaml"), "--out", url])
    assert result.exit_code == 0, result.exception
    assert f"shards  {url}" in result.stdout
    assert json.loads((tmp_path / "published" / "manifest.json").read_text())["format"] == 1
    ready = Config.load(tmp_path / "run.yaml", ["corpus.name=tokenized", f"corpus.folders=[{url}]"])
    runs = [Trainer(config, tmp_path / name, show=False) for name, config in (("a", Config.of(settings)), ("b", ready))]
    assert len({run.data.shards.fingerprint for run in runs}) == 1
    losses = [run.train().metrics["valid/loss"] for run in runs]
    assert losses[0] == losses[1]
