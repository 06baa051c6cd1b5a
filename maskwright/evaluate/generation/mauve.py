"""MAUVE: similarity of two sets of texts by their embeddings; 1 for equal sets, 0.004 for disjoint ones.

Pillutla et al. 2021, "MAUVE: Measuring the gap between neural text and human text using divergence frontiers", sections
2 and 3 (arXiv 2102.01454). Vectors of both sets are quantised together; with P and Q the shares of the clusters and
R = λP + (1 − λ)Q, the points (exp(−c KL(Q‖R)), exp(−c KL(P‖R))) for λ in (0, 1) are a frontier, and the area under
it is MAUVE. As in the authors' package c = 5, the vectors have length 1 and keep 90 % of their variance (principal
components), and there is one cluster per ten texts. The authors use GPT-2's vectors; values from other models are not
comparable with theirs.

Shapes: N and M texts, D dimensions, K clusters, R resamples.
"""

from dataclasses import dataclass

import numpy as np

from ...noise import address

SCALE = 5.0
"""c."""
VARIANCE = 0.9
PER_CLUSTER = 10
LAMBDAS = np.linspace(1, 0, 27)[1:-1]
STARTS, ROUNDS = 5, 100
DIVISIONS = 400


@dataclass(frozen=True)
class Clustered:
    """N texts and M others as members of the same K clusters."""

    mine: np.ndarray
    """[N, K] float64, one-hot."""
    other: np.ndarray
    """[M, K] float64, likewise."""

    def mauve(self, again: np.ndarray, other_again: np.ndarray) -> tuple[float, np.ndarray]:
        """MAUVE, and [R] for bootstrap resamples of both sets: the choice of the reference is part of the error.

        again, other_again: [R, N] and [R, M] float64, how often a resample has each text. Clusters are not recomputed.
        """
        redrawn = area(again @ self.mine / len(self.mine), other_again @ self.other / len(self.other))
        return float(area(self.mine.mean(0)[None], self.other.mean(0))[0]), redrawn

    def same(self) -> tuple[float, np.ndarray]:
        """What MAUVE comes to for two sets of one law and of these sizes, in the mean and [R] for random divisions of
        all texts. It is below 1: so many texts never have the same shares, and the fewer, the less so."""
        both, n = np.concatenate([self.mine, self.other]), len(self.mine)
        draw = np.random.default_rng(address(0, "texts of one law", n))
        halves = np.array([draw.permutation(len(both)) for _ in range(DIVISIONS)])  # [R, N + M]
        found = area(both[halves[:, :n]].mean(1), both[halves[:, n:]].mean(1))
        return float(found.mean()), found


def clustered(p: np.ndarray, q: np.ndarray) -> Clustered:
    """The vectors p [N, D] and q [M, D] quantised together."""
    clusters = max(2, min(len(p), len(q)) // PER_CLUSTER)
    label = quantised(reduced(np.concatenate([p, q]).astype(np.float64)), clusters)
    return Clustered(np.eye(clusters)[label[: len(p)]], np.eye(clusters)[label[len(p) :]])


def area(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """[R] float64, the area under the frontier of the shares p [R, K] and q [K] or [R, K]."""
    mix = LAMBDAS[:, None, None] * p + (1 - LAMBDAS)[:, None, None] * q  # [λ, R, K]
    x, y = (np.exp(-SCALE * _kl(shares, mix)) for shares in (np.broadcast_to(q, p.shape), p))  # [λ, R]
    ends = np.zeros((1, len(p))), np.ones((1, len(p)))
    x, y = np.concatenate([ends[0], x, ends[1]]), np.concatenate([ends[1], y, ends[0]])
    return (np.diff(x, axis=0) * (y[1:] + y[:-1]) / 2).sum(0)


def _kl(p: np.ndarray, mix: np.ndarray) -> np.ndarray:
    """[λ, R] nats, KL(p‖mix) of p [R, K]."""
    return (p * np.log(np.where(p > 0, p, 1) / np.where(p > 0, mix, 1))).sum(-1)


def reduced(vectors: np.ndarray) -> np.ndarray:
    """[N, d] float64, unit vectors of [N, D] projected on the fewest principal components with 90 % of the variance."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.maximum(length, 1e-12)
    left, spread, _ = np.linalg.svd(unit - unit.mean(0), full_matrices=False)
    kept = np.searchsorted(np.cumsum(spread**2), VARIANCE * (spread**2).sum()) + 1
    return left[:, :kept] * spread[:kept]


def quantised(points: np.ndarray, clusters: int) -> np.ndarray:
    """[N] int64, the cluster of each of points [N, d]: the best of five starts of k-means (Lloyd 1982)."""
    found = [_lloyd(points, _begin(points, clusters, start)) for start in range(STARTS)]
    return min(found, key=lambda one: one[1])[0]


def _begin(points: np.ndarray, clusters: int, start: int) -> np.ndarray:
    """[K, d], initial centres (Arthur and Vassilvitskii 2007, k-means++)."""
    draw = np.random.default_rng(address(0, "k-means", len(points), start))
    chosen = [int(draw.integers(len(points)))]
    far = _squares(points, points[chosen])[:, 0]
    while len(chosen) < clusters:
        ladder = far.cumsum()
        chosen.append(min(int(np.searchsorted(ladder, draw.random() * ladder[-1], side="right")), len(points) - 1))
        far = np.minimum(far, _squares(points, points[chosen[-1:]])[:, 0])
    return points[chosen]


def _lloyd(points: np.ndarray, centres: np.ndarray) -> tuple[np.ndarray, float]:
    """The cluster of each point, and the sum of squared distances."""
    label = np.full(len(points), -1)
    for _ in range(ROUNDS):
        apart = _squares(points, centres)
        before, label = label, apart.argmin(1)
        if (label == before).all():
            break
        member = np.eye(len(centres))[label]  # [N, K]
        size = member.sum(0)[:, None]
        centres = np.where(size > 0, member.T @ points / np.maximum(size, 1), centres)
    return label, float(apart.min(1).sum())


def _squares(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """[N, K] float64, squared distances."""
    return np.maximum((points**2).sum(1)[:, None] - 2 * points @ centres.T + (centres**2).sum(1), 0)
