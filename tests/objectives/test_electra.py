"""Replaced-token detection: whose guesses are judged, what the generator learns of them, and that it resumes."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy
from torch.testing import assert_close

from maskwright.attention import mask, positions
from maskwright.data.rows import Rows
from maskwright.evaluate.suites.detection import evaluate
from maskwright.masking.select import IGNORE
from maskwright.models.modern import Modern
from maskwright.noise import address
from maskwright.objectives.base.detector import detector
from maskwright.objectives.electra import MAX_LENGTH, Electra, LiveElectra, documents
from maskwright.objectives.hybrid import Hybrid
from maskwright.objectives.remask_binary import RemaskBinary
from maskwright.run.config import Config
from maskwright.run.load import load
from maskwright.settings import from_mapping
from maskwright.training.trainer import Trainer

from ..handmade import VOCABULARY, plain, rows
from ..training.test_trainer import interrupted, losses, same, weights
from .live import live

WRONG, RIGHT = VOCABULARY.wrong, VOCABULARY.right
TINY = {"hidden": 16, "layers": 2, "heads": 2}


def generator(seed: int) -> torch.nn.Module:
    """The one that `TINY` begins with."""
    model = Modern(hidden=16, layers=2, heads=2, intermediate=42, max_length=MAX_LENGTH)
    return model.build(VOCABULARY.size, torch.Generator().manual_seed(address(seed, "generator") % 2**63))


def hear(objective: LiveElectra, problem) -> None:
    """Answers to a problem, which the generator does not care for."""
    asked = problem.targets != IGNORE
    objective.observe(problem, torch.rand(asked.shape, generator=torch.Generator().manual_seed(0)), asked)


def four(epoch: int) -> Rows:
    """Text of four tokens, one after the other."""
    some = plain(32, 32, epoch)
    return replace(some, tokens=70 + torch.arange(32 * 32).view(32, 32) % 4)


def school(objective: LiveElectra, steps: int) -> list[float]:
    """The share of the hidden that the generator guesses, step by step."""
    found = []
    for epoch in range(steps):
        hear(objective, objective(four(epoch), 0))
        objective.end_step()
        found.append(objective.log()["generator/accuracy"])
    return found


def test_guesses_stand_where_tokens_were_hidden_and_right_ones_are_right(monkeypatch: pytest.MonkeyPatch) -> None:
    objective, some = live(Electra(ratio=0.3, **TINY)), rows(40)
    seen = []

    def sly(inputs, document, asked):
        seen.append((inputs, asked))
        scores = torch.full((len(asked), VOCABULARY.size), -30.0)
        truth = some.tokens.flatten()[asked]
        half = torch.arange(len(asked)) % 2
        scores[torch.arange(len(asked)), torch.where(half == 0, truth, 17)] = 30.0
        return scores

    monkeypatch.setattr(objective.generator, "score_tokens", sly)
    problem = objective(some, 0)
    ((inputs, asked),) = seen
    hidden = torch.zeros_like(some.maskable).flatten()
    hidden[asked] = True
    hidden = hidden.view_as(some.maskable)
    assert torch.equal(hidden, (inputs == VOCABULARY.mask))
    assert abs(int(hidden.sum()) - 0.3 * int(some.maskable.sum())) < 40
    assert torch.equal(problem.span_id, torch.where(hidden, some.tokens + 1, 0).int())
    guessed = problem.inputs[hidden]
    assert torch.equal(guessed[::2], some.tokens[hidden][::2])
    assert (guessed[1::2] == 17).all()
    assert torch.equal(problem.inputs[~hidden], some.tokens[~hidden])
    expected = torch.where(problem.inputs == some.tokens, RIGHT, WRONG)
    assert torch.equal(problem.targets, torch.where(some.maskable, expected, IGNORE))
    assert torch.equal(problem.weights, some.maskable.float())


def test_a_step_of_the_generator_is_one_of_adam_on_the_mean_loss_of_a_masked_model() -> None:
    objective, some, twin = live(Electra(lr=0.01, **TINY), 3), rows(count=12), generator(3)
    optimizer = torch.optim.Adam(twin.parameters(), 0.01)
    for epoch in range(3):
        some = rows(count=12, epoch=epoch)
        problem = objective(some, 3)
        hidden = problem.span_id > 0
        seen = mask(some.document, torch.zeros(12)), positions(some.document)
        vectors = twin(torch.where(hidden, VOCABULARY.mask, some.tokens), *seen)[hidden]
        loss = cross_entropy(twin.logits(vectors), some.tokens[hidden])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        halves = torch.arange(12) < 5
        hear(objective, problem[halves])  # a step in two parts is the step
        hear(objective, problem[~halves])
        objective.end_step()
        assert objective.log()["generator/loss"] == pytest.approx(loss.item(), abs=1e-4)
    ours = objective.generator.model.state_dict()
    for name, value in twin.state_dict().items():
        assert_close(ours[name], value, atol=2e-4, rtol=1e-3)


def test_it_learns_to_guess_and_what_is_judged_is_harder() -> None:
    objective = live(Electra(lr=0.01, **TINY))
    found = school(objective, 40)
    assert found[0] < 0.05
    assert found[-1] > 0.2  # of four that come equally often
    first, last = (one(four(99), 0) for one in (objective.for_validation(), objective))
    right = [
        float(((one.targets == RIGHT) & (one.span_id > 0)).sum() / (one.span_id > 0).sum()) for one in (first, last)
    ]
    assert right[0] < 0.05
    assert right[1] > 0.15
    wrong = last.inputs[last.targets == WRONG]
    assert float(((wrong >= 70) & (wrong < 74)).double().mean()) > 0.7
    (exam,) = objective.scoring(plain(2, 64))
    assert (exam.targets == RIGHT).all()


def test_documents_are_told_by_their_first_token() -> None:
    some = rows(count=40, length=64)
    assert (some.document > 0).any()
    ways = torch.zeros(40)
    assert torch.equal(mask(documents(some.tokens, VOCABULARY), ways), mask(some.document, ways))
    assert torch.equal(positions(documents(some.tokens, VOCABULARY)), positions(some.document))


def test_rows_of_which_nothing_is_asked_teach_nothing() -> None:
    objective = live(Electra(**TINY))
    problem = objective(rows(), 0)
    quiet = type(problem)(
        problem.inputs,
        torch.full_like(problem.targets, IGNORE),
        problem.weights * 0,
        problem.view,
        span_id=problem.span_id,
    )
    before = {name: value.clone() for name, value in objective.state_dict().items()}
    hear(objective, quiet)
    objective.end_step()
    assert same(objective.state_dict(), before)
    assert objective.log() == {}


def test_in_a_mixture_each_hears_of_its_own() -> None:
    both, some = live(Hybrid(masked=Electra(**TINY), causal="causal", share=0.5)), plain(40, 64)
    problem = both(some, 0)
    both.observe(problem, problem.weights, problem.weights > 0)
    assert int(both.masked.generator.observed[2]) == int((problem.span_id > 0).sum())
    both.end_step()
    assert both.log()["masked/generator/loss"] == pytest.approx(4.79, abs=0.1)  # ln 120
    assert detector(both) is both.masked
    again = live(Hybrid(masked=Electra(**TINY), causal="causal", share=0.5), seed=5)
    again.load_state_dict(both.state_dict())
    assert same(again.state_dict(), both.state_dict())


def test_others_errors_can_stand_in_for_the_generators() -> None:
    some = rows(count=12)
    random = Electra(corruption={"random": 1}, generator_run="nowhere", **TINY)
    binary = RemaskBinary(ratio=0.15, ratio_per_row="fixed", balanced=False)
    assert torch.equal(random(some, 0).inputs, binary(some, 0).inputs)
    given = Electra(generator_run="there", **TINY)
    always = -99.0 * (torch.arange(120) != 17)
    given = live(given, open_run=lambda folder: lambda inputs, document, asked: always.expand(len(asked), -1))
    problem = given.for_validation()(some, 0)
    assert set(problem.inputs[problem.targets == WRONG].tolist()) == {17}
    for one in (random, given):
        hear(one, one(some, 0))
        one.end_step()
        assert one.state_dict() == one.log() == {}


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"heads": 3}, "generator: .*heads=3 must divide hidden=64 into heads of even width"),
        ({"hidden": 0}, "objective.hidden=0"),
    ],
)
def test_a_generator_that_does_not_fit_is_named(options: dict, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as caught:
        from_mapping(Electra, options, "objective")
    assert "\n" not in str(caught.value)


def test_a_resumed_electra_run_is_the_unbroken_run(settings: dict, tmp_path: Path) -> None:
    settings["objective"] = {"name": "electra", "lr": 0.01, **TINY}
    settings["training"] |= {"micro_batch_tokens": 512}
    Trainer(Config.of(settings), tmp_path / "whole", show=False).train()
    interrupted(Config.of(settings), tmp_path / "broken", 21)
    Trainer(Config.of(settings), tmp_path / "broken", resume=True, show=False).train()
    lines = losses(tmp_path / "whole")
    assert lines == losses(tmp_path / "broken")
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "broken"))
    heard = [line["generator/loss"] for line in lines if "generator/loss" in line]
    assert len(heard) == 40
    assert sum(heard[-5:]) < sum(heard[:5]) - 1
    assert {"valid/detection/auroc", "valid/loss"} <= lines[-1].keys()
    assert {"own/auroc", "random/auroc", "fragment/auroc"} <= evaluate(load(tmp_path / "whole"), None).keys()
