"""Max-Former: parameters of its layer table, and its operations against Spikingformer-8-768 (Spikformer's topology) at one rate."""

from __future__ import annotations

import hwsim
from hwsim.claims import Claim, value, within
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
    for stage, (count, mixer) in enumerate(zip(BLOCKS, MIXERS, strict=True)):
        if stage:
            y = net.pool(net.conv(net.conv(x, 2 * x.c, 3), 2 * x.c, 3), 2, 2)
            x = net.each(y, "add", net.conv(x, 2 * x.c, 1, 2))
        for _ in range(count):
            x = _mlp(net, net.each(net.conv(x, x.c, mixer, groups=x.c) if mixer else _attention(net, x), "add", x))
    net.classify(x)
    return net.graph.graph(trace="max-former", batch=1)


def _mlp(net: Net, x: Map) -> Map:
    return net.each(net.linear(net.linear(x, 4 * x.c, bias=False), x.c, bias=False), "add", x)


def _attention(net: Net, x: Map) -> Map:
    q, k, v = (net.linear(x, x.c, bias=False) for _ in range(3))
    mixed = net.each(net.each(q, "mul", k), "mul", v)  # spikes: K^T V costs accumulates that the convention counts apart
    return net.linear(mixed, x.c, bias=False)


def claims() -> list[Claim]:
    """Parameters, operations."""
    graph = max_former()
    params = sum(t.elements for t in graph.tensors.values() if t.role == "weight") / 1e6
    peer = hwsim.load_graph("spikingformer", embed_dims=768, depth=8)
    dense = hwsim.simulate(peer, hwsim.load_chip("snn-45nm"), {"execution": "dense"}, interval=False).metric("dense_macs")
    return [
        value(PAPER, "parameters, C = 768", 63.99, params, "M", tolerance=0.02, carries="the layer table; normalisations left out", source=SOURCE),
        within(PAPER, "operations of a timestep over Spikingformer-8-768's", (0.3, 0.7), graph.macs / dense, "x", tolerance=0.1,
               carries="one firing rate and as many timesteps for both: a saving must come from these; no products of attention", source=SOURCE),
    ]  # fmt: skip
