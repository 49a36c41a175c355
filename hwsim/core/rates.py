"""The rates that follow from cycles, seconds, joules and square millimetres; the same formulas for one run and for arrays of design points."""

from __future__ import annotations

import math
from collections.abc import Mapping
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
        found: NDArray[np.float64] = np.divide(above, below, out=np.full(below.shape, math.nan), where=below != 0)
        return found
    return above / below if below else math.nan


def tokens_of(meta: Mapping[str, Any]) -> float:
    """Tokens that a run of a graph with this meta yields: the prompt's in prefill, one a sequence in decode, those generated in generate; else 0."""
    counted = {"prefill": meta.get("prompt", 0), "decode": 1, "generate": meta.get("generate", 0)}
    return float(meta.get("batch", 1)) * float(counted.get(str(meta.get("phase", "")), 0))


def rates(meta: Mapping[str, Any], macs: float, cycles: V, latency_s: V, energy_j: V, area_mm2: V) -> dict[str, V]:
    """Return the rates by name (`RATES`), scalars or arrays (n,); NaN where they have no value, token rates only where tokens are made."""
    tokens, ops = tokens_of(meta), 2 * macs
    tops = over(ops, latency_s) / 1e12
    found = {
        "inferences_per_s": over(float(meta.get("batch", 1)), latency_s), "macs_per_cycle": over(macs, cycles), "tops": tops,
        "tops_per_mm2": over(tops, area_mm2), "tops_per_w": over(ops, energy_j) / 1e12,
    }  # fmt: skip
    if tokens:
        found["tokens_per_s"] = over(tokens, latency_s)
        found["tokens_per_j"] = over(tokens, energy_j)
    if macs:
        found["energy_per_mac_j"] = energy_j / macs * over(energy_j, energy_j)  # none where no energy is modelled
    return found
