"""Weights that follow what the model names wrongly: drawn in proportion, updated as said, saved and taken up."""

from pathlib import Path

import numpy as np
import pytest
import torch

from maskwright.masking.select import IGNORE
from maskwright.objectives.adaptive import Adaptive, LiveAdaptive
from maskwright.objectives.adaptive.budget import apply_floor
from maskwright.objectives.base.problem import Problem
from maskwright.objectives.hybrid import Hybrid
from maskwright.run.config import Config
from maskwright.training.trainer import Trainer

from ..handmade import VOCABULARY, plain, rows
from ..training.test_trainer import interrupted, losses, same, weights
from .live import live

HARD = set(range(70, 90))
"""Types that are never named rightly in these tests."""


def told(objective: LiveAdaptive, problem: Problem) -> None:
    """A step in which the types in HARD are wrong at a high loss, and the others right at a low one."""
    wrong = torch.isin(problem.targets, torch.tensor(sorted(HARD)))
    asked = problem.targets != IGNORE
    objective.observe(problem, torch.where(wrong, 4.0, 0.5) * asked, asked & ~wrong)
    objective.end_step()


def learned(steps: int = 40, **options: object) -> LiveAdaptive:
    objective = live(Adaptive(**{"update_every": 10, "ratio": 0.3} | options))
    for epoch in range(steps):
        told(objective, objective(plain(40, 64, epoch=epoch), 0))
    return objective


def ordinary(objective: LiveAdaptive) -> torch.Tensor:
    return objective.state_dict()["weight"][torch.from_numpy(VOCABULARY.ordinary)]


@pytest.mark.parametrize("score", ["hard", "soft"])
@pytest.mark.parametrize("unit", ["token", "word", "span"])
def test_what_is_hard_is_hidden_more_and_the_budget_stays(score: str, unit: str) -> None:
    objective, some = learned(score=score, unit=unit), plain(200, 64, epoch=99)
    hidden = objective(some, 0).targets != IGNORE
    hard = torch.isin(some.tokens, torch.tensor(sorted(HARD)))
    assert hidden[hard].double().mean() > 1.3 * hidden[~hard].double().mean()
    assert abs(hidden.sum(1).double() - 64 * 0.3).max() < 1
    assert ordinary(objective).mean() == pytest.approx(1, abs=1e-5)
    assert ordinary(objective).min() >= objective.floor - 1e-7


def test_no_ratio_is_lost_where_few_weights_are_large() -> None:
    objective, some = live(Adaptive(ratio=0.4)), plain(100, 50)
    objective.state_dict()["weight"][:] = 0.01
    objective.state_dict()["weight"][list(HARD)] = 30.0
    hidden = objective(some, 0).targets != IGNORE
    assert hidden.sum(1).tolist() == [20] * 100


def reference(asked, right, loss, old, score, momentum, floor):
    """The sentence of `update`, one type after another."""
    types = [t for t in range(len(asked)) if asked[t]]
    mean = {t: loss[t] / asked[t] / np.log(len(asked)) for t in types}
    low, high = min(mean.values()), max(mean.values())
    scores = {
        t: 1 - (right[t] + 0.5) / (asked[t] + 1) if score == "hard" else (mean[t] - low) / (high - low) for t in types
    }
    scale = sum(old[t] for t in types) / sum(scores.values())
    mixed = {t: momentum * old[t] + (1 - momentum) * scores[t] * scale for t in types}
    total, raised = sum(mixed.values()), set()
    while True:
        rest = (total - floor * len(raised)) / sum(mixed[t] for t in types if t not in raised)
        more = {t for t in types if t not in raised and mixed[t] * rest < floor}
        if not more:
            break
        raised |= more
    return [old[t] if t not in mixed else floor if t in raised else mixed[t] * rest for t in range(len(asked))]


