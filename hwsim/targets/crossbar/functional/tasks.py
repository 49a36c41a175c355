"""Small tasks of own making, drawn from a seed, of the shapes that recurrent networks on crossbars are shown on.

Keywords: 40 bands x 16 frames, 12 classes; a class is two tracks of bands, a sample shifts, bends and buries them in noise. Characters: text of a
random source in which the next of 50 characters depends on the one before; its entropy, the least bits per character, is known.
They are no measured data: accuracies on them compare devices and converters, and are not those of speech commands or Penn Treebank.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidTrace

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Sequences:
    """`inputs` (samples, steps, features) in 0..1; `targets` (samples, steps), -1 where nothing is asked."""

    inputs: Array
    targets: Integers
    classes: int


@dataclass(frozen=True)
class Task:
    """Sequences to train on and to test on. `least_bits`: entropy of a target in bit, where known."""

    name: str
    train: Sequences
    test: Sequences
    least_bits: float | None = None


def keywords(
    seed: int = 1, *, train: int = 1200, test: int = 600, steps: int = 16, bands: int = 40, classes: int = 12, noise: float = 0.6
) -> Task:
    """Spectrogram-like keywords; the class is asked at the last step. Raises InvalidTrace for sizes below 1."""
    if min(train, test, steps, bands, classes) < 1 or noise < 0:
        raise InvalidTrace("a task needs at least one sample, step, band and class, and noise not below 0")
    rng = np.random.default_rng(seed)
    tracks = rng.uniform([0.15, -0.5, -0.15], [0.85, 0.5, 0.15], (classes, 2, 3))  # start, slope, bend; in shares of the bands

    def draw(count: int) -> Sequences:
        label = rng.integers(0, classes, count)
        start, slope, bend = np.moveaxis(tracks[label], -1, 0)[..., None]
        time = np.linspace(0, 1, steps) + rng.uniform(-0.1, 0.1, (count, 1, 1))
        centre = start + slope * time + bend * np.sin(2 * np.pi * time) + rng.normal(0, 0.02, (count, 2, 1))
        band = np.linspace(0, 1, bands)
        energy = np.exp(-0.5 * ((band - centre[..., None]) / 0.05) ** 2).max(axis=1)  # (samples, steps, bands)
        loud = rng.uniform(0.6, 1.0, (count, 1, 1))
        target = np.full((count, steps), -1, dtype=np.int64)
        target[:, -1] = label
        return Sequences(np.clip(loud * energy + noise * rng.standard_normal(energy.shape), 0, 1), target, classes)

    return Task("keywords", draw(train), draw(test))


def characters(
    seed: int = 1, *, train: int = 400, test: int = 200, steps: int = 24, alphabet: int = 50, followers: int = 6
) -> Task:
    """Text of a first-order source, one-hot; the next character is asked at every step. Raises InvalidTrace for sizes that make no text."""
    if min(train, test, steps) < 1 or not 1 <= followers <= alphabet:
        raise InvalidTrace("a text needs at least one sample and step, and followers between 1 and the alphabet")
    rng = np.random.default_rng(seed)
    odds = np.zeros((alphabet, alphabet))
    for row in odds:
        row[rng.choice(alphabet, followers, replace=False)] = rng.dirichlet(np.ones(followers))
    odds = 0.99 * odds + 0.01 / alphabet  # every character can follow, so the source forgets where it began
    cumulated = odds.cumsum(axis=1)

    def draw(count: int) -> Sequences:
        text = np.empty((count, steps + 1), dtype=np.int64)
        text[:, 0] = rng.integers(0, alphabet, count)
        for t in range(steps):
            text[:, t + 1] = np.minimum((cumulated[text[:, t]] < rng.random((count, 1))).sum(axis=1), alphabet - 1)
        return Sequences(np.eye(alphabet)[text[:, :-1]], text[:, 1:], alphabet)

    drawn = draw(train), draw(test)
    bits = -(odds * np.log2(odds)).sum(axis=1)
    seen = drawn[1].inputs.mean(axis=(0, 1))
    return Task("characters", *drawn, float(seen @ bits))
