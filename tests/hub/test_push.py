"""After a push each branch holds what `export` writes; another push sends nothing, one that broke off goes on."""

import json
from pathlib import Path

import pytest
from huggingface_hub import constants
from transformers import AutoModelForMaskedLM, AutoTokenizer

from maskwright.hub.push.push import push
from maskwright.hub.push.repository import RepoFile, same
from maskwright.run import saved

from .server import READER, WRITER, Hub, entry

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
"""huggingface_hub's own way of sending a large file without xet."""
NAME = "someone/babylm"
KEPT = ["chck_2M", "chck_10M"]


@pytest.fixture
def run(source, request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A finished run that kept two models on its way, no two with the same weights."""
    made, folder = source(getattr(request, "param", "modern"), "mlm"), tmp_path / "run"
    for number, place in enumerate([*(f"words/{name}" for name in KEPT), "."]):
        weights = {name: weight + number / 10 for name, weight in made.model.state_dict().items()}
        saved.save(folder / place / "final", weights, made.model_settings, made.tokenizer, "text")
        made.config.write(folder / place / "config.yaml")
        (folder / place / "final.json").write_text(json.dumps({"step": number}))
    return folder


def without_card(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name not in ("README.md", ".gitattributes")}


@pytest.mark.parametrize("run", ["ltg_bert"], indirect=True)
def test_every_branch_holds_what_export_writes(command, hub: Hub, run: Path, tmp_path: Path) -> None:
    code, out, complaint = command("push", run, NAME)
    assert code == 0, complaint
    assert out.splitlines()[0] == (
        "main: MaskwrightForMaskedLM, with code of ours (trust_remote_code=True): 9 files sent"
    )
    assert out.splitlines()[-1] == f"{hub.url}/{NAME}"
    assert WRITER not in out + complaint
    for path, out in ((run / "words", "models"), (run, "models/main")):
        assert command("export", path, tmp_path / out)[0] == 0
    there = hub.repositories[NAME]
    assert list(there) == ["main", *KEPT]
    for branch, files in there.items():
        here = {path.name: path.read_bytes() for path in (tmp_path / "models" / branch).iterdir()}
        assert files.keys() - {".gitattributes"} == here.keys()
        assert without_card(files) == without_card(here)
        at = "" if branch == "main" else f', revision="{branch}"'
        assert f'AutoTokenizer.from_pretrained("{NAME}"{at}, trust_remote_code=True)' in files["README.md"].decode()
    assert len({files["model.safetensors"] for files in there.values()}) == 3


def test_a_model_with_a_class_of_transformers_may_have_our_code(command, hub: Hub, run: Path) -> None:
    code, out, complaint = command("push", run, NAME, "--to", "hf-code")
    assert code == 0, complaint
    assert "with code of ours" in out.splitlines()[0]
    assert all("modeling_maskwright.py" in files for files in hub.repositories[NAME].values())


def test_what_a_branch_holds_opens(hub: Hub, run: Path, tmp_path: Path) -> None:
    list(push(run / "words", NAME))
    for name, data in hub.repositories[NAME]["chck_2M"].items():
        (tmp_path / name).write_bytes(data)
    _, told = AutoModelForMaskedLM.from_pretrained(tmp_path, output_loading_info=True)
    assert not any(told[what] for what in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert AutoTokenizer.from_pretrained(tmp_path).is_fast
    assert "model.safetensors" not in hub.repositories[NAME]["main"]


def test_another_push_sends_what_is_new_alone(hub: Hub, run: Path) -> None:
    list(push(run, NAME))
    there = hub.repositories[NAME]
    there["main"]["notes.md"] = b"mine"
    hub.sent.clear()
    hub.asked.clear()
    assert [line.rpartition(": ")[2] for line in push(run, NAME)][:-1] == ["is there already"] * 3
    assert set(hub.asked) == {"create", "refs", "tree"}
    there["chck_2M"]["config.json"] = there["chck_2M"]["config.json"].replace(b"1", b"2")
    weights = there["main"]["model.safetensors"]
    there["main"]["model.safetensors"] = weights[:-1] + bytes([weights[-1] ^ 1])
    list(push(run, NAME))
    assert hub.sent == [("main", "model.safetensors"), ("chck_2M", "config.json")]
    assert there["main"]["notes.md"] == b"mine"


@pytest.mark.parametrize("action", ["commit", "large"])
def test_a_push_that_broke_off_goes_on(command, hub: Hub, run: Path, action: str) -> None:
    hub.broken = (action, 1)
    code, out, complaint = command("push", run, NAME)
    assert (code, len(out.splitlines())) == (2, 1)
    sentence = "the Hub refused (400): the disk is full; run it again, and it goes on where it stopped"
    assert complaint.endswith(f"error: {NAME} is not complete: {sentence}\n")
    assert list(hub.repositories[NAME]["chck_2M"]) == [".gitattributes"]
    before, hub.broken = len(hub.sent), ("", 0)
    code, out, _ = command("push", run, NAME)
    assert code == 0
    assert [line.endswith("is there already") for line in out.splitlines()] == [True, False, False, False]
    assert (before, len(hub.sent)) == (8, 24)
    assert len(set(hub.sent)) == 24


REFUSALS = {
    "no token": ("", NAME, "no Hub token found: log in with `hf auth login`, or set HF_TOKEN"),
    "wrong token": ("hf_wrong", NAME, "the Hub does not know this token: log in again"),
    "no permission": (READER, NAME, f"this token may not write to {NAME}: it needs the permission"),
    "one name": (WRITER, "babylm", "'babylm' is not a repository name: give OWNER/NAME"),
    "bad name": (WRITER, "someone/a b", "'someone/a b'"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_refused_is_a_sentence(case: str, command, hub: Hub, run: Path, monkeypatch) -> None:
    token, name, sentence = REFUSALS[case]
    monkeypatch.setenv("HF_TOKEN", token)
    code, out, complaint = command("push", run, name)
    assert (code, out, complaint.count("\n")) == (2, "", 1)
    assert sentence in complaint
    assert "hf_" not in complaint
    assert not hub.repositories


def test_a_reader_of_a_repository_that_is_there_is_refused(command, hub: Hub, run: Path, monkeypatch) -> None:
    hub.create(None, None, {"organization": "someone", "name": "babylm"})
    monkeypatch.setenv("HF_TOKEN", READER)
    code, _, complaint = command("push", run, NAME)
    assert code == 2
    assert "may not write" in complaint


def test_nobody_there(command, hub: Hub, run: Path, monkeypatch) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    code, out, complaint = command("push", run, NAME)
    assert (code, out) == (2, "")
    assert f"{NAME} is not complete: the connection to the Hub at http://127.0.0.1:9 failed" in complaint


def test_nothing_to_push(command, hub: Hub, tmp_path: Path) -> None:
    code, _, complaint = command("push", tmp_path, NAME)
    assert code == 2
    assert "holds no trained model: there is nothing to push" in complaint
    assert not hub.asked


def test_private_is_private(command, hub: Hub, run: Path) -> None:
    assert command("push", run / "words/chck_2M", NAME, "--private")[0] == 0
    assert hub.private == {NAME}
    assert list(hub.repositories[NAME]) == ["main"]
    list(push(run / "words/chck_2M", "someone/open"))
    assert hub.private == {NAME}
    code, _, complaint = command("push", run, "someone/open", "--private")
    assert code == 2
    assert "someone/open is there and public: hide it in its settings" in complaint


def test_a_way_that_was_not_learned_makes_no_repository(command, hub: Hub, run: Path) -> None:
    assert command("push", run, NAME, "--causal")[0] == 2
    assert not hub.asked


def test_a_file_is_the_same_by_its_content(tmp_path: Path) -> None:
    for name in ("a.safetensors", "a.json"):
        path = tmp_path / name
        path.write_bytes(b"one")
        found = [RepoFile(**entry(name, data)) for data in (b"one", b"two", b"three")]
        assert [same(path, file) for file in found] == [True, False, False]


def test_where_files_lie_is_not_published(hub: Hub, source, tmp_path: Path) -> None:
    place = tmp_path / "m4rk3r"
    made = source("modern", "mlm")
    for number, sections in enumerate(
        (
            {"corpus": {"name": "files", "files": [f"{place}/a.txt", "m4rk3r/texts/**/*.txt"], "valid": f"{place}/b/"}},
            {"corpus": {"name": "tokenized", "folders": [f"{place}/shards", f"file://{place}/x", "s3://bucket/x"]}},
            {"corpus": {"name": "babylm", "folder": "~/m4rk3r/data"}, "tokenizer": {"file": f"{place}/t.json"}},
            {
                "corpus": {"name": "hub", "dataset": f"{place}/set"},
                "training": {"init_from": "m4rk3r/run", "freeze": 0.5},
            },
            {"objective": {"name": "weighted", "weights": f"{place}/table.csv"}},
            {"objective": {"name": "remask", "generator_run": "../m4rk3r/run"}},
            {"corpus": {"name": "hub", "dataset": "owner/name"}, "tokenizer": {"add": ["</s>", "/x/"]}},
        )
    ):
        out = place / f"run-{number}"
        saved.save(out / "final", made.model.state_dict(), made.model_settings, made.tokenizer, "text")
        made.config.replace(**sections).write(out / "config.yaml")
        list(push(out, f"{NAME}-{number}"))
        files = hub.repositories[f"{NAME}-{number}"]["main"]
        assert not [name for name, data in files.items() if b"m4rk3r" in data or str(tmp_path).encode() in data]
        card = files["README.md"].decode()
        assert "modern" in card
        for kept in ("a.txt", "*.txt", "s3://bucket/x", "t.json", "table.csv", "owner/name", "</s>", "/x/"):
            assert (kept in card) == (kept.rpartition("/")[2] in str(sections) and kept in str(sections)), kept
