"""The numbers of a comparison beside those that one gets by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

from maskwright.compare.differences import differences, over_documents, summary
from maskwright.compare.results import Run, main_metrics
from maskwright.compare.targets import crossing, mean_curve, reached, times, worst
from maskwright.evaluate.statistics.bootstrap import resampled


def run(folder: Path, arm: str, seed: int, losses: list[float], documents: tuple[list[float], list[float]]) -> Run:
    """A run that was validated every 100 tokens (99 with odd seeds) and has these losses and sums by document."""
    folder = folder / f"{arm}-{seed}"
    folder.mkdir()
    gap = 100 - seed % 2
    lines = [{"step": 10 * n, "tokens": gap * n, "seconds": 2.0 * n, "loss": 0.0} for n in range(1, len(losses) + 1)]
    lines += [{"step": 10 * n, "valid/loss": loss} for n, loss in enumerate(losses, 1)]
    total, weight = map(np.array, documents)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "final.json").write_text(
        json.dumps({"tokens": gap * len(losses), "valid/loss": losses[-1], "valid/bits_per_byte": losses[-1] / 2})
    )
    (folder / "cost.json").write_text(json.dumps({"parameters": 7, "flops_per_token": 42.0}))
    np.savez(folder / "documents.npz", loss=total, weight=weight)
    return Run(arm, seed, folder)


@pytest.fixture
def arms(tmp_path: Path) -> dict[str, dict[int, Run]]:
    text = ([2.0, 9.0, 4.0], [1.0, 3.0, 2.0])
    first = {seed: run(tmp_path, "a", seed, [6.0, 5.0, 4.0 + seed], text) for seed in (0, 2)}
    first[1] = run(tmp_path, "a", 1, [6.0, 5.0, 5.0], text)
    better = ([1.0, 6.0, 2.0], [1.0, 3.0, 2.0])
    return {"a": first, "b": {seed: run(tmp_path, "b", seed, [6.0, 4.0, 3.0], better) for seed in (0, 1)}}


def test_means_and_differences_by_hand(arms: dict) -> None:
    found = summary("loss", "a", arms["a"])
    assert found.seeds == {0: 4.0, 2: 6.0, 1: 5.0}
    assert (found.mean, found.deviation) == (5.0, 1.0)
    (apart,) = differences("loss", arms, "a", 0.95)
    assert apart.seeds == {0: -1.0, 1: -2.0}
    assert apart.mean == -1.5
    assert (apart.interval.low, apart.interval.high) == pytest.approx((-1.5 - 12.7062 * 0.5, -1.5 + 12.7062 * 0.5))
    assert not apart.finding
    (alone,) = differences("loss", {"a": arms["a"], "b": {0: arms["b"][0], 7: arms["b"][1]}}, "a", 0.95)
    assert (alone.mean, alone.interval) == (-1.0, None)
    assert differences("loss", {"a": arms["a"], "b": {7: arms["b"][1]}}, "a", 0.95) == []


def test_resampling_draws_as_many_as_there_are_each_equally_often() -> None:
    counts = resampled(6, 20_000, "test")
    assert (counts.sum(1) == 6).all()
    np.testing.assert_allclose(counts.mean(0), 1, atol=0.03)
    np.testing.assert_allclose(counts.var(0), 5 / 6, atol=0.04)


def test_documents_are_drawn_alike_for_both_runs_of_a_pair(arms: dict) -> None:
    ours, theirs = [arms["b"][0], arms["b"][1]], [arms["a"][0], arms["a"][1]]
    weight, change = np.array([1.0, 3.0, 2.0]), np.array([1.0, 6.0, 2.0]) - np.array([2.0, 9.0, 4.0])
    means = [sum(counts * change) / sum(counts * weight) for counts in resampled(3, 1_000, "documents")]
    ends = np.quantile(means, [0.025, 0.975])
    assert over_documents("loss", ours, theirs) == pytest.approx(tuple(ends))
    assert over_documents("bits_per_byte", ours, theirs) == pytest.approx(tuple(ends / 2))
    assert over_documents("loss", ours, ours) == (0, 0)
    assert over_documents("masked/loss", ours, theirs) is None


def test_the_cost_of_a_loss_by_hand(arms: dict) -> None:
    assert crossing(np.array([1.0, 2.0, 3.0]), np.array([5.0, 4.0, 2.0]), 3.0) == 2.5
    assert crossing(np.array([1.0, 2.0]), np.array([5.0, 4.0]), 5.0) == 1.0
    assert crossing(np.array([1.0, 2.0]), np.array([5.0, 4.0]), 3.0) is None
    assert worst(arms, "loss") == 5.0
    grid, values = mean_curve(arms["b"], "loss")
    assert grid.tolist() == [99, 100, 198, 200, 297, 300]
    assert values[:, [0, -1]].tolist() == [[6.0, 3.0], [6.0, 3.0]]
    a = reached("loss", "a", arms["a"], 5.0)
    b = reached("loss", "b", {0: arms["b"][0]}, 5.0)
    assert b.spent == {"tokens": 150.0, "seconds": 3.0, "flops": 150.0 * 42}
    assert a.seeds == {0: 200.0, 2: 200.0, 1: 198.0}
    never = reached("loss", "a", arms["a"], 1.0)
    assert never.spent == {"tokens": None, "seconds": None, "flops": None}
    assert [one.bound for one in (a, b, never)] == [False] * 3
    assert [times(one, a) for one in (a, b, never)] == ["1.00 ×", f"{150 / a.spent['tokens']:.2f} ×", ""]


def test_a_target_below_which_the_first_validation_lies_gives_a_bound(arms: dict) -> None:
    a, b = reached("loss", "a", arms["a"], 5.5), reached("loss", "b", arms["b"], 6.5)
    assert b.spent["tokens"] == 99.0
    assert (a.bound, b.bound) == (False, True)
    assert times(b, a) == f"≤ {99 / a.spent['tokens']:.2f} ×"
    assert times(a, b) == f"≥ {a.spent['tokens'] / 99:.2f} ×"
    assert times(b, b) == "1.00 ×"
    assert times(reached("loss", "a", arms["a"], 7.0), b) == "", "two bounds say nothing of each other"


def test_only_what_arms_share_is_compared(arms: dict, tmp_path: Path) -> None:
    runs = [run for side in arms.values() for run in side.values()]
    assert main_metrics(runs, own=True, by=None) == {"loss": ["a", "b"], "bits_per_byte": ["a", "b"]}
    assert main_metrics(runs, own=False, by=None) == {}
    assert main_metrics(runs, own=True, by="bits_per_byte") == {"bits_per_byte": ["a", "b"]}
