"""Whatever lies on the disk or stands in a config is taken as it was written or refused in one sentence.

Bytes of every file are changed, cut and put in; nothing crashes, nothing runs, and nothing damaged is taken for whole.
"""

import json
import pickle
import shutil
import warnings
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maskwright.run import checkpoint, saved
from maskwright.run.config import NAMED, PLAIN, Config
from maskwright.run.sections import Top
from maskwright.settings import field_names
from maskwright.settings.registry import entries, load
from maskwright.storage import sealed
from maskwright.text.shards.layout import data_files
from maskwright.text.shards.shards import Shards
from maskwright.training.trainer import Trainer

FUZZ = settings(max_examples=150, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; its shards are copied beside it."""
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / "text.txt").write_text("\n\n".join(f"The text number {i} says what {i} is." for i in range(60)))
    config = Config.of(
        {
            "corpus": {"files": [str(folder / "text.txt")]},
            "tokenizer": {"kind": "character", "size": 60},
            "rows": {"length": 16},
            "model": {"name": "modern", "hidden": 8, "layers": 1, "heads": 1, "intermediate": 8, "max_length": 16},
            "objective": {"name": "adaptive"},
            "training": {"steps": 2, "batch_tokens": 64, "precision": "fp32"},
            "evaluation": {"held_out": 0.2},
        }
    )
    trainer = Trainer(config, folder / "run", show=False)
    trainer.train()
    shutil.copytree(trainer.data.shards.folder, folder / "run" / "shards")
    return folder / "run"


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, float, bytes]:
    """What happens to a file: where (a share of its length), and the bytes that come there."""
    return draw(st.sampled_from(["change", "cut", "insert"])), draw(st.floats(0, 1)), draw(st.binary(max_size=6))


def mutate(content: bytes, mutation: tuple[str, float, bytes]) -> bytes:
    kind, share, new = mutation
    place = int(share * len(content))
    return (
        content[:place]
        + {"change": new + content[place + len(new) :], "cut": b"", "insert": new + content[place:]}[kind]
    )


def read_shards(folder: Path) -> Any:
    shards = Shards.open(folder)
    assert shards.tokenizer.vocabulary.size
    return [
        shards.fingerprint,
        shards.domains,
        *(getattr(shards, split).tokens.tobytes() for split in ("train", "valid")),
    ]


def read_checkpoint(folder: Path) -> Any:
    tensors, state = checkpoint.load(folder)
    return state, {name: {key: t.tolist() for key, t in group.items()} for name, group in tensors.items()}


def read_model(folder: Path) -> Any:
    model, tokenizer = saved.load(folder)
    return {name: weight.tolist() for name, weight in model.state_dict().items()}, tokenizer.fingerprint


def damaged(read: Callable[[Path], Any], folder: Path, name: str, content: bytes, here: Path) -> str | None:
    """What `read` finds in a copy of `folder`, at `here`, in which a file has another content; none when it refuses."""
    if not here.exists():
        shutil.copytree(folder, here)
    (here / name).write_bytes(content)
    try:
        return repr(read(here))
    except (ValueError, OSError) as error:
        told = str(error)
    finally:
        shutil.copy(folder / name, here / name)
    assert told
    assert "\n" not in told
    return None


PLACES: list[tuple[Callable[[Path], Any], str, list[str]]] = [
    (read_shards, "shards", ["manifest.json", "tokenizer.json", *data_files()]),
    (
        read_checkpoint,
        "checkpoints/step-2",
        ["state.json"] + [f"{n}.safetensors" for n in ("model", "optimizer", "objective")],
    ),
    (read_model, "final", ["model.json", "model.safetensors", "tokenizer.json"]),
]


@pytest.mark.parametrize(("read", "place", "names"), PLACES, ids=[place for _, place, _ in PLACES])
def test_a_damaged_file_is_refused(run: Path, tmp_path: Path, read: Any, place: str, names: list[str]) -> None:
    whole = repr(read(run / place))

    @FUZZ
    @given(st.sampled_from(names), mutations())
    def fuzz(name: str, mutation: tuple[str, float, bytes]) -> None:
        before = (run / place / name).read_bytes()
        after = mutate(before, mutation)
        found = damaged(read, run / place, name, after, tmp_path / place)
        assert found in (None, whole)
        assert found is None or after == before or name.endswith(".json")

    fuzz()


class Bomb:
    """Leaves a file where it goes off."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self) -> tuple:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize(("read", "place", "names"), PLACES, ids=[place for _, place, _ in PLACES])
def test_no_file_is_run(run: Path, tmp_path: Path, read: Any, place: str, names: list[str]) -> None:
    """Not even one whose hash is right."""
    mark, here = tmp_path / "mark", tmp_path / "copy"
    torch.save(Bomb(mark), tmp_path / "bomb.pt")
    for name, content in product(names, (pickle.dumps(Bomb(mark)), (tmp_path / "bomb.pt").read_bytes())):
        assert damaged(read, run / place, name, content, here) is None
        (facts,) = (here / file for file in ("manifest.json", "state.json", "model.json") if (here / file).exists())
        told = json.loads(facts.read_text())
        if name in told["files"] and name.endswith(".safetensors"):
            (here / name).write_bytes(content)
            told["files"][name] = sealed.fingerprint(here / name)
            sealed.write(facts, {key: fact for key, fact in told.items() if key != sealed.SEAL})
            with pytest.raises(ValueError, match=r"holds no tensors|is damaged"):
                read(here)
            shutil.rmtree(here)
    assert not mark.exists()
    pickle.loads(pickle.dumps(Bomb(mark)))
    assert mark.exists(), "it was no bomb"


@pytest.mark.parametrize(
    "name", ["../model.safetensors", "/etc/hostname", "..", "sub/model.safetensors", "optimizer.pt"]
)
def test_no_name_leads_out_of_the_folder(run: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(run / "checkpoints/step-2", tmp_path / "step")
    shutil.copy(tmp_path / "step/model.safetensors", tmp_path / "model.safetensors")
    state = json.loads((tmp_path / "step/state.json").read_text())
    del state["seal"]
    state["files"][name] = state["files"]["model.safetensors"]
    (tmp_path / "step/state.json").write_text(json.dumps(state))
    with pytest.raises(ValueError, match="is not what was written"):
        checkpoint.load(tmp_path / "step")


DEEP = "[" * 100_000


@pytest.mark.parametrize(
    "text", [DEEP, "{", "[]", "null", '"a"', "{}", "\ud800".encode("utf-8", "surrogatepass"), b"\xff\x00"]
)
def test_what_is_no_such_json_is_refused(run: Path, tmp_path: Path, text: str | bytes) -> None:
    content = text.encode() if isinstance(text, str) else text
    for read, place, names in PLACES:
        for name in names:
            if name.endswith(".json"):
                assert damaged(read, run / place, name, content, tmp_path / place) is None


LAUGHS = "&a [x, x, x, x, x, x, x, x, x], " + ", ".join(
    f"&{new} [{', '.join(['*' + old] * 9)}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
"""A list that would have 9 to the power of 9 members."""
BAD = (
    f"rows: {DEEP}",
    f"rows: {{length: [{LAUGHS}]}}",
    f"rows: [{LAUGHS}]",
    f"corpus: {{files: [{LAUGHS}]}}",
    f"objective: {{name: hybrid, masked: [{LAUGHS}]}}",
    "objective: {name: hybrid, masked: 3}",
    "1: 2",
    "? [a]\n: b",
    "rows: 2024-13-45",
    "!!python/object/apply:os.system ['true']",
    "model: {name: [1]}",
)


@pytest.mark.parametrize("text", BAD)
def test_a_config_file_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(ValueError, match=r".") as refused:
        Config.load(tmp_path)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 2000


FIELDS = sorted({"name", *field_names(Top), *(name for kind in PLAIN.values() for name in field_names(kind))}) + [
    name for where in NAMED.values() for name in entries(where) for name in field_names(load(where, name)[0])
]
NAMES = [name for where in NAMED.values() for name in entries(where)]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.sampled_from(NAMES),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS) | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)


def fields_of(kind: type) -> st.SearchStrategy:
    """Some of the fields of a settings class, with any values."""
    return st.dictionaries(st.sampled_from([*field_names(kind), "nothing"]), VALUES, max_size=3)


def sections(name: str) -> st.SearchStrategy:
    """A section whose name and fields are, for the most part, those that it may have."""
    if name in PLAIN:
        return fields_of(PLAIN[name]) | VALUES
    kinds = [(kind, load(NAMED[name], kind)[0]) for kind in entries(NAMED[name])]
    return (
        st.one_of(*(fields_of(kind).map(lambda fields, name=name: {"name": name} | fields) for name, kind in kinds))
        | VALUES
    )


TREES = st.fixed_dictionaries(
    {"training": st.just({"steps": 3}) | sections("training")},
    optional={name: sections(name) for name in [*NAMED, *PLAIN] if name != "training"}
    | {"seed": VALUES, "errors": VALUES, "nothing": VALUES},
)


@settings(FUZZ, max_examples=400)
@given(TREES)
def test_any_config_is_taken_or_refused(tree: dict) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            config = Config.of(tree)
        except ValueError:
            return
        assert Config.of(yaml.safe_load(yaml.safe_dump(config.tree(), allow_unicode=True))).tree() == config.tree()