@pytest.mark.parametrize("score", ["hard", "soft"])
def test_an_update_is_the_plain_one(score: str) -> None:
    objective = live(Adaptive(score=score, update_every=1, momentum=0.3, floor=0.2))
    draw, state = np.random.default_rng(3), objective.state_dict()
    for _ in range(3):
        old = state["weight"].tolist()
        asked = draw.integers(0, 9, 120) * ~VOCABULARY.is_special
        right, loss = draw.binomial(asked, 0.4), draw.random(120) * asked
        for name, value in (("asked", asked), ("right", right), ("loss", loss)):
            state[name].copy_(torch.from_numpy(value))
        objective.end_step()
        assert state["weight"].tolist() == pytest.approx(reference(asked, right, loss, old, score, 0.3, 0.2), abs=1e-4)
    assert state["judged"].sum() > 0


def problem(tokens: list[int], inputs: list[int], unit: list[int]) -> Problem:
    targets = torch.tensor([[t if u else IGNORE for t, u in zip(tokens, unit, strict=True)]])
    return Problem(
        torch.tensor([inputs]), targets, (targets != IGNORE).float(), torch.zeros(1, dtype=torch.int64),
        span_id=torch.tensor([unit], dtype=torch.int32),
    )  # fmt: skip


def test_what_is_left_in_sight_is_not_judged() -> None:
    objective, mask = live(Adaptive()), VOCABULARY.mask
    seen = problem([70, 71, 72, 73], [mask, 71, 99, 73], [1, 2, 3, 0])
    objective.observe(seen, torch.ones(1, 4), torch.ones(1, 4, dtype=torch.bool))
    assert torch.nonzero(objective.state_dict()["asked"])[:, 0].tolist() == [70, 72]


def test_a_word_is_right_when_all_of_it_is() -> None:
    objective, mask = live(Adaptive(unit="word")), VOCABULARY.mask
    words = problem([70, 71, 72, 73, 74], [mask] * 5, [1, 1, 2, 2, 3])
    objective.observe(words, torch.tensor([[1.0, 3.0, 5.0, 5.0, 7.0]]), torch.tensor([[1, 0, 1, 1, 1]]).bool())
    state = objective.state_dict()
    assert state["right"][70:75].tolist() == [0, 0, 1, 1, 1]
    assert state["loss"][70:75].tolist() == [2, 2, 5, 5, 7]


def test_updates_come_when_they_are_due() -> None:
    objective = live(Adaptive(update_every=3, first_update=5))
    changed = []
    for step in range(10):
        before = objective.state_dict()["weight"].clone()
        told(objective, objective(plain(20, 64, epoch=step), 0))
        changed += [step + 1] * (not torch.equal(before, objective.state_dict()["weight"]))
    assert changed == [6, 9]


def test_parts_of_a_step_count_as_the_whole() -> None:
    whole, parts = live(Adaptive()), live(Adaptive())
    asked = whole(plain(20, 64), 0)
    loss, right = torch.ones(20, 64), torch.ones(20, 64, dtype=torch.bool)
    whole.observe(asked, loss, right)
    for part in (slice(0, 7), slice(7, 20)):
        parts.observe(asked[part], loss[part], right[part])
    assert all(torch.equal(whole.state_dict()[name], parts.state_dict()[name]) for name in ("asked", "right", "loss"))


def test_special_ids_are_never_counted_and_weigh_nothing() -> None:
    objective = live(Adaptive(update_every=1, ratio=0.5))
    for epoch in range(5):
        told(objective, objective(rows(count=30, epoch=epoch), 0))
    special = torch.from_numpy(VOCABULARY.is_special)
    assert objective.state_dict()["judged"][special].sum() == 0
    assert objective.state_dict()["weight"][special].sum() == 0
    assert objective.state_dict()["judged"].sum() > 0


def test_validation_asks_the_same_whatever_was_learned() -> None:
    objective, some = learned(), plain(40, 64)
    fresh = live(Adaptive(update_every=10, ratio=0.3))(some, 0)
    assert torch.equal(objective.for_validation()(some, 0).inputs, fresh.inputs)
    assert not torch.equal(objective(some, 0).inputs, fresh.inputs)
    mixed = Hybrid(masked=objective)
    assert torch.equal(
        mixed.for_validation()(some, 0).inputs, Hybrid(masked=objective.for_validation())(some, 0).inputs
    )


