"""A planted secret is in nothing that a command prints or writes, wherever it was planted."""

import dataclasses
from pathlib import Path

import fsspec
import pytest
import yaml

from maskwright.files import secrets
from maskwright.files.errors import cut, short_repr
from maskwright.files.secrets import hide, refuse
from maskwright.run.config import NAMED, PLAIN, Config
from maskwright.sampling.request import SampleRequest
from maskwright.settings import registry
from maskwright.text.corpora.memory import Memory
from maskwright.text.corpora.tokenized import Tokenized
from maskwright.text.shards.encode_ray import encode_over
from maskwright.text.shards.remote import fetch, publish
from maskwright.training.trainer import Trainer

PART = "pL4nt3d"
MARKER = f"{PART}/s3cr3t+M4rk3r"
URLS = [
    f"s3://AKIA:{MARKER}@bucket/shards", f"sftp://me:{MARKER}@host:22/shards", f"https://{PART}@host/shards",
    f"https://host/shards?X-Amz-Signature={MARKER}", f"memory://x?page=1&access_token={MARKER}",
    f"simplecache::ftp://me:{MARKER}@host/x",
]  # fmt: skip
HARMLESS = [
    "s3://bucket/shards", "sftp://me@host:22/a@b", "http://localhost:8080/a@b", "hf://datasets/owner/name@v1/text",
    "https://host/shards?page=1&tokenizer=bpe", "C:/texts", "a: b@c", "texts/*.txt",
]  # fmt: skip


@pytest.fixture(autouse=True)
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", set())


@pytest.mark.parametrize("url", URLS)
def test_a_url_with_a_secret_is_refused_without_it(url: str) -> None:
    for value in (url, [url], {"folders": ("a", url)}, f"s3://b/x, {url}", f"corpus.folders=[{url}]"):
        with pytest.raises(ValueError, match="holds a password, token or key") as refused:
            refuse(value)
        assert PART not in str(refused.value)
    for shown in (hide(f"{url} is not there: {url}"), cut(f"{url} {'x' * 99}"), short_repr([url, {"a": url}], 30)):
        assert PART not in shown


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_one_is_as_it_was(text: str) -> None:
    refuse([text, f"a={text}"])
    assert hide(text) == text


def test_text_may_quote_a_url_with_a_password() -> None:
    quoted = f"Open {URLS[1]} and look."
    assert Memory(texts=(quoted,)).texts == (quoted,)
    assert SampleRequest(run=Path("run"), prompt=quoted).prompt == quoted


SETTINGS = [kind for folder in NAMED.values() for kind in registry.entries(folder).values()] + list(PLAIN.values())


@pytest.mark.parametrize("kind", SETTINGS, ids=lambda kind: kind.__name__)
def test_no_option_takes_a_url_with_a_secret(kind: type) -> None:
    for field in dataclasses.fields(kind):
        for value in (URLS[0], [URLS[0]], {"name": [URLS[0]]}) if field.init else ():
            with pytest.raises(ValueError, match=r"^s3://\*\*\*@bucket") as refused:
                kind(**{field.name: value})
            assert PART not in str(refused.value), field.name


def test_every_command_refuses_before_it_begins(command, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run.yaml").write_text(yaml.safe_dump({"corpus": {"folders": [URLS[0]], "name": "tokenized"}}))
    for words in (
        ("tokenize", "quickstart", "--out", URLS[0]),
        ("tokenize", "quickstart", "--over", f"ray://me:{MARKER}@host:10001"),
        ("train", "quickstart", f"corpus.folders={URLS[1]}", "--out", "run"),
        ("train", "quickstart", "--out", URLS[0]),
        ("train", URLS[0]),
        ("export", URLS[0], "out"),
        ("evaluate", "run", "blimp", "--data", URLS[2]),
    ):
        code, out, complaint = command(*words)
        assert (code, out) == (2, ""), words
        assert PART not in complaint
        assert "holds a password" in complaint
    assert command("tokenize", "run.yaml", "--out", "shards")[0] == 2
    (tmp_path / "run.yaml").unlink()
    assert not list(tmp_path.iterdir())


def test_python_refuses_as_the_command_line_does() -> None:
    for call in (
        lambda: Tokenized(folders=(URLS[0],)),
        lambda: fetch(URLS[0]),
        lambda: publish(Path("shards"), URLS[0]),
        lambda: next(encode_over(None, iter([]), f"ray://me:{MARKER}@host")),
    ):
        with pytest.raises(ValueError, match="holds a password") as refused:
            call()
        assert PART not in str(refused.value)


def test_a_store_that_quotes_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(*_: object) -> bool:
        raise PermissionError(f"the key {MARKER} and the secret another-{MARKER} were refused")

    monkeypatch.setitem(fsspec.config.conf, "memory", {"key": MARKER, "client": {"secret": f"another-{MARKER}"}})
    monkeypatch.setattr(fsspec.get_filesystem_class("memory"), "exists", failed)
    with pytest.raises(ValueError, match=r"the key \*\*\* and the secret \*\*\* were refused"):
        fetch("memory://shards")


ENVIRONMENT = (
    "AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "FSSPEC_S3_SECRET", "HF_TOKEN", "WANDB_API_KEY", "COMET_API_KEY",
    "FSSPEC_SFTP_PASSWORD", "AWS_SESSION_TOKEN",
)  # fmt: skip


def test_a_run_writes_no_secret_of_its_environment(
    settings: dict, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture
) -> None:
    for number, name in enumerate(ENVIRONMENT):
        monkeypatch.setenv(name, f"{MARKER}{number}")
    settings["training"] |= {"steps": 2, "checkpoint_every": 1, "trackers": ["tensorboard"]}
    Trainer(Config.of(settings), tmp_path / "run").train()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any("events" in path.name for path in files)
    assert not [path for path in files if MARKER.encode() in path.read_bytes()]
    assert PART not in "".join(capfd.readouterr())


@pytest.mark.parametrize("name", ENVIRONMENT)
def test_an_error_that_quotes_the_environment_is_printed_without(
    name: str, command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, MARKER)
    assert PART not in command("train", f"no-{MARKER}-recipe")[2]
    complaint = command("train", f"no-{MARKER}-recipe", "--debug")[2]
    assert "Traceback" in complaint
    assert PART not in complaint
