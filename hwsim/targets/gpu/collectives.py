"""All-reduce over the GPUs of one node (NVLink through a switch, or PCIe) and over nodes."""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import jit
from hwsim.targets.gpu import spec


@jit
def ring_seconds(moved: float, devices: float, nodes: float, p: Any) -> float:
    """Seconds of an all-reduce by rings: ``T = T0 + 2 (n - 1) / n bytes / (e link) + C sqrt(B / (B + B0))``.

    ``T0 = 2 (n_local - 1) hop + 2 ceil(log2 nodes) node_hop``: a chunk passes every other GPU of its node twice, and the tree over nodes twice.
    The last term is that of a pipeline with the best chunk size, ``2 sqrt(B alpha / bandwidth)``, which saturates when chunks reach their
    largest size. The link is the slower of a GPU's own (fraction e achieved) and its node's network. Source: NCCL all-reduce tables of 4 and 8
    A100 (LLMCompass; stas00/ml-engineering).
    """
    local = devices / nodes
    start = 2 * (local - 1) * p.link_hop_s
    rate = p.pcie_allreduce_bytes_per_s if p.pcie > 0 else p.link_fraction * p.link_bytes_per_s
    if nodes > 1:
        start += 2 * math.ceil(math.log2(nodes)) * p.node_hop_s
        rate = min(rate, p.link_fraction * p.node_bytes_per_s)
    return float(start + 2 * (devices - 1) / devices * moved / rate + pipeline_seconds(moved, p))


@jit
def pipeline_seconds(moved: float, p: Any) -> float:
    """Seconds to fill a pipeline of chunks: ``C sqrt(B / (B + B0))``."""
    return float(p.link_pipeline_s * math.sqrt(moved / (moved + p.link_pipeline_bytes)))


@jit
def in_switch_seconds(moved: float, devices: float, p: Any) -> float:
    """Seconds of an all-reduce that the NVLink switch sums: each GPU sends and receives its bytes once, ``T = T0 + B / (e link) + pipeline``.

    Messages shorter than `switch_bytes` go by rings. One node only. Source: NCCL tests on 8 H200 (stas00/ml-engineering).
    """
    if moved < p.switch_bytes:
        return ring_seconds(moved, devices, 1.0, p)
    start = 2 * (devices - 1) * p.link_hop_s
    return float(start + moved / (p.switch_fraction * p.link_bytes_per_s) + pipeline_seconds(moved, p))


@jit
def one_shot_seconds(moved: float, devices: float, p: Any) -> float:
    """Seconds of an all-reduce in which every GPU reads all others' data itself: ``T = T1 + (n - 1) bytes / (e link)``; one node only.

    Serving engines use it for small messages (a kernel between two barriers over the links).
    """
    rate = p.pcie_allreduce_bytes_per_s if p.pcie > 0 else p.link_fraction * p.link_bytes_per_s
    return float(p.one_shot_s + (devices - 1) * moved / rate)


@jit
def allreduce_seconds(moved: float, p: Any) -> float:
    """Seconds of an all-reduce of `moved` bytes per GPU by the mapping's algorithm; the faster one where it is left open."""
    if p.devices <= 1:
        return 0.0
    if p.algorithm == spec.IN_SWITCH:
        return in_switch_seconds(moved, p.devices, p)
    ring = ring_seconds(moved, p.devices, p.nodes, p)
    if p.algorithm == spec.RING or p.nodes > 1:
        return ring
    shot = one_shot_seconds(moved, p.devices, p)
    return shot if p.algorithm == spec.ONE_SHOT else min(ring, shot)
