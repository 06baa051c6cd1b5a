"""docs/coming-from.md: every row's right column is tried, as settings of a run or as a command."""

import json
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import is_dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

import maskwright
from maskwright.compare.experiments import arms
from maskwright.run.config import NAMED, PLAIN, Config, recipes
from maskwright.run.sections import Top
from maskwright.settings import field_names
from maskwright.settings.registry import entries
from maskwright.training.trainer import Trainer

PAGE = (Path(__file__).parents[1] / "docs" / "coming-from.md").read_text(encoding="utf-8")
SECTION = re.compile(rf"(?:{'|'.join([*NAMED, *PLAIN])})(?=[.=])")
STANDS_FOR = {
    "corpus.dataset=…": "corpus.dataset=some/texts",
    "corpus.split=…": "corpus.split=train",
    "[…]": "[texts/]",
}


def table_rows() -> list[tuple[list[str], list[str]]]:
    """What is written as code in the left and in the right column of every row, without theirs in the right one."""
    lines = [re.split(r"(?<!\\)\|", line)[1:3] for line in PAGE.splitlines() if line.startswith("| ")]
    found = [[re.findall(r"`([^`]*)`", cell) for cell in line] for line in lines]
    return [(left, [span for span in right if span not in left]) for left, right in found]


def spans() -> Iterator[tuple[str, str]]:
    """Every code span of a right column, with the last option before it in its cell."""
    for _, right in table_rows():
        last = ""
        for span in right:
            yield span, last
            last = words(span)[-1].partition("=")[0] if SECTION.match(span) else last


def words(span: str) -> list[str]:
    """The options or assignments in a code span."""
    for written, example in STANDS_FOR.items():
        span = span.replace(written, example)
    return [word.replace('"', "") for word in re.split(rf"\s+(?={SECTION.pattern})", span)]


def kinds(section: str) -> dict[str, Any]:
    """The settings classes of a section by name; none where it has no name."""
    return entries(NAMED[section]) if section in NAMED else {}


def options(section: str) -> set[str]:
    """What can be set in a section, whatever its name."""
    classes = kinds(section).values() if section in NAMED else [PLAIN[section]] if section in PLAIN else []
    return {name for one in classes if is_dataclass(one) for name in field_names(one)} | set(field_names(Top))


def tried(assignments: list[str]) -> Config:
    """The quickstart with these changes; an option that its class lacks, in the first class that has it."""
    changed = [assignment.partition("=")[0].partition(".") for assignment in assignments]
    for section in {section for section, _, option in changed if section in NAMED and option}:
        needed = {option for other, _, option in changed if other == section}
        if not needed & {"name", "stages", "files"}:
            has = [name for name, one in kinds(section).items() if needed <= set(field_names(one))]
            own = Config().tree()[section]["name"]
            assignments = [f"{section}.name={own if own in has else has[0]}", *assignments]
    return Config.load("quickstart", [*assignments, "rows.keep_blocks=null"])


def test_no_row_is_left_out() -> None:
    assert len(table_rows()) > 70
    assert PAGE.count("\n| ") == len(table_rows())


