"""Numbers of objectives on a schedule: at every point of the run the problem is that of the number at that point."""

from dataclasses import replace
from typing import Any, get_args

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from maskwright.data.rows import Rows
from maskwright.noise import Noise
from maskwright.objectives.base.contract import FIELDS, with_options
from maskwright.objectives.base.detector import Mixture
from maskwright.objectives.base.objective import Objective
from maskwright.objectives.hybrid import Hybrid
from maskwright.objectives.mirror import Mirror
from maskwright.objectives.mlm import Mlm
from maskwright.objectives.ranked_span import RankedSpan
from maskwright.objectives.remask import Remask
from maskwright.objectives.span import Span
from maskwright.settings import from_mapping, registry
from maskwright.settings.schedule import Ramp, Steps, scheduled, sums, value, whole

from ..handmade import plain, rows
from .conftest import make
from .live import live

TWO: dict[str, tuple[float, float]] = {
    "ratio": (0.2, 0.5), "random_prob": (0.0, 0.8), "keep_prob": (0.0, 0.8), "geometric_p": (0.2, 0.9),
    "max_span_length": (1, 6), "share": (0.2, 0.8), "p_bw": (0.2, 0.8), "power": (0.1, 3.0), "temperature": (0.2, 3.0),
    "guaranteed_unmasked": (0.0, 0.6), "gamma": (0.0, 0.9), "span_length": (1, 6), "span_density": (0.2, 1.0),
    "masked_ratio": (0.2, 0.9), "random_length": (0.2, 0.9),
}  # fmt: skip
"""Two values of each number that may be scheduled."""
NEEDED: dict[str, dict[str, Any]] = {
    "max_span_length": {"unit": "span"},
    "power": {"weights": "frequency"},
    "gamma": {"schedule": "cosine"},
    "span_density": {"span_length": 4},
    "temperature": {
        "corruption": Mixture(synthetic=1.0),
        "generator_run": lambda inputs, document, at: SCORES[at],
    },
}
"""What else must be set for the number to matter."""
SCORES = torch.linspace(0, 5, 120).roll(17).repeat(12 * 64, 1)


def takes_schedule(kind: Any) -> bool:
    return getattr(kind, "__origin__", None) is Ramp or any(map(takes_schedule, get_args(kind)))


EVERY = [
    (name, option)
    for name, kind in registry.entries("objectives").items()
    for option, field in kind.__pydantic_fields__.items()  # type: ignore[attr-defined]
    if takes_schedule(field.annotation) and option != "rates"
]
"""Rates, of which there is one for each class, have a test of their own beside `weighted`."""


def at(objective: Objective, progress: float, some: Rows) -> dict[str, torch.Tensor]:
    problem = objective.corrupt(replace(some, progress=progress), noise_of(some))
    return {field: getattr(problem, field) for field in FIELDS}


def noise_of(some: Rows) -> Noise:
    return Noise(3, some.epoch, some.ids)


def alike(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(one[field], other[field]) for field in FIELDS)


def test_numbers_that_may_be_scheduled_are_known() -> None:
    assert {option for _, option in EVERY} == set(TWO)
    assert len(EVERY) > 30


@pytest.mark.parametrize(("name", "option"), EVERY)
def test_a_scheduled_number_is_that_of_the_moment(name: str, option: str) -> None:
    low, high = TWO[option]
    some = rows()

    def with_number(number: object) -> Objective:
        settings = make(name, **(NEEDED.get(option, {}) | {option: number}))
        return live(with_options(settings, {"num_static_masks": 1}))

    first, last = at(with_number(low), 0.5, some), at(with_number(high), 0.5, some)
    assert not alike(first, last)
    stepped, ramp = with_number({"steps": {0: low, 0.5: high}}), with_number({"start": low, "end": high})
    for progress, wanted in ((0.0, first), (0.49, first), (0.5, last), (1.0, last)):
        assert alike(at(stepped, progress, some), wanted)
    assert alike(at(ramp, 0.0, some), first)
    assert alike(at(ramp, 1.0, some), last)
    halfway, middle = (0.6, 4) if isinstance(low, int) else (0.5, (low + high) / 2)
    assert alike(at(ramp, halfway, some), at(with_number(middle), 0.5, some))


