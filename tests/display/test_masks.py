"""What is shown is what is posed."""

from io import StringIO

import pytest
from rich.console import Console

from maskwright.display.masks import COLOURS, plot, show, table
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
