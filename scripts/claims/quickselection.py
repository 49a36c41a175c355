"""QuickSelection: an autoencoder of sparse layers in place of a dense one: connections, work of a training step, bytes."""

from __future__ import annotations

import hwsim
from hwsim.claims import Claim, bound, count
from hwsim.core.graph import GraphBuilder

PAPER = "QuickSelection"
SOURCE = "QuickSelection@8bf24ef: hidden 1000, epsilon 13, batch 100; ratios derived from them, published joules and seconds are not at hand"
HIDDEN, EPSILON, BATCH = 1000, 13, 100
RATIOS = {"Madelon": (500, 25.6), "MNIST": (784, 33.8), "COIL-20": (1024, 38.9), "PCMAC": (3289, 59), "SMK": (19993, 73), "GLA": (49151, 75)}


def density(features: int) -> float:
    """Share of connections of one layer: epsilon (F + H) / (F H)."""
    return EPSILON * (features + HIDDEN) / (features * HIDDEN)


def training(features: int, share: float) -> tuple[int, float]:
    """(MACs, joules by operations) of a sample's step: forward, and two backward products per layer, at a density of the weights."""
    builder = GraphBuilder("fp32")
    for i, (k, n) in enumerate(((features, HIDDEN), (HIDDEN, features))):
        for j in range(3):
            builder.op("matmul", f"p{i}{j}", [builder.tensor(f"x{i}{j}", (1, k), role="input")], m=1, k=k, n=n, weight_density=share)
    graph = builder.graph(trace="autoencoder")
    report = hwsim.simulate(graph, hwsim.load_chip("snn-45nm"), interval=False)
    return graph.macs, report.energy_j


def claims() -> list[Claim]:
    """Ratios of connections, joules of operations, bytes with 32-bit indices."""
    found = []
    for name, (features, ratio) in RATIOS.items():
        whole, less = (training(features, share)[1] for share in (1.0, density(features)))
        text = f"{name} ({features} features): operations of a step, dense over sparse"
        found.append(count(PAPER, text, ratio, whole / less, "x", tolerance=0.03, basis="derived",
                           source=SOURCE,
                           carries="the density that its code sets; joules and seconds fall so far only where zeros cost nothing"))  # fmt: skip
    share = density(784)
    found.append(bound(PAPER, "MNIST: bytes, dense over sparse with 32-bit column indices", 10.0, 1 / (share * 2), "x", side="at least",
                       source=SOURCE, kind="count", basis="derived", carries="indices as wide as values halve the gain"))  # fmt: skip
    return found
