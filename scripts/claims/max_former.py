"""Max-Former: parameters of its layer table, and its joules against Spikformer-8-768 at the mean rate that its neighbour Spikingformer has."""

from __future__ import annotations

import hwsim
from hwsim.claims import Claim, count, within
from hwsim.core.graph import Graph
from hwsim.readers.networks import Asked, Map, Net

PAPER = "Max-Former"
SOURCE = "MaxFormer@6ddd4cc: 63.99 M parameters; 30 % of, or 30 % below, Spikformer's energy (the wording allows both)"
BLOCKS, MIXERS = (1, 2, 7), (7, 5, 0)  # blocks a stage; width of its depthwise mixer, 0: attention


def max_former(width: int = 768) -> Graph:
    """One timestep at 224 px: two stages that mix by depthwise convolutions, one of attention; embeddings with a shortcut between."""
    net = Net(Asked(dtype="fp32"))
    x = net.conv(net.image, width // 8, 3, 2)
    x = net.each(net.conv(net.conv(x, width // 4, 3, 2), width // 4, 3), "add", net.conv(x, width // 4, 1, 2))
    for stage, (blocks, mixer) in enumerate(zip(BLOCKS, MIXERS, strict=True)):
        if stage:
            y = net.conv(net.pool(net.conv(x, 2 * x.c, 3), 2, 2), 2 * x.c, 3)  # convolution and pool, then a convolution of the small map
            x = net.each(y, "add", net.conv(x, 2 * x.c, 1, 2))
        for _ in range(blocks):
            x = _mlp(net, net.each(net.conv(x, x.c, mixer, groups=x.c) if mixer else _attention(net, x), "add", x))
    net.classify(x)
    return net.graph.graph(trace="max-former", batch=1)


def _mlp(net: Net, x: Map) -> Map:
    return net.each(net.linear(net.linear(x, 4 * x.c, bias=False), x.c, bias=False), "add", x)


def _attention(net: Net, x: Map) -> Map:
    q, k, v = (net.linear(x, x.c, bias=False) for _ in range(3))
    mixed = net.each(net.each(q, "mul", k), "mul", v)  # spikes: K^T V costs accumulates that the convention counts apart
    return net.linear(mixed, x.c, bias=False)


STEPS = 4
SPIKFORMER_J, SPIKINGFORMER_OPS = 32.07e-3, 12.54e9  # Spikformer-8-768 and Spikingformer-8-768, T = 4, one accounting
PAGE = "Spikingformer's page: Spikformer-8-768 32.07 mJ, Spikingformer-8-768 12.54 G operations, both at T = 4 in one accounting"


def energy(rate: float, steps: int = STEPS) -> float:
    """Joules by the convention: the first convolution in multiply-accumulates, the others in accumulates at a mean rate."""
    chip = hwsim.load_chip("snn-45nm")
    add = chip.number("add_fp32_j")
    mac = add + chip.number("mul_fp32_j")
    graph = max_former()
    stem = next(op.macs for op in graph.ops if op.kind == "conv2d")
    return steps * (mac * stem + add * rate * (graph.macs - stem))


def neighbour_rate() -> float:
    """Mean rate of Spikingformer-8-768: published operations over those of its dense form."""
    peer = hwsim.load_graph("spikingformer", embed_dims=768, depth=8)
    dense = hwsim.simulate(peer, hwsim.load_chip("snn-45nm"), {"execution": "dense"}, interval=False)
    return SPIKINGFORMER_OPS / (STEPS * dense.metric("dense_macs"))


def claims() -> list[Claim]:
    """Parameters, joules."""
    graph, rate = max_former(), neighbour_rate()
    params = sum(t.elements for t in graph.tensors.values() if t.role == "weight") / 1e6
    slope = energy(1.0) - energy(0.0)
    low, high = ((share * SPIKFORMER_J - energy(0.0)) / slope for share in (0.3, 0.7))
    return [
        count(PAPER, "parameters, C = 768", 63.99, params, "M", tolerance=0.02, carries="the layer table; normalisations left out", source=SOURCE),
        within(PAPER, "joules over Spikformer-8-768's, T = 4", (0.3, 0.7), energy(rate) / SPIKFORMER_J, "x", tolerance=0.1, conditional=True,
               carries=f"a mean rate of {rate:.2f}, Spikingformer's; its own is not at hand, and {low:.2f} to {high:.2f} would give the range; "
               "no products of attention", source=f"{SOURCE}; {PAGE}"),
    ]  # fmt: skip
