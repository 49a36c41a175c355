"""The rates that follow from cycles, seconds, joules and square millimetres; the same formulas for one run and for arrays of design points."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

V = TypeVar("V", float, NDArray[np.float64])
RATES = (
    "inferences_per_s", "macs_per_cycle", "tops", "tokens_per_s", "tops_per_mm2", "tops_per_w", "tokens_per_j", "energy_per_mac_j",
)  # fmt: skip
TOTALS = ("cycles", "latency_s", "energy_j", "power_w", "area_mm2", "macs", "frequency_hz", "bytes")


def over(above: Any, below: V) -> V:
    """Return above / below; NaN where `below` is zero."""
    if isinstance(below, np.ndarray):
        if below.all():
            return np.asarray(above / below)
        found: NDArray[np.float64] = np.divide(above, below, out=np.full(below.shape, math.nan), where=below != 0)
        return found
    return above / below if below else math.nan


def tokens_of(meta: Mapping[str, Any]) -> float:
    """Tokens that a run of a graph with this meta yields: the prompt's in prefill, one a sequence in decode, those generated in generate; else 0."""
    counted = {"prefill": meta.get("prompt", 0), "decode": 1, "generate": meta.get("generate", 0)}
    return float(meta.get("batch", 1)) * float(counted.get(str(meta.get("phase", "")), 0))


def rates(
    meta: Mapping[str, Any], macs: float, cycles: V, latency_s: V, energy_j: V, area_mm2: V, wanted: Container[str] = RATES
) -> dict[str, V]:
    """Return the `wanted` rates by name, scalars or arrays (n,); NaN where they have no value, token rates only where tokens are made."""
    tokens, ops = tokens_of(meta), 2 * macs
    found: dict[str, Callable[[], V]] = {
        "inferences_per_s": lambda: over(float(meta.get("batch", 1)), latency_s),
        "macs_per_cycle": lambda: over(macs, cycles),
        "tops": lambda: over(ops, latency_s) / 1e12,
        "tops_per_mm2": lambda: over(over(ops, latency_s) / 1e12, area_mm2),
        "tops_per_w": lambda: over(ops, energy_j) / 1e12,
    }
    if tokens:
        found["tokens_per_s"] = lambda: over(tokens, latency_s)
        found["tokens_per_j"] = lambda: over(tokens, energy_j)
    if macs:
        found["energy_per_mac_j"] = lambda: energy_j / macs * over(energy_j, energy_j)  # none where no energy is modelled
    return {name: figure() for name, figure in found.items() if name in wanted}
