"""The figures are those that chance gives where positions are independent, and others where they are not."""

import json

import pytest

from maskwright.evaluate.validation.mask_coverage import FATES, report
from maskwright.objectives.mlm import Mlm
from maskwright.objectives.span import Span

from ...handmade import plain, rows


@pytest.fixture(scope="module")
def figures():
    return {
        one["num_static_masks"]: one for one in report([plain(40, 64), plain(40, 64, first=40)], [Mlm()], epochs=12)
    }


def test_static_masks_stay(figures):
    assert figures[1]["covered"] == [figures[1]["covered"][0]] * 12
    assert figures[1]["diversity"] == figures[1]["diversity_by_chance"] == 0


def test_ten_patterns_cover_as_much_as_ten_epochs(figures):
    assert figures[10]["covered"][9:] == [figures[None]["covered"][9]] * 3


@pytest.mark.parametrize("patterns", [1, 10, None])
def test_tokens_are_covered_as_by_chance(figures, patterns):
    one = figures[patterns]
    assert one["ratio"] == pytest.approx(0.15, abs=0.002)
    assert one["covered"] == pytest.approx(one["covered_by_chance"], abs=0.02)
    assert one["diversity"] == pytest.approx(one["diversity_by_chance"], abs=0.01)
    assert one["runs"] == pytest.approx(one["runs_by_chance"], abs=0.02)


def test_chance_explains_what_dynamic_masking_is_praised_for(figures):
    chance = figures[None]["covered_by_chance"]
    assert (chance[2], chance[4]) == pytest.approx((0.386, 0.556), abs=0.005)
    assert figures[None]["diversity_by_chance"] == pytest.approx(0.919, abs=0.003)


def test_a_balanced_objective_covers_all():
    balanced = report([plain(20, 64)], [Mlm(balance=True)], epochs=7)[-1]
    assert balanced["covered"][2] == pytest.approx(3 * 0.15, abs=0.01)
    assert balanced["covered"][-1] == 1


def test_the_report_counts_fates_in_their_shares(figures):
    assert [figures[None]["fates"][fate] for fate in FATES] == pytest.approx([0.8, 0.1, 0.1], abs=0.04)


def test_spans_run_together():
    span = report([rows()], [Span()], epochs=3)[-1]
    assert sum(span["runs"]) == pytest.approx(1)
    assert span["runs"][0] < 0.6 < span["runs_by_chance"][0]
    json.dumps(span)


def test_nothing_to_mask_is_refused():
    with pytest.raises(ValueError, match="there are no rows to mask"):
        report([], [Mlm()])
