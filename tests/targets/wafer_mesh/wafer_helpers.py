"""Short ways to ask the wafer for one thing; chips and graphs are kept."""

from __future__ import annotations

from functools import cache
from typing import Any

import hwsim
from hwsim.core.chip import Chip
from hwsim.core.graph import single_op
from hwsim.core.report import Report

CHIPS = ("wse2", "wse3")


@cache
def chip(name: str = "wse2") -> Chip:
    """A shipped chip."""
    return hwsim.load_chip(name)


def run_op(kind: str, bounds: dict[str, Any], on: Chip | str = "wse2", **mapping: Any) -> Report:
    """Simulate one operator in isolation, without intervals."""
    return hwsim.simulate(single_op(kind, **bounds), chip(on) if isinstance(on, str) else on, mapping, interval=False)


def product(m: int, k: int, n: int, on: Chip | str = "wse2", **mapping: Any) -> Report:
    """Simulate one fp16 matrix product."""
    return run_op("matmul", {"m": m, "k": k, "n": n}, on, **mapping)


def collective(kind: str, elements: int, on: Chip | str = "wse2", dtype: str = "fp32", **mapping: Any) -> float:
    """Cycles of one collective (fp32: one element per wavelet)."""
    return run_op(kind, {"elements": elements, "dtype": dtype}, on, **mapping).cycles


def decode(on: Chip | str = "wse2", trace: str = "llama3-8b", context: int = 4096, batch: int = 1, **mapping: Any) -> Report:
    """Simulate one decode step of a language model."""
    graph = hwsim.load_graph(trace, phase="decode", context=context, batch=batch)
    return hwsim.simulate(graph, chip(on) if isinstance(on, str) else on, mapping, interval=False)


def prefill(on: Chip | str = "wse2", trace: str = "llama3-8b", prompt: int = 4096, **mapping: Any) -> Report:
    """Simulate the prefill of a language model."""
    graph = hwsim.load_graph(trace, phase="prefill", prompt=prompt)
    return hwsim.simulate(graph, chip(on) if isinstance(on, str) else on, mapping, interval=False)


def slots(report: Report) -> dict[str, float]:
    """Cycles by mechanism."""
    return report.cost.by_component("cycles")
