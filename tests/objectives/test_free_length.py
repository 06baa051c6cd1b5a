"""Texts of random length and gaps of free length: what is left out is unseen, what is left empty is learned."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
import torch

from maskwright.attention import mask
from maskwright.masking.select import IGNORE
from maskwright.noise import Noise
from maskwright.objectives.base.contract import (
    batch_independence,
    check,
    no_leak,
    padding,
    same_draw,
    shapes,
    untouched_rows,
    weighted_targets,
    with_options,
)  # fmt: skip
from maskwright.objectives.diffusion import Diffusion
from maskwright.objectives.diffusion.lengths import Gaps, cut, with_gaps
from maskwright.run.config import Config
from maskwright.sampling.canvas import Canvas
from maskwright.sampling.denoiser import Denoiser
from maskwright.sampling.generate import generate
from maskwright.sampling.mask_schedule import MaskSchedule
from maskwright.sampling.request import SampleRequest, load_models, texts
from maskwright.sampling.samplers.llada import Llada
from maskwright.training.trainer import Trainer

from ..handmade import VOCABULARY, plain, rows
from ..sampling import toy


def noise(some):
    return Noise(0, some.epoch, some.ids)


def test_texts_end_anywhere_and_what_is_behind_is_not_seen():
    some = plain(4000, 20)
    short, behind = cut(some, noise(some), 0.5)
    ends = behind.any(1) | (short.tokens[:, -1] == VOCABULARY.sep)
    assert float(ends.double().mean()) == pytest.approx(0.5, abs=0.03)
    kept = short.maskable.sum(1)[ends]
    assert set(kept.tolist()) == set(range(1, 20))
    assert float(kept.double().mean()) == pytest.approx(10, abs=0.4)
    at = (short.tokens == VOCABULARY.sep)[ends]
    assert (at.sum(1) == 1).all()
    assert torch.equal(at.long().argmax(1), kept)
    problem = Diffusion(random_length=1.0)(some, 0)
    seen = mask(**problem.sight(some.document))[:, 0]
    own = problem.block == 0
    assert not (seen & own[:, :, None] & ~own[:, None]).any()
    assert not (problem.weights * ~own).any()
    asked = problem.targets != IGNORE
    n = (own & (problem.inputs != VOCABULARY.sep)).sum(1)
    assert torch.allclose(problem.weights.sum(1) * asked.sum(1), (n * asked.sum(1)).float(), rtol=1e-4)


@pytest.mark.parametrize("more", [{}, {"uniform": 0.3}], ids=str)
def test_random_lengths_keep_the_contract(more):
    objective = Diffusion(random_length=0.7, **more)
    assert not [one for one in check(lambda **options: with_options(objective, options), rows()) if one.counterexample]
    assert objective.for_validation().random_length == 0


def test_a_gap_holds_the_text_and_then_nothing():
    rooms, filled = set(), set()
    for number in range(300):
        if (index := number % 50) == 0:
            some = rows(50, epoch=number)
            made = with_gaps(some, noise(some), Gaps(share=1.0, slots=8))
        tokens, before = made.tokens[index].tolist(), some.tokens[index].tolist()
        used = int((some.document[index] >= 0).sum())
        at = made.maskable[index].nonzero()[:, 0].tolist()
        pads = [i for i in at if tokens[i] == VOCABULARY.pad]
        assert pads == at[len(at) - len(pads) :]
        gone = len(pads)
        text = [token for i, token in enumerate(tokens[:used]) if i not in pads]
        if before[used - 1] == VOCABULARY.sep and gone:
            assert text == [*before[: used - 1 - gone], VOCABULARY.sep]
        else:
            assert text == before[: used - gone]
        assert tokens[used:] == before[used:]
        rooms.add(at[-1] - at[0] + 1 if at else 0)
        filled.add(len(at) - len(pads))
        assert len({int(some.document[index, i]) for i in at}) <= 1
    assert rooms >= set(range(1, 9))
    assert filled >= set(range(9))


def test_gaps_keep_what_can_be_kept_of_the_contract():
    objective = Diffusion(gaps={"share": 0.6, "slots": 6})
    made = lambda **options: with_options(objective, options)  # noqa: E731
    for promise in (shapes, same_draw, batch_independence, padding, weighted_targets, untouched_rows, no_leak):
        assert promise(made, rows()) == ""
    assert objective.for_validation() == Diffusion()
    none = Diffusion(gaps={"share": 0.0})(rows(), 0)
    assert torch.equal(none.inputs, Diffusion()(rows(), 0).inputs)


PAD = toy.VOCABULARY.pad
SHORT = torch.tensor([[*words, *[PAD] * (2 - many)] for many in range(3) for words in product(toy.WORDS, repeat=many)])
LAW = torch.tensor([0.2, 0.1, 0.05, 0.3, 0.05, 0.2, 0.1], dtype=torch.float64)
"""Of texts of up to two words."""


class OfAnyLength(toy.Toy):
    def forward(self, tokens, mask=None, positions=None, asked=None):
        text = tokens[:, 1:-1]
        fits = ((text[:, None] == SHORT) | (text[:, None] == toy.VOCABULARY.mask)).all(2) * LAW  # [B, 7]
        scores = torch.zeros(*tokens.shape, toy.VOCABULARY.size, dtype=torch.float64)
        for word in (*toy.WORDS, PAD):
            scores[:, 1:-1, word] = (fits[:, :, None] * (word == SHORT)).sum(1)
        return scores.float().flatten(0, 1)[asked].log()


def test_gaps_are_filled_by_the_law_their_length_included():
    tokens = torch.tensor([[1, 3, 3, 2]]).repeat(20000, 1)
    denoiser = Denoiser(OfAnyLength(), toy.VOCABULARY, allow_pad=True)
    start = Canvas(tokens, tokens == toy.VOCABULARY.mask)
    *_, last = generate(denoiser, Llada(order="random"), start, MaskSchedule(steps=2), 0)
    which = (last.tokens[:, None, 1:-1] == SHORT).all(2)
    assert which.any(1).all()
    counts, expected = which.sum(0), 20000 * LAW
    assert float(((counts - expected) ** 2 / expected).sum()) < 28  # 6 degrees of freedom: once in ten thousand


def test_a_run_with_gaps_fills_them(settings: dict, tmp_path: Path) -> None:
    tree = settings | {"objective": {"name": "diffusion", "random_length": 0.1, "gaps": {"slots": 4}}}
    tree["training"] = tree["training"] | {"steps": 3}
    Trainer(Config.of(tree), tmp_path / "run", show=False).train()
    Trainer(Config.of(tree | {"objective": "diffusion"}), tmp_path / "plain", show=False).train()
    request = SampleRequest(run=tmp_path / "run", prompt="the [MASK] and the [MASK]", gap=3, steps=4)
    models = load_models(request)
    assert len(texts(request, models)) == 1
    with pytest.raises(ValueError, match=r"gap=3: .* was not trained with objective\.gaps"):
        texts(replace(request, run=tmp_path / "plain"), load_models(replace(request, run=tmp_path / "plain")))


def test_free_lengths_are_refused_where_they_have_no_meaning() -> None:
    for more in ({"gaps": {}}, {"random_length": 0.1}):
        with pytest.raises(ValueError, match="texts in blocks have any length as it is"):
            Diffusion(block_length=4, **more)
    with pytest.raises(ValueError, match=r"\[PAD\] is never a random token"):
        Diffusion(uniform=0.2, gaps={})
