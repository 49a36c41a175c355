"""Training with less: Mono- and Forward-Forward against backpropagation, SLTT against its form through time, ECoFLaP's forward-only scores.

A product y = x W costs one unit forward, one for dW and one for dX (none in the first layer). Times are those of the products themselves on a GPU.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import hwsim
from hwsim.claims import Claim, bound, count, value
from hwsim.core.graph import Graph, GraphBuilder

CHIP = "rtx-3090"
BATCHES, WIDTHS = (128, 1024, 4096), (1000, 2000, 4000)  # the paper's are not at hand
LAYERS, FEATURES = 4, 784
CLASSES = 10


def products(sizes: list[tuple[int, int, int]], dtype: str = "fp32") -> Graph:
    """A chain-free graph of products (m, k, n)."""
    builder = GraphBuilder(dtype)
    for i, (m, k, n) in enumerate(sizes):
        builder.op("matmul", f"p{i}", [builder.tensor(f"x{i}", (m, k), role="input")], m=m, k=k, n=n)
    return builder.graph(trace="products")


def passes(widths: tuple[int, ...], batch: int, *, forward: int, weights: int, inputs: bool, heads: bool = False) -> list[tuple[int, int, int]]:
    """Products of one step: `forward` forward passes, `weights` gradients of weights, gradients of `inputs` (not of the first layer)."""
    found: list[tuple[int, int, int]] = []
    for at, (k, n) in enumerate(pairwise(widths)):
        found += [(batch, k, n)] * forward + [(k, batch, n)] * weights
        if inputs and at:
            found.append((batch, n, k))
        if heads:  # a projection to the classes beside every layer: forward, its gradient, and back into the layer
            found += [(batch, n, CLASSES), (n, batch, CLASSES), (batch, CLASSES, n)]
    return found


@cache
def step(kind: str, batch: int, width: int) -> tuple[float, float, int]:
    """(seconds, joules, MACs) of a training step of an MLP of `LAYERS` hidden layers."""
    widths = (FEATURES, *[width] * LAYERS)
    last = [(batch, width, CLASSES)] * 3
    sizes = {
        "bp": passes(widths, batch, forward=1, weights=1, inputs=True) + last,
        "mf": passes(widths, batch, forward=1, weights=1, inputs=False, heads=True),
        "ff": passes(widths, batch, forward=2, weights=2, inputs=False),
    }[kind]
    graph = products(sizes)
    report = hwsim.simulate(graph, hwsim.load_chip(CHIP), {"dispatch": "queued"}, interval=False)
    return report.latency_s, report.energy_j, graph.macs


def activations(graph: Graph) -> float:
    """Bytes of every convolution's and activation's result: what backpropagation keeps."""
    return sum(t.bytes for t in graph.tensors.values() if t.role == "activation")


def _forward_only() -> list[Claim]:
    """The published savings are "up to": ours are the largest over batches and widths."""
    source = "Beyond Backpropagation, abstract: up to -41 % energy, -34 % time; widths and GPU are not stated"
    name, grid = "Beyond Backprop", [(b, w) for b in BATCHES for w in WIDTHS]
    ratios = {at: [step("mf", *at)[i] / step("bp", *at)[i] for i in range(3)] for at in grid}
    best = [min(grid, key=lambda at, i=i: ratios[at][i]) for i in range(3)]  # type: ignore[misc]
    worst = max(r[0] for r in ratios.values())
    said = f"batches {BATCHES[0]} to {BATCHES[-1]}, {LAYERS} layers of {WIDTHS[0]} to {WIDTHS[-1]} units on {CHIP}; products alone, equal steps"
    shared: dict[str, Any] = {"source": source, "tolerance": 0.1}
    least = min(step("ff", *at)[0] / step("bp", *at)[0] for at in grid)
    more = "a saving of joules beyond that of products needs fewer steps, or less mean power"
    return [
        value(name, "Mono-Forward over backpropagation: time of a step, the least (up to -34 %)", 0.66, ratios[best[0]][0], "x", conditional=True,
              carries=f"large layers: {said}; launches take the saving of small ones (most: {worst:.2f}x)", **shared),
        value(name, "Mono-Forward over backpropagation: joules, the least (up to -41 %)", 0.59, ratios[best[1]][1], "x",
              carries=f"{said}; {more}", **shared),
        count(name, "the same: multiply-accumulates, the least", 0.66, ratios[best[2]][2], "x", carries="two products of three, and heads", **shared),
        bound(name, "Forward-Forward over backpropagation: time of a step, the least", 1.0, least, "x", side="at least",
              source=f"{source}; less efficient than backpropagation", carries=said),
    ]  # fmt: skip


def _sltt() -> list[Claim]:
    """Passes of T steps forward and K back (a backward pass is two forward ones): (T + 2 K) / 3 T; bytes of networks whose activations are known."""
    steps, kept, batch = 6, 1, 256
    source = "SLTT, abstract: memory below 30 %, time below 50 % of BPTT; NF-ResNet, T = 6, batch 256, mixed precision"
    found = [bound("SLTT", "passes over BPTT's, T = 6, one step back", 0.5, (steps + 2 * kept) / (3 * steps), "x", side="at most", kind="count",
                   source=source, carries="a backward pass of two forward ones; time in proportion to passes")]  # fmt: skip
    for name in ("resnet50", "resnet101"):
        forward = hwsim.load_graph(name, batch=batch, dtype="fp16")
        state = 3 * forward.weight_bytes * 2  # fp32 weights, gradients, momentum: three times twice the 16-bit bytes
        kept_bytes = activations(forward)
        ratio = (state + kept_bytes) / (state + steps * kept_bytes)
        found.append(bound("SLTT", f"{name}: bytes over BPTT", 0.3, ratio, "x", side="at most", kind="count",
                           source=source, carries="results of all operators kept for one step; weights, gradients, momentum in fp32"))  # fmt: skip
    return found


def _ecoflap() -> list[Claim]:
    graph = hwsim.load_graph("llama2-7b", phase="prefill", prompt=2048, dtype="fp16")
    largest = max(sum(graph.tensors[t].bytes for t in op.outputs) for op in graph.ops)
    forward = graph.weight_bytes + 2 * largest
    backward = 2 * graph.weight_bytes + activations(graph)
    return [bound("ECoFLaP", "bytes of gradients' scores over forward-only scores", 2.0, backward / forward, "x", side="at least",
                  kind="count", basis="derived",
                  carries="a 7B decoder over 2048 tokens in 16 bits in place of BLIP-2; no recomputation of activations",
                  source="weights + one layer against weights, gradients, activations (derived)")]  # fmt: skip


def claims() -> list[Claim]:
    """All training claims."""
    return [*_forward_only(), *_sltt(), *_ecoflap()]
