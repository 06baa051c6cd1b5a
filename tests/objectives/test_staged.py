"""Curricula: each step is that of its stage's objective alone, however a run was cut, and what cannot be is refused."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskwright.masking.select import IGNORE
from maskwright.objectives.adaptive import Adaptive
from maskwright.objectives.base.objective import Objective
from maskwright.objectives.base.problem import Problem
from maskwright.objectives.causal import Causal
from maskwright.objectives.diffusion import Diffusion
from maskwright.objectives.mirror import Mirror
from maskwright.objectives.mlm import Mlm
from maskwright.objectives.prefix import Prefix
from maskwright.objectives.span import Span
from maskwright.objectives.staged import Staged
from maskwright.objectives.whole_word import WholeWord
from maskwright.run import saved
from maskwright.run.config import Config
from maskwright.settings import from_mapping
from maskwright.training.trainer import Trainer

from ..handmade import plain, rows
from .conftest import EVERY, make
from .live import live
from .test_contract import same

PATTERNS = ({"ratio": 0.2, "far": 0.3, "near": 0.0}, {"ratio": 0.5, "spans": 3}, {"max_ratio": 0.9})
PATIENT = tuple(
    {"objective": {"name": "diffusion", "pattern": pattern}, "patience": patience}
    for pattern, patience in zip(PATTERNS, (2, 5, None), strict=True)
)


def of(*stages: tuple[float, object], **options: Any) -> Staged:
    return Staged(stages=tuple({"until": until, "objective": part} for until, part in stages), **options)


def hidden(problem: Problem) -> torch.Tensor:
    return problem.targets != IGNORE


@pytest.mark.parametrize("name", [name for name in EVERY if name != "staged"])
def test_each_step_is_that_of_its_stage_alone(name: str) -> None:
    """Whatever the objective holds, so that budgets stay exact and nothing leaks."""
    part, other, some = make(name, update_every=1), Mlm(ratio=0.4), rows()
    staged = live(of((0.3, other), (0.7, part), (1, other)))
    middle = live(part)
    for progress, alone in ((0.0, other), (0.29, other), (0.3, middle), (0.69, middle), (0.7, other), (1, other)):
        now = replace(some, progress=progress)
        assert same(staged(now, 7), alone(now, 7))
        assert staged.log()["stage"] == 1 + (progress >= 0.3) + (progress >= 0.7)


@given(st.lists(st.integers(1, 99), min_size=1, max_size=5, unique=True), st.integers(1, 300))
@hypothesis.settings(max_examples=25)
def test_every_step_belongs_to_the_stage_that_has_not_ended(hundredths: list[int], steps: int) -> None:
    ends = [*(h / 100 for h in sorted(hundredths)), 1]
    staged = of(*((end, "mlm") for end in ends))
    found = [staged.begun(step / steps) for step in range(steps)]
    assert found == [1 + sum(step / steps >= end for end in ends) for step in range(steps)]
    assert staged.begun(1.0) == len(ends)


def test_a_schedule_within_a_stage_is_that_of_the_run() -> None:
    some = replace(plain(50, 100), progress=0.75)
    staged = live(of((0.5, "span"), (1, Mlm(ratio={"start": 0.4, "end": 0.2}))))
    assert (hidden(staged(some, 0)).sum(1) == 25).all()


def test_earlier_stages_go_on_where_they_are_kept() -> None:
    some = replace(plain(900, 40), progress=0.6)
    staged = live(
        of((0.2, Mlm(ratio=0.2)), (0.5, Mlm(ratio=0.5)), (0.9, Mlm(ratio=0.7)), (1, "span"), keep_earlier=True)
    )
    many = Counter(hidden(staged(some, 0)).sum(1).tolist())
    assert set(many) == {8, 20, 28}
    assert min(many.values()) > 240
    alone = staged(some[torch.tensor([17])], 0)
    assert torch.equal(alone.targets, staged(some, 0).targets[17:18])


def test_only_the_stage_that_trains_learns() -> None:
    adaptive, some = Adaptive(update_every=1), plain(8, 32)
    staged = live(of((0.5, adaptive), (1, adaptive)))
    for progress in (0.0, 0.2, 0.5):
        problem = staged(replace(some, progress=progress), 0)
        staged.observe(problem, problem.weights * (problem.targets % 7), problem.targets % 3 == 0)
        staged.end_step()
    first, last = (stage.objective.state for stage in staged.stages)
    assert [int(first["steps"]), int(last["steps"])] == [2, 1]
    assert int(first["judged"].sum()) > int(last["judged"].sum()) > 0


def test_a_stage_ends_when_validation_no_longer_improves() -> None:
    staged = live(Staged(stages=PATIENT))
    begun = []
    for loss in (3.0, 2.0, 2.1, 2.2, 5.0, *[5.0] * 5, *[5.0] * 9):
        staged.on_validation({"loss": loss})
        begun.append(staged.begun(0.0))
    assert begun[:5] == [1, 1, 1, 2, 2]
    assert begun[-1] == 3
    again = live(Staged(stages=PATIENT))
    again.load_state_dict(staged.state_dict())
    assert again.begun(0.0) == 3
    assert Staged(stages=PATIENT).follows_validation
    assert not Staged().follows_validation


def test_rows_are_dealt_out_evenly_over_the_patterns_begun() -> None:
    staged, some = live(Staged(stages=PATIENT, keep_earlier=True)), plain(900, 40)
    assert (hidden(staged(some, 0)).sum(1) == 8).all()
    for _ in range(3):
        staged.on_validation({"loss": 1.0})
    many = Counter(hidden(staged(some, 0)).sum(1).tolist())
    assert set(many) == {8, 20}
    assert many[8] == pytest.approx(450, abs=60)


def test_the_last_stage_is_what_is_examined_and_asked() -> None:
    staged = of((0.5, "whole_word"), (1, Mirror(direction_tokens=True)))
    assert staged.capabilities == {"forward", "backward"}
    assert staged.for_validation() == Mirror(direction_tokens=True)
    assert live(staged).for_validation() == Mirror(direction_tokens=True)
    assert replace(staged, keep_earlier=True).capabilities == {"unmask", "forward", "backward"}
    some = rows(count=2, length=16)
    pairs = zip(staged.scoring(some), staged.stages[1].objective.scoring(some), strict=True)
    assert all(same(one, other) for one, other in pairs)
    causal = Causal()(some, 0)
    assert same(staged.prepare_inputs(causal, some), staged.stages[1].objective.prepare_inputs(causal, some))
    assert not same(staged.prepare_inputs(causal, some), causal)
    assert of((0.5, "mlm"), (1, Prefix())).prompt_from_both_sides
    assert of((0.5, WholeWord()), (1, Mlm())).by_word
    assert not of((0.5, Span()), (1, Mlm())).by_word


def trained(config: Config, out: Path, **options: Any) -> dict[str, torch.Tensor]:
    Trainer(config, out, show=False, **options).train()
    weights: dict[str, torch.Tensor] = saved.load(out)[0].state_dict()
    return weights


LEARNING = [{"until": 0.4, "objective": {"name": "adaptive", "update_every": 2}},
            {"until": 0.8, "objective": {"name": "span", "max_span_length": {"start": 1, "end": 6}}},
            {"until": 1, "objective": {"name": "mirror", "p_bw": "adapt"}}]  # fmt: skip


TINY = {"name": "modern", "hidden": 16, "layers": 1, "heads": 2, "intermediate": 24, "max_length": 64}


@pytest.mark.parametrize(("stages", "step"), [(LEARNING, 10), ([*PATIENT], 5)], ids=["until", "patience"])
def test_a_run_cut_within_a_stage_goes_on_to_the_same_bits(
    stages: list, step: int, settings: dict, tmp_path: Path
) -> None:
    settings["evaluation"]["every"], settings["model"] = 4, TINY
    settings["objective"] = {"stages": stages}
    settings["training"] |= {"steps": 20, "checkpoint_every": 5, "keep": None, "log_every": 1}
    whole = trained(Config.of(settings), tmp_path / "whole")
    lines = [json.loads(line) for line in (tmp_path / "whole" / "metrics.jsonl").read_text().splitlines()]
    found = {line["step"]: line for line in lines if "stage" in line}
    assert [found[step]["stage"] for step in sorted(found)] == sorted(line["stage"] for line in found.values())
    if stages is LEARNING:
        assert [found[at]["stage"] for at in (1, 8, 9, 16, 17, 20)] == [1, 1, 2, 2, 3, 3]
        name = "objective.stages.1.objective.max_span_length"
        assert [found[at][name] for at in (1, 11)] == [1, 3.5]
    (tmp_path / "cut" / "checkpoints").mkdir(parents=True)
    shutil.copytree(tmp_path / "whole/checkpoints" / f"step-{step}", tmp_path / "cut/checkpoints" / f"step-{step}")
    again = trained(Config.load(tmp_path / "whole"), tmp_path / "cut", resume=True)
    assert all(torch.equal(value, whole[name]) for name, value in again.items())


def test_micro_batches_change_no_stage(settings: dict, tmp_path: Path) -> None:
    settings["objective"], settings["model"] = {"stages": LEARNING, "keep_earlier": True}, TINY
    settings["training"] |= {"steps": 10, "log_every": 1}
    masks = []
    for out, size in (("one", None), ("four", 512)):
        settings["training"]["micro_batch_tokens"] = size
        trained(Config.of(settings), tmp_path / out)
        lines = [json.loads(line) for line in (tmp_path / out / "metrics.jsonl").read_text().splitlines()]
        masks.append([(line["stage"], line["mask_ratio"]) for line in lines if "stage" in line])
    assert masks[0] == masks[1]


@pytest.mark.parametrize(
    ("stages", "sentence"),
    [
        ([], "objective.stages=[]: value should have at least 1 item"),
        ([(0.5, "mlm"), (0.8, "span")], "objective: the last stage ends at until=0.8: it goes on to 1"),
        ([(0.5, "mlm"), (0.3, "span"), (1, "mlm")], "objective: until=0.3 follows until=0.5: stages end in the order"),
        ([(0.5, "mlm"), (0.5, "span"), (1, "mlm")], "objective: until=0.5 follows until=0.5"),
        ([(0.5, "mlm"), (1.5, "span")], "objective.stages.1.until=1.5: input should be less than or equal to 1"),
        ([(0, "mlm"), (1, "span")], "objective.stages.0.until=0: input should be greater than 0"),
        ([(0.5, "spam"), (1, "mlm")], "objective: no objective 'spam': did you mean 'span'?"),
        ([(0.5, {"name": "span", "ratioo": 1}), (1, "mlm")], "objective: unknown key span.ratioo: did you mean"),
        ([(0.5, 3), (1, "mlm")], "objective: 3 is not an objective: give its name"),
        ([{"until": 0.5}], "objective.stages.0.objective must be given"),
        ([{"until": 0.5, "objective": "mlm"}, {"objective": "mlm"}], "objective: stage 2 must end by until"),
        ([{"until": 1, "patience": 2, "objective": "mlm"}], "objective: stage 1 must end by until, as others do"),
        ([{"objective": "mlm"}, {"objective": "mlm"}], "objective: stage 1 has neither until nor patience"),
        ([{"objective": "mlm", "patience": 2}], "objective: stage 1 is the last and has a patience"),
        ([{"stop": 0.5, "objective": "mlm"}], "unknown key objective.stages.0.stop"),
        ("mlm", "objective.stages.0='mlm': a mapping of options belongs here"),
    ],
)  # fmt: skip
def test_stages_that_make_no_run_are_refused_in_a_sentence(stages: Any, sentence: str) -> None:
    given = stages if isinstance(stages, str) else [
        {"until": stage[0], "objective": stage[1]} if isinstance(stage, tuple) else stage for stage in stages
    ]  # fmt: skip
    with pytest.raises(ValueError) as refused:  # noqa: PT011  the whole sentence is compared
        from_mapping(Staged, {"stages": given}, "objective")
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)


def test_one_line_is_a_curriculum() -> None:
    line = "objective.stages=[{until: 0.3, objective: span}, {until: 1, objective: {name: mlm, ratio: 0.3}}]"
    wanted: Objective = of((0.3, Span()), (1, Mlm(ratio=0.3)))
    assert Config(line).objective == Config(["objective.name=staged", line]).objective == wanted
    assert Config(objective={"stages": [{"until": 1, "objective": "mlm"}]}).objective == of((1, Mlm()))
    config = Config(line)
    assert Config.of(config.tree()) == config
    assert Config.load("diffusion_stages").objective.last == Diffusion(pattern={"max_ratio": 0.99})
