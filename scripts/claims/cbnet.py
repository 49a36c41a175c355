"""CBNet: a converting autoencoder and the truncated network in place of the whole one, on one GPU of a K80 and on a Raspberry Pi 4.

Calls decide here, not work: a framework makes 12 of LeNet and 15 of CBNet, whose autoencoder also reads 3.8 MB of weights. Without the paper's tables
(layers, framework, data) the ratio cannot come out as published on any machine that takes `calls x t + bytes / bandwidth`.
"""

from __future__ import annotations

import hwsim
from hwsim.claims import Claim, value
from hwsim.core.graph import Graph
from hwsim.core.report import Report
from hwsim.readers.networks import Asked, Map, Net

PAPER = "CBNet"
SOURCE = "abstract: up to 4.8x latency, -79 % energy; rows are not at hand; LeNet as in kunglab/branchynet"
CARRIES = "the autoencoder 784-784-384-32-784 (as remembered); one blocking framework call per operator, batch 1, on one GPU of a K80"
ON_PI = "the same networks; one framework call per operator on all four cores, joules of the whole board"
MACHINES = {"k80": {"dispatch": "eager", "library": "cuda-8"}, "raspberry-pi-4": {"runtime": "framework"}}
WIDTHS = (784, 384, 32, 784)


def whole() -> Graph:
    """LeNet with its early exit left out."""
    net = Net(Asked(dtype="fp32", classes=10))
    x = net.pool(net.each(net.conv(net.source("digit", 1, 28, 28), 5, 5, pad=3, bias=True), "relu"), 2, 2)
    x = net.pool(net.each(net.conv(x, 10, 5, pad=3, bias=True), "relu"), 2, 2, 1)  # odd sizes are rounded up
    x = net.pool(net.each(net.conv(x, 20, 5, pad=3, bias=True), "relu"), 2, 2, 1)
    x = Map(x.tensor, x.c * x.h * x.w, 1, 1)
    net.linear(net.each(net.linear(x, 84), "relu"), 10)
    return net.graph.graph(trace="lenet", batch=1)


def converted() -> Graph:
    """The converting autoencoder, then the network up to its first exit."""
    net = Net(Asked(dtype="fp32", classes=10))
    x = net.source("digit", 784, 1, 1)
    for width in WIDTHS:
        x = net.each(net.linear(x, width), "relu")
    x = Map(x.tensor, 1, 28, 28)
    x = net.pool(net.each(net.conv(x, 5, 5, pad=3, bias=True), "relu"), 2, 2)
    x = net.pool(net.each(net.conv(x, 10, 3, bias=True), "relu"), 2, 2, 1)
    net.linear(Map(x.tensor, x.c * x.h * x.w, 1, 1), 10)
    return net.graph.graph(trace="cbnet", batch=1)


def run(graph: Graph, chip: str = "k80") -> Report:
    """One digit."""
    return hwsim.simulate(graph, hwsim.load_chip(chip), MACHINES[chip], interval=False)


def claims() -> list[Claim]:
    """Time and joules, and the multiply-accumulates behind."""
    slow, quick = run(whole()), run(converted())
    pi_slow, pi_quick = run(whole(), "raspberry-pi-4"), run(converted(), "raspberry-pi-4")
    return [
        value(PAPER, "LeNet over CBNet on K80: time", 4.8, slow.latency_s / quick.latency_s, "x", tolerance=0.3, carries=CARRIES, source=SOURCE),
        value(PAPER, "CBNet over LeNet on K80: joules (-79 %)", 0.21, quick.energy_j / slow.energy_j, "x", tolerance=0.3,
              carries=CARRIES, source=SOURCE),
        value(PAPER, "LeNet over CBNet on Raspberry Pi 4: time", 4.8, pi_slow.latency_s / pi_quick.latency_s, "x", tolerance=0.3, carries=ON_PI,
              source=SOURCE),
        value(PAPER, "CBNet over LeNet on Raspberry Pi 4: joules (-79 %)", 0.21, pi_quick.energy_j / pi_slow.energy_j, "x", tolerance=0.3,
              carries=ON_PI, source=SOURCE),
        value(PAPER, "LeNet over CBNet: multiply-accumulates (derived)", 1.14 / 1.17, slow.macs / quick.macs, "x", tolerance=0.05,
              carries="the layer tables", kind="count", basis="derived", source="derived from the layer tables"),
    ]  # fmt: skip
