"""The non-neural kernels in NumPy, dealt over the cores of a team as the cluster runs them, with the floating-point work counted on the way.

Every function returns the result and the `Work` of each core, counted from the sizes of the arrays that it really processes. The kernels' instruction
mixes are tested against these counts. Work names: ``fmac`` (fused multiply-add), ``fadd``, ``fsub``, ``fmul``, ``fdiv``, ``fcmp``, ``i2f``, ``f2i``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from math import factorial

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
POLYNOMIAL = np.array([np.log(2.0) ** k / factorial(k) for k in range(7)])  # 2^r about 0: relative error below 1e-6 for |r| <= 1/2


@dataclass
class Work:
    """Operations of a team: of each core between barriers (`cores`), of core 0 while the others wait (`alone`), and the barriers."""

    cores: list[Counter[str]]
    alone: Counter[str] = field(default_factory=Counter)
    barriers: int = 0

    @classmethod
    def of(cls, cores: int) -> Work:
        """No work yet, on so many cores."""
        return cls([Counter() for _ in range(cores)])

    @property
    def total(self) -> Counter[str]:
        """Operations of all cores together."""
        return sum(self.cores, Counter()) + self.alone


def shares(units: int, cores: int) -> list[slice]:
    """Contiguous shares of `units`, the first ones larger by one where they do not divide."""
    size, rest = divmod(units, cores)
    ends = [0]
    for core in range(cores):
        ends.append(ends[-1] + size + (core < rest))
    return [slice(a, b) for a, b in pairwise(ends)]


def svm(x: Vector, weights: Vector, bias: Vector, cores: int, split: str = "horizontal") -> tuple[int, Vector, Work]:
    """Scores ``weights @ x + bias`` and the class of the greatest. x (features), weights (classes, features), bias (classes)."""
    work, classes = Work.of(cores), len(weights)
    scores = np.zeros(classes)
    if split == "vertical":
        for core in range(cores):
            for c in range(core, classes, cores):
                scores[c] = weights[c] @ x + bias[c]
                work.cores[core]["fmac"] += x.size
                work.cores[core]["fadd"] += 1
    else:
        partial = np.zeros((cores, classes))
        for core, own in enumerate(shares(x.size, cores)):
            partial[core] = weights[:, own] @ x[own]
            work.cores[core]["fmac"] += weights[:, own].size
        scores = bias + partial.sum(axis=0)
        work.alone["fadd"] += partial.size
    work.alone["fcmp"] += classes
    work.barriers += 2
    return int(np.argmax(scores)), scores, work


def exponential(x: Vector, count: Counter[str]) -> Vector:
    """exp(x) as the kernels do it: y = x / ln 2 = n + r with n the nearest integer, a polynomial of degree 6 for 2^r, and n added to the exponent."""
    y = x / np.log(2.0)
    n = np.rint(y)
    r = y - n
    value = np.full_like(x, POLYNOMIAL[-1])
    for coefficient in POLYNOMIAL[-2::-1]:
        value = value * r + coefficient
        count["fmac"] += x.size
    count.update({"fmul": x.size, "f2i": x.size, "i2f": x.size, "fsub": x.size})
    scaled: Vector = np.ldexp(value, n.astype(np.int64))
    return scaled


def logistic_regression(x: Vector, weights: Vector, bias: Vector, cores: int) -> tuple[int, Vector, Work]:
    """Softmax of the scores of `svm` (horizontal): scaled by their greatest, exponentials, their sum, one division per class."""
    label, scores, work = svm(x, weights, bias, cores)
    shifted = scores - scores.max()
    work.alone["fsub"] += scores.size
    powers = exponential(shifted, work.alone)
    total = powers.sum()
    work.alone.update({"fadd": powers.size, "fdiv": powers.size})
    work.barriers += 1
    return label, powers / total, work


def gaussian_nb(x: Vector, mean: Vector, inverse_variance: Vector, prior: Vector, cores: int) -> tuple[int, Vector, Work]:
    """Score of a class: prior - sum (x - mean)^2 inverse_variance. mean, inverse_variance (classes, features), prior (classes)."""
    work, classes = Work.of(cores), len(mean)
    partial = np.zeros((cores, classes))
    for core, own in enumerate(shares(x.size, cores)):
        away = x[own] - mean[:, own]
        partial[core] = (away * away * inverse_variance[:, own]).sum(axis=1)
        work.cores[core].update({"fsub": away.size, "fmul": away.size, "fmac": away.size})
    scores = prior - partial.sum(axis=0)
    work.alone.update({"fadd": partial.size, "fcmp": classes})
    work.barriers += 2
    return int(np.argmax(scores)), scores, work


def knn(query: Vector, points: Vector, neighbours: int, cores: int) -> tuple[NDArray[np.int64], Work]:
    """Indices of the `neighbours` points (samples, features) nearest to `query`: each core sorts out its own, core 0 merges their lists."""
    work = Work.of(cores)
    lists: list[list[tuple[float, int]]] = []
    for core, own in enumerate(shares(len(points), cores)):
        away = points[own] - query
        distance = (away * away).sum(axis=1)
        work.cores[core].update({"fsub": away.size, "fmac": away.size})
        found = []
        for _ in range(min(neighbours, distance.size)):
            nearest = int(np.argmin(distance))
            work.cores[core]["fcmp"] += distance.size
            found.append((float(distance[nearest]), own.start + nearest))
            distance[nearest] = np.inf
        lists.append(found)
    chosen = []
    heads = [0] * cores
    for _ in range(neighbours):
        fronts = [found[head] if head < len(found) else (np.inf, -1) for found, head in zip(lists, heads, strict=True)]
        work.alone["fcmp"] += cores
        best = min(range(cores), key=fronts.__getitem__)
        heads[best] += 1
        chosen.append(fronts[best][1])
    work.barriers += 1
    return np.array(chosen), work


def kmeans(points: Vector, centroids: Vector, cores: int) -> tuple[Vector, Work]:
    """One iteration: points (samples, features) to their nearest of `centroids` (clusters, features), and the new centroids."""
    work, (clusters, features) = Work.of(cores), centroids.shape
    sums, counts = np.zeros((cores, clusters, features)), np.zeros((cores, clusters))
    for core, own in enumerate(shares(len(points), cores)):
        mine = points[own]
        away = mine[:, None, :] - centroids
        distance = (away * away).sum(axis=2)
        winner = distance.argmin(axis=1)
        np.add.at(sums[core], winner, mine)
        np.add.at(counts[core], winner, 1)
        work.cores[core].update({"fsub": away.size, "fmac": away.size, "fcmp": distance.size, "fadd": mine.size})
    new = np.array(centroids)
    for core in range(cores):
        for c in range(core, clusters, cores):
            number = counts[:, c].sum()
            if number:
                new[c] = sums[:, c].sum(axis=0) * (1 / number)
            work.cores[core].update({"i2f": 1, "fdiv": 1, "fadd": cores * features, "fmul": features})
    work.barriers += 2
    return new, work


def random_forest(
    x: Vector, index: NDArray[np.int64], threshold: Vector, leaf: NDArray[np.int64], classes: int, cores: int
) -> tuple[int, Work]:
    """The majority of complete trees in heap order: index, threshold (trees, 2^depth - 1), leaf (trees, 2^depth) holding classes."""
    work = Work.of(cores)
    trees, nodes = index.shape
    votes = np.zeros((cores, classes), dtype=np.int64)
    for core in range(cores):
        for t in range(core, trees, cores):
            node = 0
            while node < nodes:
                node = 2 * node + 1 + int(x[index[t, node]] > threshold[t, node])
                work.cores[core]["fcmp"] += 1
            votes[core, leaf[t, node - nodes]] += 1
            work.cores[core]["vote"] += 1
    work.alone["sum"] += votes.size
    work.barriers += 2
    return int(votes.sum(axis=0).argmax()), work
