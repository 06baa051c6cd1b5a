"""Who wins, how often, and how sure that is."""

from math import comb

import numpy as np
import pytest

from maskwright.evaluate.scoring.minimal_pairs import Item, ItemResults, accuracies, limited, predictions, wilson
from maskwright.evaluate.scoring.scorer import Text

NAN, INF = np.nan, np.inf


def item(paradigm="p", field="f", texts=("good", "bad")) -> Item:
    return Item(tuple(Text(text) for text in texts), {"field": field, "paradigm": paradigm})


def item_results(*scores, rules=2026) -> ItemResults:
    return ItemResults([item() for _ in scores], np.array(scores, np.float64), rules)


@pytest.mark.parametrize(
    ("scores", "credit", "official", "first"),
    [
        ([-1, -2], 1, 1, 0),
        ([-2, -1], 0, 0, 1),
        ([-3, -3], 1 / 2, 1 / 2, 0),
        ([NAN, -3], 0, 0, 0),
        ([-3, NAN], 0, 1, 1),
        ([NAN, NAN], 0, 1 / 2, 0),
        ([-1, -1, -1, -4], 1 / 3, 1 / 3, 0),
        ([-2, -1, -1, -INF], 0, 0, 1),
        ([-INF, -INF], 1 / 2, 1 / 2, 0),
    ],
)
def test_ties_are_shared_and_nan_fails(scores, credit, official, first) -> None:
    """Ours, the draw of 2026 on average, and the argmax of 2025."""
    asked = [item(texts=("good", *["bad"] * (len(scores) - 1)))]
    found = ItemResults(asked, np.array([scores], np.float64))
    assert found.credit[0] == pytest.approx(credit)
    assert found.official[0] == pytest.approx(official)
    old = ItemResults(asked, found.scores, rules=2025)
    assert (old.chosen[0], old.official[0]) == (first, float(first == 0))


def test_choices_of_2026_are_draws_among_the_greatest_and_the_same_every_time() -> None:
    asked = [item(texts=("good", "bad", "worse"))] * 3000
    scores = np.array([[NAN, -1, -1]] * 1000 + [[NAN] * 3] * 1000 + [[-1, -1, -2]] * 1000)
    found = ItemResults(asked, scores)
    counts = [np.bincount(part, minlength=3) / 1000 for part in np.split(found.chosen, 3)]
    np.testing.assert_allclose(counts, [[0, 1 / 2, 1 / 2], [1 / 3] * 3, [1 / 2, 1 / 2, 0]], atol=0.06)
    assert (found.chosen == ItemResults(asked, scores).chosen).all()


def test_a_model_of_zeros_is_half_right_and_one_of_nans_never() -> None:
    for score, share in ((0.0, 0.5), (NAN, 0.0)):
        new, old = item_results(*[[score, score]] * 40), item_results(*[[score, score]] * 40, rules=2025)
        assert accuracies(new)["accuracy"] == accuracies(old)["accuracy"] == share
        assert accuracies(new).get("official", 0.5) == 0.5
        assert accuracies(old)["official"] == 1.0
        assert accuracies(new)["ties" if score == 0 else "failures"] == 40


def test_the_official_figure_stands_only_where_it_differs() -> None:
    items = [item("a"), item("a"), item("b")]
    numbers = accuracies(ItemResults(items, np.array([[-1.0, -2], [-2, -1], [-1, NAN]])))
    assert numbers["paradigm/a/accuracy"] == 0.5
    assert "paradigm/a/official" not in numbers
    assert (numbers["paradigm/b/accuracy"], numbers["paradigm/b/official"]) == (0.0, 1.0)


def test_the_whole_may_be_a_mean_over_groups_of_means_over_their_paradigms() -> None:
    items = [item("a", "f"), item("b", "f"), item("b", "f"), item("c", "g")]
    numbers = accuracies(ItemResults(items, np.array([[0.0, -1], [0, -1], [-1, 0], [-1, 0]])), over="field")
    assert numbers["accuracy"] == pytest.approx(((1 + 1 / 2) / 2 + 0) / 2)
    assert numbers["low"] < numbers["accuracy"] < numbers["high"]


def test_the_whole_is_the_mean_over_paradigms_and_a_field_over_items() -> None:
    items = [item("a"), item("a"), item("a"), item("b", "g")]
    numbers = accuracies(ItemResults(items, np.array([[0.0, -1], [0, -1], [-1, 0], [-1, 0]])))
    assert numbers["accuracy"] == pytest.approx((2 / 3 + 0) / 2)
    assert numbers["field/f/accuracy"] == pytest.approx(2 / 3)
    assert (numbers["items"], numbers["field/f/items"], numbers["paradigm/b/items"]) == (4, 3, 1)


def test_a_mean_over_equal_paradigms_is_as_sure_as_one_over_their_items() -> None:
    scores = np.random.default_rng(0).normal(size=(60, 2))
    parted = accuracies(ItemResults([item("abc"[i % 3]) for i in range(60)], scores))
    whole = accuracies(ItemResults([item()] * 60, scores))
    assert (parted["low"], parted["high"]) == pytest.approx((whole["low"], whole["high"]))


@pytest.mark.parametrize(("share", "count"), [(0.1, 50), (0.5, 20), (0.8, 100)])
def test_an_interval_covers_the_truth_about_as_often_as_it_says(share, count) -> None:
    covered = 0.0
    for hits in range(count + 1):
        low, high = wilson(hits / count, count)
        assert 0 <= low <= hits / count <= high <= 1
        covered += (low <= share <= high) * comb(count, hits) * share**hits * (1 - share) ** (count - hits)
    assert 0.92 < covered < 0.98


def test_predictions_have_the_official_form() -> None:
    items = [Item((Text("a b", 1), Text("a c", 1)), {"paradigm": "p"}), item("q"), item("q")]
    found = ItemResults(items, np.array([[0.0, 1], [1, 0], [NAN, 0]]), rules=2025)
    assert predictions(found) == {
        "p": {"predictions": [{"id": "p_0", "pred": " c"}]},
        "q": {"predictions": [{"id": "q_0", "pred": "good"}, {"id": "q_1", "pred": "good"}]},
    }
    assert predictions(found, whole=True)["p"]["predictions"][0]["pred"] == "a c"


def test_a_limit_is_for_each_paradigm() -> None:
    items = [item("a"), item("b"), item("a"), item("a"), item("b")]
    assert [one.paradigm for one in limited(items, 2)] == ["a", "b", "a", "b"]
    assert limited(items, None) == items
