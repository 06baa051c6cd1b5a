"""The commands of the pages on training, evaluation and the Hub, in order, in a folder that has what they name.

FOLDER is there whatever the suite asks for: here it is a folder of each suite's own.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from maskwright.models.transformers import Transformers
from maskwright.models.transformers.quiet import silence
from maskwright.run.config import read
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

from .evaluate.suites.test_classification import lines
from .evaluate.suites.test_edges import sentences
from .test_first_hour import SMALL, desk, smaller, typed

__all__ = ["desk"]

BEFORE = {
    "training": ["train quickstart --out runs/one", "train quickstart --out second"],
    "evaluation": [
        "train quickstart training.keep_at=[20] training.checkpoint_every=1 --out RUN",
        *(f"train quickstart seed={seed} --out {name}" for seed, name in enumerate(("first", "second", "third"))),
    ],
    "hub": [
        "train quickstart training.keep_at=[20] --out RUN",
        "train quickstart model.name=deberta --out ours",
        "export ours deberta-v3-small",
    ],
}
"""What the reader of a page has made before."""
NOT_HERE = (
    "watch runs",
    "push",
    "preflight",
    "retrieval",
    "morphology",
    "nonce",
    "wug_adj",
    "step-40",
    "training.freeze",
    "sentence-transformers",
)
"""What does not end, or needs a network, an extra, richer text or more than two steps; other tests run it."""
QUICK = {"classification": ["limit=16", "epochs=1", "seeds=1"], "edges": ["epochs=1", "seeds=1"]}
QUICK |= {"tagging": QUICK["edges"], "finetune": ["epochs=1"]}


@pytest.fixture
def library(desk: Path, text: Path) -> Path:
    """The data and models that the pages name."""

    def write(path: str, *rows: Any) -> None:
        (desk / path).parent.mkdir(parents=True, exist_ok=True)
        (desk / path).write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))

    for part in ("train", "valid"):
        write(f"classification_data/mr/{part}.jsonl", *lines(40))
        write(f"edges_data/kinds/{part}.jsonl", *sentences(20, 1))
    for folder in ("tagging_data/masc_pos", "masc_pos"):
        write(f"{folder}/train.txt", *["The_DET list_NOUN is_VERB sorted_ADJ ._PUNCT"] * 500)
    write("items.csv", "item,sentence", "1,The list is sorted.")
    write("mine.yaml", yaml.safe_dump(read("quickstart")))
    tokenizer = Tokenizer.train([text.read_text()], TokenizerSettings(kind="bpe", size=404))
    sizes = {"hidden": 16, "layers": 1, "heads": 2, "intermediate": 24, "max_length": 64}
    network: Any = Transformers(architecture="bert", **sizes).build(404, torch.Generator().manual_seed(0)).network
    with silence():
        network.save_pretrained(desk / "bert-base-uncased")
    tokenizer.save(desk / "bert-base-uncased")
    for name in ("held_out", "train", "domain"):
        (desk / name).symlink_to("texts")
    return desk


def data_of(words: list[str]) -> str:
    """The folder of what this command reads, where the page says FOLDER."""
    if words[0] == "finetune":
        return "tagging_data" if "FOLDER/masc_pos" in words else "classification_data"
    if "blimp" in words:
        return "evaluation_data/full_eval/blimp_filtered"
    return f"{words[2]}_data" if words[0] == "evaluate" and len(words) > 2 else ""


def quick_of(words: list[str]) -> list[str]:
    """Options that make the command quick."""
    if words[0] == "train":
        return SMALL
    return QUICK.get(words[0]) or QUICK.get(words[2] if words[2:] else "", [])


@pytest.mark.parametrize("page", BEFORE)
def test_the_commands_of_a_longer_page_run_in_order(page: str, library: Path, command: Callable) -> None:
    commands = [words for words in typed(f"docs/{page}.md") if not any(one in " ".join(words) for one in NOT_HERE)]
    assert len(commands) >= 8
    for words in [*map(str.split, BEFORE[page]), *commands]:
        here = [word.replace("FOLDER", data_of(words)) for word in words]
        code, _, complaint = command(*smaller(here, quick_of(here)))
        assert code == 0, (here, complaint)