def test_a_state_taken_up_is_a_state_of_its_own() -> None:
    objective, some = learned(), plain(40, 64)
    other = live(objective.settings)
    other.load_state_dict(objective.state_dict())
    assert torch.equal(other(some, 0).inputs, objective(some, 0).inputs)
    told(objective, objective(some, 0))
    assert not torch.equal(other.state_dict()["asked"], objective.state_dict()["asked"])


def test_weights_of_another_vocabulary_are_refused() -> None:
    with pytest.raises(ValueError, match="learned for 7 tokens, and the tokenizer has 120"):
        live(Adaptive()).load_state_dict({"weight": torch.ones(7)})


@pytest.mark.parametrize(
    "options", [{"update_every": 0}, {"momentum": 1.5}, {"momentum": -0.1}, {"floor": 1.0}], ids=str
)
def test_options_out_of_range_are_refused(settings: dict, options: dict) -> None:
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=rf"^objective\.{name}={value}: "):
        Config.of(settings | {"objective": {"name": "adaptive", **options}})


def warnings(objective: LiveAdaptive, caplog: pytest.LogCaptureFixture) -> list[str]:
    """What it warns of at a validation."""
    caplog.clear()
    objective.on_validation({"loss": 1.0})
    return caplog.messages


def test_collapse_is_seen(caplog: pytest.LogCaptureFixture) -> None:
    objective = learned()
    assert warnings(objective, caplog) == []
    numbers = objective.log()
    assert 0.05 < numbers["weights/diversity"] < 1
    objective.state_dict()["weight"][VOCABULARY.ordinary] = 1.0
    assert "masking does not adapt" in warnings(objective, caplog)[0]
    objective.state_dict()["weight"][100] = 1000.0
    assert "1% of the tokens have 90% of the masking weight" in warnings(objective, caplog)[0]
    assert warnings(live(Adaptive()), caplog) == []


def test_levels_keep_the_sum() -> None:
    weight = torch.tensor([0.0, 0.05, 0.3, 1.0, 3.65])
    assert apply_floor(weight, 0.5).sum() == pytest.approx(5)
    assert apply_floor(weight, 0.5).tolist()[:2] == [0.5, 0.5]
    assert torch.equal(apply_floor(weight, 0.0), weight)


@pytest.mark.parametrize("unit", ["token", "word"])
def test_a_resumed_adaptive_run_is_the_unbroken_run(settings: dict, tmp_path: Path, unit: str) -> None:
    settings["objective"] = {
        "name": "adaptive", "unit": unit, "update_every": 4, "ratio": {"start": 0.4, "end": 0.15}
    }  # fmt: skip
    settings["training"] |= {"micro_batch_tokens": 512}
    config = Config.of(settings)
    Trainer(config, tmp_path / "whole", show=False).train()
    interrupted(config, tmp_path / "broken", 21)
    Trainer(config, tmp_path / "broken", resume=True, show=False).train()
    assert losses(tmp_path / "whole") == losses(tmp_path / "broken")
    assert same(weights(tmp_path / "whole"), weights(tmp_path / "broken"))
    asked = [line["mask_ratio"] for line in losses(tmp_path / "whole") if "mask_ratio" in line]
    wished = [0.4 - 0.25 * step / 40 for step in range(40)]
    assert asked == pytest.approx(wished, abs=0.02)
    assert np.mean(asked) == pytest.approx(np.mean(wished), abs=0.004)


def test_the_log_warns_of_collapse_and_knows_the_spread(
    settings: dict, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    settings["objective"] = {"name": "adaptive", "update_every": 5, "momentum": 1.0}
    Trainer(Config.of(settings), tmp_path / "run", show=False).train()
    assert "does not adapt" in capsys.readouterr().err
    assert losses(tmp_path / "run")[-2]["weights/spread"] < 0.01