@given(st.floats(0, 1))
def test_every_step_realises_the_numbers_of_its_schedules(progress: float) -> None:
    some = replace(plain(60, 100), progress=progress)
    masked = Mlm(ratio={"start": 0.5, "end": 0.2}, random_prob={"start": 0.0, "end": 0.6}, keep_prob=0.3)
    problem = masked(some, 0)
    chosen, many = problem.targets >= 0, 6000 * (0.5 - 0.3 * progress)
    assert abs(float(chosen.sum()) - many) <= 60
    kept = (chosen & (problem.inputs == problem.targets)).sum() / chosen.sum()
    masks = (problem.inputs == some.vocabulary.mask).sum() / chosen.sum()
    assert float(masks) == pytest.approx(0.7 - 0.6 * progress, abs=0.07)
    assert float(kept) == pytest.approx(0.3, abs=0.07)
    mirror = Mirror(p_bw={"start": 0.0, "end": 1.0, "shape": "cosine"})
    assert len(mirror(some, 0)) / 60 - 1 == pytest.approx((1 - np.cos(np.pi * progress)) / 2, abs=0.26)


@given(st.floats(0, 1))
def test_a_counted_number_passes_through_whole_numbers(progress: float) -> None:
    span = Span(max_span_length={"start": 1, "end": 9})
    assert len(span.lengths_at(progress)) == whole(span.max_span_length, progress) == round(1 + 8 * progress)


def test_the_kinds_of_corruption_may_change() -> None:
    some, detector = (
        plain(400, 20),
        Remask(corruption={"random": {"start": 1, "end": 0}, "fragment": {"start": 0, "end": 1}}),
    )
    assert detector._kinds(noise_of(some), 0.0).unique().tolist() == [0]
    assert detector._kinds(noise_of(some), 1.0).unique().tolist() == [1]
    assert float(detector._kinds(noise_of(some), 0.25).float().mean()) == pytest.approx(0.25, abs=0.09)


def test_what_is_scheduled_is_found_wherever_it_is() -> None:
    inner = {"name": "mntp", "masking": {"name": "span", "max_span_length": {"start": 1, "end": 9}}}
    hybrid = Hybrid(masked=inner, share={"steps": {0: 0.5, 0.5: 0.25}})
    found = {"objective.masked.masking.max_span_length": 5, "objective.share": 0.25}
    assert scheduled(hybrid, 0.5) == found
    assert scheduled(Mlm(), 0.5) == {}


def test_sums_are_looked_for_on_both_sides_of_a_step() -> None:
    late = Steps(steps={0: 0.1, 0.33333: 0.9})
    assert max(sums(late, Ramp(start=0.9, end=0.0))) == pytest.approx(1.5, abs=1e-4)
    assert min(sums(late)) == value(late, 0.3) == 0.1


@pytest.mark.parametrize(
    ("kind", "options", "sentence"),
    [
        (Span, {"geometric_p": {"start": 0.3, "end": 1.5}}, "objective.geometric_p=1.5: input should be less than 1"),
        (Span, {"max_span_length": {"start": 0, "end": 5}}, "objective.max_span_length=0: input should be greater"),
        (Span, {"max_span_length": {"start": 1.5, "end": 5}}, "max_span_length=1.5: input should be a valid int"),
        (Span, {"max_span_length": Ramp(start=0, end=5)}, "objective.max_span_length=0.0: input should be greater"),
        (Mlm, {"random_prob": {"start": 0.1, "end": 0.95}}, r"random_prob \+ keep_prob = 1.05: their sum"),
        (Mlm, {"keep_prob": {"steps": {0: 0.1, 0.5: -1}}}, "objective.keep_prob=-1: input should be greater"),
        (Mlm, {"ratio": {"begin": 0.1, "end": 0.2}}, "objective.ratio="),
        (Mirror, {"p_bw": {"start": 0, "end": 2}}, "objective.p_bw=2: input should be less"),
        (Hybrid, {"share": {"steps": {0.1: 0.5}}}, "the keys are shares of the run"),
        (RankedSpan, {"balance": True, "max_span_length": {"start": 1, "end": 2}}, "balance needs a constant max_span"),
        (Remask, {"corruption": {"random": {"start": 1, "end": 0}}}, "random, fragment, synthetic, wrong are all 0"),
    ],
)  # fmt: skip
def test_a_schedule_that_leaves_its_bounds_is_refused(kind: type, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence) as refused:
        from_mapping(kind, options, "objective")
    assert "\n" not in str(refused.value)
