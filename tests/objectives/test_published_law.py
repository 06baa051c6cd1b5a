"""The published law of adaptive masking against a plain loop over types, and what is drawn by it."""

from dataclasses import replace
from math import log

import pytest
import torch

from maskwright.data.rows import Rows
from maskwright.masking.select import IGNORE
from maskwright.objectives.adaptive import Adaptive, LiveAdaptive
from maskwright.objectives.base.contract import check
from maskwright.run.config import Config
from maskwright.settings.schedule import Ramp

from ..handmade import VOCABULARY, plain, rows
from .live import live

SIZE, STEPS = VOCABULARY.size, 28
SPECIAL = torch.tensor(sorted(VOCABULARY.special))
RATIO = Ramp(start=0.4, end=0.15)


class Plain:
    """The published update, one type after another; `weight` is a probability whose mean is the mask ratio."""

    def __init__(self, score: str):
        self.score, self.weight = score, [0.4] * SIZE
        self.begin()

    def begin(self) -> None:
        soft = self.score == "soft"
        self.first, self.second = ([log(SIZE) * soft] * SIZE, [1.0 * soft] * SIZE)

    def count(self, kind: int, was_mask: bool, loss: float, right: bool) -> None:
        """hard: correct, incorrect; soft: loss, number of predictions at [MASK]."""
        if self.score == "soft" and was_mask:
            self.first[kind] += loss
            self.second[kind] += 1
        elif self.score == "hard":
            self.first[kind] += right
            self.second[kind] += not right

    def scores(self) -> list[float]:
        pairs = list(zip(self.first, self.second, strict=True))
        if self.score == "hard":
            return [1 - (right + 0.5) / (right + wrong + 1) for right, wrong in pairs]
        means = [loss / total / log(SIZE) for loss, total in pairs]
        return [(mean - min(means)) / (max(means) - min(means)) for mean in means]

    def update(self, p: float) -> None:
        mixed = [0.2 * old + 0.8 * p * new for old, new in zip(self.weight, self.scores(), strict=True)]
        floored = [max(weight, 0.005) for weight in mixed]
        self.weight = [p * SIZE * weight / sum(floored) for weight in floored]
        self.begin()


def two_thirds(step: int) -> Rows:
    """Rows whose tokens are of two thirds of the types, at this step of the run."""
    some = replace(plain(12, 32, epoch=step), progress=step / STEPS)
    below = some.tokens % 75 + 5
    return replace(some, tokens=below.where(~torch.isin(below, SPECIAL), 70))


def stepped(objective: LiveAdaptive, step: int, reference: Plain | None = None) -> None:
    """A step in which loss and correctness follow from the type."""
    problem = objective(two_thirds(step), 0)
    asked = problem.targets != IGNORE
    loss = torch.where(asked, (problem.targets * 37 % 11) / 2.0 + 0.5, 0.0)
    right = asked & (problem.targets % 3 > 0)
    objective.observe(problem, loss, right)
    objective.end_step()
    columns = (part[asked].tolist() for part in (problem.targets, problem.inputs, loss, right))
    for kind, seen, one, well in zip(*columns, strict=True):
        if reference:
            reference.count(kind, seen == VOCABULARY.mask, one, well)


@pytest.mark.parametrize("score", ["hard", "soft"])
def test_six_updates_are_those_of_the_published_program(score: str) -> None:
    objective, reference = live(Adaptive(law="published", score=score, update_every=4, ratio=RATIO)), Plain(score)
    updates = 0
    for step in range(STEPS):
        stepped(objective, step, reference)
        if step and step % 4 == 0:
            p = 0.4 - 0.25 * step / STEPS
            reference.update(p)
            updates += 1
            ours = (objective.state_dict()["weight"].double() * p).tolist()
            assert ours == pytest.approx(reference.weight, abs=1e-6)
    unseen = int((objective.state_dict()["judged"] == 0).sum())
    assert updates == 6
    assert unseen >= SIZE / 3


def test_a_chance_above_one_is_clipped_and_what_is_above_is_lost() -> None:
    objective, some = live(Adaptive(law="published", ratio=0.4, at_least_one=False)), plain(4000, 10)
    objective.state_dict()["weight"][:] = 0.5
    objective.state_dict()["weight"][70] = 20.0
    some.tokens[:] = 60
    some.tokens[:, 0] = 70
    hidden = (objective(some, 0).targets != IGNORE).double().mean(0)
    assert hidden[0] == 1
    assert hidden[1:].mean() == pytest.approx(0.4 * 10 * 0.5 / (20 + 9 * 0.5), abs=0.01)


def test_a_row_goes_without_only_where_it_may() -> None:
    asked = {
        least: (live(Adaptive(law="published", ratio=0.02, at_least_one=least))(rows(), 0).targets != IGNORE).any(1)
        for least in (True, False)
    }
    assert asked[True].all()
    assert not asked[False].all()


def test_the_published_law_keeps_the_promises_but_the_budget() -> None:
    found = check(lambda **options: live(Adaptive(**({"law": "published"} | options))), rows())
    broken = [finding.promise for finding in found if finding.counterexample]
    assert broken == ["the budget is exact where it masks by ratio"]


def test_a_published_state_goes_on_where_it_was() -> None:
    objective, other = (live(Adaptive(law="published", update_every=4, ratio=RATIO)) for _ in range(2))
    for step in range(10):
        stepped(objective, step)
    other.load_state_dict(objective.state_dict())
    for step in range(10, 20):
        stepped(objective, step)
        stepped(other, step)
    assert torch.equal(objective.state_dict()["weight"], other.state_dict()["weight"])


def test_the_published_law_knows_no_words(settings: dict) -> None:
    with pytest.raises(ValueError, match="unit=word with law=published, which masks token by token"):
        Config.of(settings | {"objective": {"name": "adaptive", "law": "published", "unit": "word"}})


def test_the_recipe_of_the_paper_is_exact() -> None:
    config = Config.load("amlm_paper_exact")
    assert config.objective.law == "published"
    assert config.objective.floor * config.objective.ratio.at(0) == pytest.approx(0.005)
    assert (config.optimizer.decay_embeddings, config.optimizer.decay_vectors) == (True, True)
    assert config.optimizer.scaling == "capped"
