"""FemtoDet: parameters and multiply-accumulates of a detector for phones; frame rate and watts need a processor that is not modelled."""

from __future__ import annotations

from claims.pruning import weights
from hwsim.claims import Claim, value
from hwsim.core.graph import Graph
from hwsim.readers.networks import Asked, Map, Net
from hwsim.readers.networks_mobile import inverted_residual

PAPER = "FemtoDet"
SOURCE = "FemtoDet@2073227, width 0.25, 416 x 416"
BLOCKS = ((1, 8, 1, 1), (4, 8, 2, 2), (4, 8, 2, 2), (4, 16, 3, 2), (4, 24, 2, 1), (4, 40, 2, 2), (4, 80, 1, 1))  # expansion, channels, count, stride
PROJECTIONS = (1, 1, 1, 1, 1, 2, 2)  # groups of the last 1 x 1 of a block
TAPS = (2, 4, 6)  # stages that the neck reads
NECK, CLASSES = 64, 20
GATES = 13  # one a block, while training


def femtodet(size: int = 416) -> Graph:
    """One image, batch norms folded as at inference."""
    net = Net(Asked(input=(size, size), dtype="fp32"))
    x, taps = net.unit(net.image, 8, 3, 2), list[Map]()
    for stage, ((expansion, channels, count, first), groups) in enumerate(zip(BLOCKS, PROJECTIONS, strict=True)):
        for i in range(count):
            x = _block(net, x, expansion, channels, 1 if i else first, groups)
        if stage in TAPS:
            taps.append(x)
    middle = size // 16
    lateral = [net.unit(t, NECK, 1) for t in taps]
    sized = [m if m.h == middle else net.gather(m, f"resize{i}", middle, middle) for i, m in enumerate(lateral)]
    y = net.each(net.each(sized[1], "add", sized[0]), "add", sized[2])
    y = net.unit(net.unit(y, NECK, 3, groups=NECK), NECK, 1)
    for outputs in (CLASSES, 4, 1):
        net.conv(y, outputs, 1, bias=True)
    return net.graph.graph(trace="femtodet", batch=1)


def _block(net: Net, x: Map, expansion: int, channels: int, stride: int, groups: int) -> Map:
    if groups == 1:
        return inverted_residual(net, x, expansion * x.c, channels, stride, 3, "relu")
    y = net.unit(x, expansion * x.c, 1)
    y = net.unit(net.unit(y, y.c, 3, stride, groups=y.c), channels, 1, groups=groups, act="")
    return net.each(y, "add", x) if stride == 1 and x.c == channels else y


def second_norms(graph: Graph) -> int:
    """Parameters of the second batch norm that every depthwise layer of the backbone carries while training (folded at inference)."""
    depthwise = [op for op in graph.ops if op.kind == "conv2d" and op["groups"] == op["c"] and op["r"] == 3]
    return sum(2 * op["c"] for op in depthwise[:-1])  # the last is the neck's


def claims() -> list[Claim]:
    """Counts of the graph."""
    graph = femtodet()
    trained = weights(graph) + second_norms(graph) + GATES
    return [
        value(PAPER, "parameters", 68770, trained, "", tolerance=0.001,
              carries="a second batch norm and a gate a block, while training", source=SOURCE),
        value(PAPER, "multiply-accumulates of a frame of 416 px", 71.7, graph.macs / 1e6, "M", tolerance=0.03, carries="the layer table",
              source=f"derived from the layer table; {SOURCE}"),
    ]  # fmt: skip
