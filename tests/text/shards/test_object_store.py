"""Tokenized text in an object store: a server that speaks S3 answers on this machine, as MinIO would."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from maskwright.storage.cache import cache_folder
from maskwright.text.shards.remote import fetch, publish
from maskwright.text.shards.shards import Shards

from .test_remote import opened, refused
from .test_shards import contents

s3fs = pytest.importorskip("s3fs", reason="s3fs is an extra")
moto = pytest.importorskip("moto.server", reason="moto is for development")


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of a server without buckets."""
    running = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    yield "http://{}:{}".format(*running.get_host_and_port())
    running.stop()


@pytest.fixture
def reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Sets what a user would set to reach a store, and nothing of the machine's own; nothing was fetched before."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for variable in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    def reach(address: str, user: str | None = "someone") -> None:
        s3fs.S3FileSystem.clear_instance_cache()
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(variable, user) if user else monkeypatch.delenv(variable, raising=False)

    yield reach
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture
def store(server: str, reached: Callable[..., None]) -> Iterator["s3fs.S3FileSystem"]:
    """The store with one empty bucket, `bucket`."""
    reached(server)
    found = s3fs.S3FileSystem()
    found.mkdir("bucket")
    yield found
    found.rm("bucket", recursive=True)


@pytest.fixture
def run(command: Callable[..., tuple[int, str, str]]) -> Callable[..., tuple[int, str]]:
    """Call `maskwright` with arguments; gives the exit code, and what was said or complained."""

    def call(*arguments: object) -> tuple[int, str]:
        code, out, err = command(*arguments)
        return code, err if code else out

    return call


def test_what_an_object_store_publishes_is_fetched(halves: list[Shards], store) -> None:
    folder = halves[0].folder
    publish(folder, "s3://bucket/some/text", progress=False)
    publish(folder, "s3://bucket/some/text", progress=False)
    assert {Path(name).name for name in store.ls("bucket/some/text")} == contents(folder).keys()
    found = opened("s3://bucket/some/text")
    assert cache_folder() in found.folder.parents
    assert contents(found.folder) == contents(folder)
    with pytest.raises(ValueError, match="s3://bucket/some/text cannot be used: it holds other tokenized text already"):
        publish(halves[1].folder, "s3://bucket/some/text", progress=False)


def test_a_fetch_goes_on_when_what_was_missing_is_back(halves: list[Shards], store) -> None:
    publish(halves[1].folder, "s3://bucket/text", progress=False)
    missing = store.cat_file("bucket/text/valid.tokens")
    store.rm_file("bucket/text/valid.tokens")
    assert refused("s3://bucket/text").startswith("s3://bucket/text cannot be used: ")
    (begun,) = cache_folder().glob("fetched/*.partial")
    brought = {path.name: path.stat().st_ino for path in begun.iterdir()}
    assert "train.tokens" in brought
    store.pipe_file("bucket/text/valid.tokens", missing)
    whole = fetch("s3://bucket/text", progress=False)
    assert contents(whole) == contents(halves[1].folder)
    assert {name: (whole / name).stat().st_ino for name in ("manifest.json", "train.tokens")}.items() <= brought.items()


def test_an_object_that_was_cut_short_is_refused_until_it_is_whole(halves: list[Shards], store) -> None:
    publish(halves[0].folder, "s3://bucket/short", progress=False)
    whole = store.cat_file("bucket/short/train.tokens")
    for short in (whole[:-2], b""):
        store.pipe_file("bucket/short/train.tokens", short)
        assert "s3://bucket/short/train.tokens is not what was published there" in refused("s3://bucket/short")
    store.pipe_file("bucket/short/train.tokens", whole)
    opened("s3://bucket/short").verify()


def test_stores_and_folders_are_trained_on_as_one(halves: list[Shards], store) -> None:
    store.mkdir("another")
    for half, url in zip(halves, ("s3://bucket/first", "s3://another/second"), strict=True):
        publish(half.folder, url, progress=False)
    alike = opened(*(half.folder for half in halves))
    assert alike.domains == ["a", "b", "c"]
    for places in (("s3://bucket/first", "s3://another/second"), (halves[0].folder, "s3://another/second")):
        assert opened(*places).folder == alike.folder
    store.rm("another", recursive=True)


def test_a_run_from_a_store_is_the_run_from_its_text(run, settings: dict, store, tmp_path: Path) -> None:
    settings["training"] |= {"steps": 4}
    (recipe := tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
    code, said = run("tokenize", recipe, "--out", "s3://bucket/shards")
    assert (code, "shards  s3://bucket/shards" in said) == (0, True), said
    there = ("corpus.name=tokenized", "corpus.folders=[s3://bucket/shards]")
    for name, overrides in (("store", there), ("text", ())):
        code, said = run("train", recipe, *overrides, "--out", tmp_path / name, "--quiet")
        assert code == 0, said
    weights = [(tmp_path / name / "final" / "model.safetensors").read_bytes() for name in ("store", "text")]
    assert weights[0] == weights[1]


def test_a_store_that_cannot_be_used_is_one_sentence(
    run, settings: dict, server: str, reached, store, tmp_path: Path
) -> None:
    (recipe := tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))

    def complaint(url: str, *command: object) -> str:
        code, said = run(command[0], recipe, *command[1:])
        *_, sentence = said.splitlines()
        assert (code, said.count("error"), sentence.startswith(f"error: {url} cannot be used: ")) == (2, 1, True), said
        assert not (tmp_path / "run").exists()
        return sentence

    def refusals(url: str) -> set[str]:
        """What is said where the text is put there, and where it is trained on."""
        train = "train", "corpus.name=tokenized", f"corpus.folders=[{url}]", "--out", tmp_path / "run", "--quiet"
        return {complaint(url, *command) for command in (train, ("tokenize", "--out", url))}

    wrong = refusals("s3://none/text")
    assert {"it holds no tokenized text (no manifest.json)" in said for said in wrong} == {True, False}
    assert {"The specified bucket does not exist" in said for said in wrong} == {True, False}
    assert [store.exists(name) for name in ("none", "bucket")] == [False, True]
    reached(server, user=None)
    assert all("Unable to locate credentials" in said for said in refusals("s3://bucket/text"))
    reached("http://127.0.0.1:1")
    assert all("Could not connect to the endpoint URL" in said for said in refusals("s3://bucket/text"))
