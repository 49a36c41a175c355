"""Training with less: Mono- and Forward-Forward against backpropagation, SLTT against its form through time, ECoFLaP's forward-only scores.

A product y = x W costs one unit forward, one for dW and one for dX (none in the first layer). Times are those of the products themselves on a GPU.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import hwsim
from hwsim.claims import Claim, bound, value
from hwsim.core.graph import Graph, GraphBuilder

CHIP = "rtx-3090"
BATCHES = (128, 4096)
MLP = (784, 2000, 2000, 2000, 2000)  # widths; the paper's are not at hand
CLASSES = 10
CALLS = {"system": "pytorch"}


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
def step(kind: str, batch: int) -> tuple[float, float, int]:
    """(seconds, joules, MACs) of a training step of an MLP."""
    last = [(batch, MLP[-1], CLASSES)] * 3
    sizes = {
        "bp": passes(MLP, batch, forward=1, weights=1, inputs=True) + last,
        "mf": passes(MLP, batch, forward=1, weights=1, inputs=False, heads=True),
        "ff": passes(MLP, batch, forward=2, weights=2, inputs=False),
    }[kind]
    graph = products(sizes)
    report = hwsim.simulate(graph, hwsim.load_chip(CHIP), {"dispatch": "queued"}, interval=False)
    return report.latency_s, report.energy_j, graph.macs


def activations(graph: Graph) -> float:
    """Bytes of every convolution's and activation's result: what backpropagation keeps."""
    return sum(t.bytes for t in graph.tensors.values() if t.role == "activation")


def _forward_only(batch: int) -> list[Claim]:
    source = "Beyond Backpropagation, abstract: up to -41 % energy, -34 % time; widths and GPU are not stated"
    name = "Beyond Backprop"
    bp, mf, ff = (step(kind, batch) for kind in ("bp", "mf", "ff"))
    shared: dict[str, Any] = {"source": source, "carries": f"an MLP of {len(MLP) - 1} layers of {MLP[1]} units, on {CHIP}; equal steps"}
    return [
        value(name, f"Mono-Forward over backpropagation, batch {batch}: time of a step (-34 %)", 0.66, mf[0] / bp[0], "x", tolerance=0.1, **shared),
        value(name, f"the same, batch {batch}: joules (-41 %)", 0.59, mf[1] / bp[1], "x", tolerance=0.1, **shared),
        value(name, f"the same, batch {batch}: multiply-accumulates", 0.66, mf[2] / bp[2], "x", tolerance=0.1, **shared),
        bound(name, f"Forward-Forward over backpropagation, batch {batch}: time of a step", 1.0, ff[0] / bp[0], "x", side="at least", **shared),
    ]  # fmt: skip


def _sltt() -> list[Claim]:
    steps, kept, batch = 6, 1, 256
    source, found = "SLTT, abstract: memory below 30 %, time below 50 % of BPTT; NF-ResNet, T = 6, batch 256, mixed precision", []
    for name in ("resnet50", "resnet101"):
        forward = hwsim.load_graph(name, batch=batch, dtype="fp16")
        unit = hwsim.simulate(forward, hwsim.load_chip("v100-pcie"), CALLS, interval=False).latency_s
        whole, less = steps * 3 * unit, (steps + 2 * kept) * unit
        found.append(bound("SLTT", f"{name}: time over BPTT, T = 6, one step back", 0.5, less / whole, "x", side="at most", source=source,
                           carries="a backward pass of two forward passes; the spiking network taken as this one, T times"))  # fmt: skip
        state = 3 * forward.weight_bytes * 2  # fp32 weights, gradients, momentum: three times twice the 16-bit bytes
        kept_bytes = activations(forward)
        ratio = (state + kept_bytes) / (state + steps * kept_bytes)
        found.append(bound("SLTT", f"{name}: bytes over BPTT", 0.3, ratio, "x", side="at most",
                           source=source, carries="results of all operators kept for one step; weights, gradients, momentum in fp32"))  # fmt: skip
    return found


def _ecoflap() -> list[Claim]:
    graph = hwsim.load_graph("llama2-7b", phase="prefill", prompt=2048, dtype="fp16")
    largest = max(sum(graph.tensors[t].bytes for t in op.outputs) for op in graph.ops)
    forward = graph.weight_bytes + 2 * largest
    backward = 2 * graph.weight_bytes + activations(graph)
    return [bound("ECoFLaP", "bytes of gradients' scores over forward-only scores", 2.0, backward / forward, "x", side="at least",
                  carries="a 7B decoder over 2048 tokens in 16 bits in place of BLIP-2; no recomputation of activations",
                  source="weights + one layer against weights, gradients, activations (derived)")]  # fmt: skip


def claims() -> list[Claim]:
    """All training claims."""
    return [*(c for batch in BATCHES for c in _forward_only(batch)), *_sltt(), *_ecoflap()]
