"""The commands of the pages that one begins with, in order, in a folder as these pages have it, on a small text."""

import gzip
import json
import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = (
    "README.md",
    *(f"docs/{name}.md" for name in (
        "tutorial", "adapt", "adaptive", "extending", "masking", "nhot", "objectives", "data", "diffusion",
        "forward_backward",
    )),
)  # fmt: skip
SMALL = [
    "tokenizer.size=404", "rows.length=32", "model.hidden=16", "model.layers=1", "model.heads=2",
    "model.intermediate=24", "model.max_length=64", "training.steps=2", "training.batch_tokens=1024",
    "training.compile=false", "training.precision=fp32", "evaluation.held_out=0.2", "corpus.files=[texts/]", "--quiet",
]  # fmt: skip
LENGTH = {"training.steps", "training.fit_minutes"}
ELSEWHERE = (
    "--nproc", "masks", "compare", "sweep", "generation", "serve", "push", "preflight", "import-config", "DIR",
    "ratios", "$add", "$small", "merge r s", "corrected", "rounds",
)  # fmt: skip
"""What other tests run: what takes long, servers, and what needs more than a page makes."""


def typed(page: str) -> Iterator[list[str]]:
    """The words after `maskwright` of each command that stands in a block, without the remark behind it."""
    text = (ROOT / page).read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"^(?: {4})?maskwright (.*)$", text, flags=re.MULTILINE):
        if not any(word in line for word in ELSEWHERE) and not line.startswith("0."):
            yield shlex.split(line, comments=True)


def smaller(words: list[str], quick: list[str]) -> list[str]:
    """The command with the options `quick` in place of its length, but for those that it is about."""
    if "--resume" in words:
        quick = []
    if begun := {"adapt", "answers", "model.path=bert-base-uncased", "mine/config.yaml"} & set(words):
        quick = [word for word in quick if not word.startswith(("model.", "tokenizer."))]  # those of the model at hand
    if begun & {"adapt", "mine/config.yaml"}:
        quick = [*quick, "training.epochs=null"]
    if "answers" in begun:
        quick = [word for word in quick if not word.startswith("corpus.")]
    own = {word.partition("=")[0] for word in words} - LENGTH
    kept = [word for word in words if word.partition("=")[0] not in LENGTH]
    return kept + [word for word in quick if word.partition("=")[0] not in own]


@pytest.fixture
def desk(text: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with texts, a suite, a table of weights, a class, and an adaptive run that the pages speak of."""
    pages = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text(text.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "texts.txt").write_text("The function returns a string.\n")
    (tmp_path / "my_objectives.py").write_text(pages.partition("```python\n")[2].partition("```")[0])
    (tmp_path / "table.csv").write_text("token,weight\ne,0.5\n")
    (tmp_path / "tagged.txt").write_text("The_DET list_NOUN is_VERB sorted_ADJ ._PUNCT\n")
    pairs = ({"prompt": f"What is {number}?", "answer": "A number."} for number in range(40))
    (tmp_path / "pairs.jsonl").write_text("\n".join(map(json.dumps, pairs)))
    (tmp_path / "more.jsonl.gz").write_bytes(gzip.compress(b'{"text": "A tuple is immutable."}\n'))
    for domain in ("childes", "wikitext"):
        (tmp_path / "texts" / f"{domain}.txt").write_text(text.read_text(encoding="utf-8"), encoding="utf-8")
    pair = {"sentence_good": "The list is sorted.", "sentence_bad": "The list are sorted.", "UID": "one"}
    pair |= {"field": "syntax", "linguistics_term": "agreement"}
    (tmp_path / "general.txt").write_text(text.read_text(encoding="utf-8"), encoding="utf-8")
    lines = [re.sub(r"((?:[^.]+\.){3}) ", r"\1\n", one) for one in text.read_text(encoding="utf-8").split("\n\n")]
    (tmp_path / "domain.txt").write_text("\n\n".join(lines), encoding="utf-8")
    suite = tmp_path / "evaluation_data" / "full_eval" / "blimp_filtered"
    suite.mkdir(parents=True)
    (suite / "one.jsonl").write_text(f"{json.dumps(pair)}\n" * 3)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_of_a_page_run_in_order(page: str, desk: Path, command: Callable) -> None:
    for extra in ("peft", "sentence_transformers") if page == "docs/adapt.md" else ():
        pytest.importorskip(extra, reason="an extra")
    adaptive = ["train", "quickstart", "objective.name=adaptive", "objective.update_every=1", "--out", "hard", *SMALL]
    for words in typed(page):
        if words == ["weights", "hard"]:
            command(*adaptive)
        code, _, complaint = command(*smaller(words, SMALL if words[0] == "train" else []))
        assert code == 0, (words, complaint)