def test_the_sample_of_python_trains(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (sample,) = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    exec(sample.replace('"steps": 500}', f'"steps": 2, "batch_tokens": 256}}, corpus={{"files": [{str(text)!r}]}}'), {})
    assert maskwright.load("mlm").metrics["valid/loss"] > 0
    assert maskwright.load("mlm").config.objective.ratio == 0.15
    assert maskwright.Config() == maskwright.Config.load("quickstart")


@pytest.mark.parametrize(("span", "last"), [pair for pair in spans() if not pair[0].startswith("maskwright ")])
def test_what_a_row_names_is_there(span: str, last: str) -> None:
    section = last.partition(".")[0]
    if SECTION.match(span):
        assigned = [word for word in words(span) if "=" in word]
        named = [word.partition(".") for word in words(span) if "=" not in word]
        assert all(option in options(section) for section, _, option in named)
        assert tried(assigned)
    elif span.startswith("maskwright."):
        assert span.removeprefix("maskwright.") in maskwright.__all__
    elif "/" in span or "." in span:
        assert (Path(maskwright.__file__).parent / span).exists() or span in WRITTEN
    elif span in options(section):
        assert last
    else:
        assert span == "--resume" or tried([f"{last}={span}".replace('"', "")])


WRITTEN = {"metrics.jsonl", "report.html", "mask_weights.parquet", "checkpoints/step-N/"}
"""What a run leaves, which the test of the commands looks for."""
SHORT = {
    "compare": None,
    "masks": ("--run", "DIR"),
    "tokenize": ("corpus.files=[texts/]", "tokenizer.size=404"),
    "sweep": ("--passes", "3", "--seeds", "2", "--prompts", "3", "--length", "12", "--prompt-length", "4", "--quiet"),
    "sample": ("--steps", "3", "--length", "8"),
    "evaluate": (),
    "weights": (),
}
"""What makes a command short; None where it is read alone."""


@pytest.fixture(scope="module")
def desk(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with texts, a file of a run, pairs, a lexicon, and the runs DIR, d, r and c."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "texts").mkdir()
    (folder / "texts" / "a.txt").write_text(text.read_text(encoding="utf-8"), encoding="utf-8")
    (folder / "FOLDER").mkdir()
    pair = {"sentence_good": "The list is sorted.", "sentence_bad": "The list are sorted."}
    pair |= {"UID": "one", "field": "syntax", "linguistics_term": "agreement"}
    (folder / "FOLDER" / "one.jsonl").write_text(f"{json.dumps(pair)}\n" * 3)
    (folder / "tagged.txt").write_text("the_DET list_NOUN is_VERB a_DET value_NOUN of_ADP names_NOUN\n" * 3)
    tree = {
        "corpus": {"files": [str(folder / "texts")]},
        "tokenizer": {"kind": "bpe", "size": 404},
        "rows": {"length": 32},
        "model": {"name": "modern", "hidden": 32, "layers": 2, "heads": 2, "intermediate": 48, "max_length": 64},
        "training": {"steps": 4, "batch_tokens": 1024, "precision": "fp32", "log_every": 2, "compile": False},
        "evaluation": {"held_out": 0.2},
    }
    for name, objective in {"d": "diffusion", "r": "remask", "c": "causal"}.items():
        Trainer(Config.of(tree | {"objective": {"name": objective}}), folder / name, show=False).train()
    adaptive = tree | {"objective": {"name": "adaptive", "update_every": 2}}
    (folder / "run.yaml").write_text(yaml.safe_dump(adaptive))
    (folder / "FILE").write_text(yaml.safe_dump(adaptive))
    return folder


def test_every_command_of_a_row_runs(desk: Path, command: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk)
    written = dict.fromkeys(span for span, _ in spans() if span.startswith("maskwright "))
    for line in sorted(written, key=lambda line: "run.yaml" not in line):
        _, name, *rest = shlex.split(line)
        if "retrieval" in rest and find_spec("sentence_transformers") is None:
            continue  # an extra
        if name == "train" and rest[0] in recipes():
            assert Config.load(rest[0], rest[1:])  # that recipes train is another test
        elif name == "train" and rest[0] == "FILE":
            assert command(name, *rest, "--resume", "--quiet")[0] == 0
        elif name == "compare":
            assert len(arms([word for word in rest if "quickstart" in word])) == 2
        else:
            few = ("pairs=10", "queries=3", "batch=5", "epochs=1", "seeds=1") if "retrieval" in rest else ()
            code, _, error = command(name, *rest, *SHORT.get(name, ("--quiet",)), *few)
            assert code == 0, (line, error)
    assert all(any(desk.glob(f"DIR/{name.replace('N/', '*')}")) for name in WRITTEN)
