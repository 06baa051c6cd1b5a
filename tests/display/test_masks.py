"""What is shown is what is posed."""

from io import StringIO

import pytest
from rich.console import Console

from maskwright.display.masks import COLOURS, pieces, plot, row, show, table
from maskwright.evaluate.validation.mask_coverage import report
from maskwright.objectives.mlm import Mlm
from maskwright.objectives.whole_word import WholeWord
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

from ..handmade import rows

TEXT = "The quick brown fox doesn't jump over the lazy dog."


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train([TEXT] * 30, TokenizerSettings(kind="bpe", size=300))


def printed(renderable, colour=True):
    console = Console(file=StringIO(), width=160, force_terminal=colour, color_system="standard" if colour else None)
    console.print(renderable)
    return console.file.getvalue()


def test_every_objective_is_shown_in_every_epoch(tokenizer):
    shown = printed(show(TEXT, tokenizer, [Mlm(), WholeWord(ratio=0.4)], epochs=3))
    assert all(name in shown for name in ("mlm", "whole_word", "[MASK]", *COLOURS))
    assert shown.count("[MASK]") > 6


def test_what_is_not_hidden_is_the_text(tokenizer):
    shown = show(TEXT, tokenizer, [Mlm(keep_prob=1.0, random_prob=0.0)], epochs=1)
    assert TEXT.replace(" ", "") in printed(shown, colour=False).replace(" ", "")


def test_objectives_with_equal_masks_share_a_table(tokenizer):
    shown = printed(show(TEXT, tokenizer, [Mlm(), WholeWord(), Mlm()], epochs=2), colour=False)
    assert [line.strip() for line in shown.splitlines() if line.strip()[:1].isalpha()][1:4:2] == [
        "mlm, mlm",
        "whole_word",
    ]


def test_no_text_is_refused(tokenizer):
    with pytest.raises(ValueError, match="there is no text to mask"):
        show("", tokenizer, [Mlm()])


@pytest.fixture(scope="module")
def figures():
    return report([rows()], [Mlm(), WholeWord()], epochs=4)


def test_the_table_has_every_variant(figures):
    shown = printed(table(figures))
    assert all(word in shown for word in ("mlm", "whole_word", "static", "dynamic", "10", "covered in 4"))


def test_the_plot_is_saved(figures, tmp_path):
    assert plot(figures, tmp_path / "masks.png").read_bytes().startswith(b"\x89PNG")


SCRIPTS = ["שלום עולם", "नमस्ते दुनिया", "สวัสดีชาวโลก", "Привет мир", "👩‍👩‍👧 e\u0301 日本語 $_<|[x]"]


@pytest.mark.parametrize("text", SCRIPTS)
def test_what_is_in_sight_is_as_it_was_written(tokenizer, text):
    kept = show(text, tokenizer, [Mlm(keep_prob=1.0, random_prob=0.0, ratio=0.5)], epochs=1)
    assert text in printed(kept, colour=False)
    rows, parts = row(*tokenizer.encode(text), tokenizer), tokenizer.slices(text)
    for epoch in range(8):
        shown = pieces(rows, parts, tokenizer, Mlm(ratio=0.4, random_prob=0.0), epoch, seed=0)
        assert "\ufffd" not in "".join(piece for _, piece, _ in shown)
        signs = iter(text)
        assert all(sign in signs for _, piece, fate in shown if fate != "masked" for sign in piece)
        assert all(piece == "[MASK]" for _, piece, fate in shown if fate == "masked")
        whole = [part.strip() for part, (_, piece, fate) in zip(parts, shown, strict=True) if fate == "" and piece]
        assert all(part in text for part in whole)


def test_a_random_token_that_is_a_part_of_a_character_is_shown_as_bytes(tokenizer):
    rows, parts = row(*tokenizer.encode(SCRIPTS[0]), tokenizer), tokenizer.slices(SCRIPTS[0])
    objective = Mlm(ratio=0.9, random_prob=1.0, keep_prob=0.0)
    shown = [piece for epoch in range(20) for _, piece, _ in pieces(rows, parts, tokenizer, objective, epoch, seed=0)]
    assert "\ufffd" not in "".join(shown)
    assert any(r"\x" in piece for piece in shown)


def test_an_unknown_word_is_shown_as_the_model_sees_it():
    tokenizer = Tokenizer.train([TEXT] * 30, TokenizerSettings(kind="wordpiece", size=80))
    shown = printed(show("The שלום dog", tokenizer, [Mlm(keep_prob=1.0, random_prob=0.0)], epochs=1), colour=False)
    assert "The [UNK] dog" in shown
