"""Text that a tokenizer cannot spell, or drops: said with a share, or refused where nothing is left."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from maskwright.run import build
from maskwright.run.config import Config
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

HANZI = [chr(0x4E00 + i) for i in range(2500)]


def test_an_alphabet_of_thousands_fits_a_vocabulary_of_thousands() -> None:
    texts = ["".join(HANZI[begin : begin + 50]) for begin in range(0, 2500, 50)]
    tokenizer = Tokenizer.train(iter(texts), TokenizerSettings(kind="wordpiece", size=3000))
    assert not any((tokenizer.encode(text)[0] == tokenizer.unknown).any() for text in texts)


@pytest.mark.parametrize("which", ["files", "valid"])
def test_documents_without_a_token_are_refused(command: Callable, settings: dict, tmp_path: Path, which: str) -> None:
    (tmp_path / "blank.txt").write_text("\n\n".join("\u200b" * (n + 1) for n in range(40)), encoding="utf-8")
    settings["corpus"][which] = [str(tmp_path / "blank.txt")]
    settings["tokenizer"] = {"kind": "wordpiece", "size": 300}
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
    code, _, complaint = command("train", tmp_path / "run.yaml", "--out", tmp_path / "run")
    what = {"files": "train", "valid": "validate"}[which]
    assert code == 2
    assert f"there are no tokens to {what} on: the tokenizer drops all text of" in " ".join(complaint.split())


def test_the_share_of_unknown_tokens_is_warned_of(settings: dict, tmp_path: Path, capsys) -> None:
    (tmp_path / "odd.txt").write_text(
        "\n\n".join(f"{a}bcd " * (n + 20) for n in range(20) for a in ("a", HANZI[0])), encoding="utf-8"
    )
    settings["corpus"] = {"files": [str(tmp_path / "odd.txt")]}
    settings["tokenizer"] = {"kind": "character", "size": 14}
    shards = build.data(Config.of(settings)).shards
    known = shards.train.tokens != shards.tokenizer.unknown
    assert shards.unknown_share == pytest.approx(1 - known.mean()) != 0
    said = " ".join(capsys.readouterr().err.split())
    assert f"warning: {shards.unknown_share:.1%} of the tokens are unknown" in said


@pytest.mark.parametrize(("kind", "lost"), [("wordpiece", 40), ("bpe", 0)])
def test_dropped_characters_are_counted_and_warned_of(
    command: Callable, settings: dict, tmp_path: Path, capsys, kind: str, lost: int
) -> None:
    """WordPiece cleans zero-width characters away, also in the middle of a word; bytes keep them."""
    texts = [f"one wo\u200brd and {n} {'more ' * n}" for n in range(40)]
    (tmp_path / "odd.txt").write_text("\n\n".join(texts), encoding="utf-8")
    settings["corpus"] = {"files": [str(tmp_path / "odd.txt")]}
    settings["tokenizer"] = {"kind": kind, "size": 300}
    share = lost / sum(len("".join(text.split())) for text in texts)
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
    _, printed, _ = command("tokenize", tmp_path / "run.yaml", "--out", tmp_path / "shards")
    assert f"dropped {share:.2%} of the characters" in printed
    shards = build.data(Config.of(settings)).shards
    assert shards.dropped_share == pytest.approx(share)
    said = " ".join(capsys.readouterr().err.split())
    assert (f"warning: the tokenizer drops {share:.1%} of the characters" in said) == (lost > 0)
