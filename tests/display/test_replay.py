"""The page on which texts form again, in a browser: it shows a step, goes forward and back, and plays to the end."""

from pathlib import Path

import pytest
import torch

from maskwright.display.replay import page as written
from maskwright.sampling.generate import GIVEN, MASKED, NEW, REMASKED, SETTLED, Frame
from maskwright.text.tokenizers.tokenizer import Tokenizer, TokenizerSettings

from ..browser import Page, browsing
from .test_pages import check

TEXT = "One <b>two</b> three"
STATES = [(GIVEN, MASKED, MASKED), (GIVEN, NEW, MASKED), (GIVEN, REMASKED, NEW), (GIVEN, NEW, SETTLED)]
"""Of three tokens after 0, 1, 2 and 3 steps."""


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page of three steps, about the last three tokens of the text."""
    tokenizer = Tokenizer.train([TEXT] * 9, TokenizerSettings(kind="bpe", size=300))
    known, ids = tokenizer.vocabulary, tokenizer.encode(TEXT)[0][-3:]
    frames = []
    for step, states in enumerate(STATES):
        row = [known.mask if state in (MASKED, REMASKED) else int(i) for i, state in zip(ids, states, strict=True)]
        frames.append(Frame(step, torch.tensor([[known.cls, *row, known.sep]]), torch.tensor([[0, *states, 0]]), 3))
    path: Path = written(frames, tokenizer, "<three> steps", tmp_path_factory.mktemp("replay") / "page.html")
    return path.as_uri()


def shown(page: Page) -> tuple[str, list[str]]:
    """Which step it says it is at, and the state of each token that it shows."""
    states = page.ask("[...document.querySelectorAll('article span')].map(one => one.className)")
    hidden = page.ask("[...document.querySelectorAll('article span')].map(one => one.textContent === '▒')")
    assert hidden == [state in ("masked", "remasked") for state in states]
    return page.text("#step"), states


STEPS = [
    ("step 0 of 3", ["given", "masked", "masked"]),
    ("step 1 of 3", ["given", "new", "masked"]),
    ("step 2 of 3", ["given", "remasked", "new"]),
    ("step 3 of 3", ["given", "new", "settled"]),
]


def test_it_goes_forward_and_back_and_plays(replay: str, tmp_path: Path) -> None:
    with browsing(tmp_path / "profile") as page:
        page.open(replay)
        assert page.text("h1") == "<three> steps"
        legend = page.ask("[...document.querySelectorAll('#legend span')].map(one => one.textContent)")
        assert legend == ["given", "masked", "new", "remasked", "settled"]
        assert shown(page) == STEPS[0]
        page.ask("document.querySelector('#at').focus()")
        for key, code, step in (("ArrowRight", 39, 1), ("ArrowRight", 39, 2), ("ArrowLeft", 37, 1), ("End", 35, 3)):
            page.press(key, code)
            assert shown(page) == STEPS[step]
        page.click("#play")
        page.until("document.querySelector('#play').textContent === 'pause'")
        page.until("document.querySelector('#play').textContent === 'play'")
        assert shown(page) == STEPS[3]
        page.press("Home", 36)
        assert (
            page.ask("getComputedStyle(document.querySelector('#legend .new')).backgroundColor") == "rgb(183, 239, 197)"
        )
        assert page.said == []
        check(page, replay)
