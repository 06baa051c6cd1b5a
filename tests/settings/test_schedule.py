"""Schedules at their corners, and learning rates that are never zero at the first step."""

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskwright.objectives.mlm import Mlm
from maskwright.run.sections import Training
from maskwright.settings import from_mapping
from maskwright.settings.schedule import DECAYS, Ramp, Steps, learning_rate, value

PROGRESS = st.floats(0, 1)


@given(PROGRESS)
def test_a_constant_is_constant(progress):
    assert value(0.15, progress) == 0.15


@pytest.mark.parametrize("shape", ["linear", "cosine"])
def test_a_ramp_goes_from_start_to_end(shape):
    ramp = Ramp(start=0.4, end=0.15, shape=shape)
    assert [value(ramp, at) for at in (0, 0.5, 1)] == pytest.approx([0.4, 0.275, 0.15])


@given(PROGRESS, PROGRESS, st.sampled_from(["linear", "cosine"]))
def test_a_ramp_never_turns(one, other, shape):
    ramp = Ramp(start=0.4, end=0.15, shape=shape)
    assert ramp.at(min(one, other)) >= ramp.at(max(one, other))


def test_steps_hold_until_the_next():
    steps = Steps(steps={0: 0.4, 0.5: 0.15})
    assert [value(steps, at) for at in (0, 0.49, 0.5, 1)] == [0.4, 0.4, 0.15, 0.15]


def test_steps_begin_at_the_beginning():
    with pytest.raises(ValueError, match="the first of them 0"):
        Steps(steps={0.5: 0.15})


@pytest.mark.parametrize("ratio", [0.3, {"start": 0.4, "end": 0.1}, {"steps": {0: 0.4, 0.5: 0.1}}])
def test_every_form_fits_an_objective(ratio):
    assert 0 < value(from_mapping(Mlm, {"ratio": ratio}, "objective").ratio, 0.7) < 1


@pytest.mark.parametrize("ratio", [0, 1, -0.1, 1.5])
def test_a_ratio_is_a_share(ratio):
    with pytest.raises(ValueError, match=r"objective\.ratio"):
        from_mapping(Mlm, {"ratio": ratio}, "objective")


@given(st.integers(1, 300), st.floats(0, 0.5), st.sampled_from(sorted(DECAYS)), st.floats(0, 0.4), st.floats(0, 1))
def test_the_learning_rate_stays_between_nothing_and_the_peak(steps, warmup, decay, stable, floor):
    rates = [learning_rate(step, steps, warmup, decay, stable, floor) for step in range(steps)]
    assert rates[0] > 0
    assert all(0 <= rate <= 1 or isclose(rate, 1) for rate in rates)


def test_the_learning_rate_rises_stays_and_falls():
    rates = [learning_rate(step, 10, warmup=0.2, decay="linear", stable=0.3, floor=0.1) for step in range(11)]
    assert rates == pytest.approx([0.5, 1, 1, 1, 1, 1, 0.82, 0.64, 0.46, 0.28, 0.1])
    rates = [learning_rate(step, 10, stable=0.6, decay="sqrt") for step in range(5, 11)]
    assert rates == pytest.approx([1, 1, 0.5, 1 - 0.5**0.5, 1 - 0.75**0.5, 0])


@pytest.mark.parametrize("decay", DECAYS)
def test_every_decay_can_be_set(decay):
    assert Training(steps=1, decay=decay).decay == decay
