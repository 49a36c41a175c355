"""Repeaters for timing against exhaustive choices, and what sizing may do."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.targets.stdcell.block_repeaters import repeat_for_timing
from hwsim.targets.stdcell.buffers import Repeater
from hwsim.targets.stdcell.parasitics import SideWires
from hwsim.targets.stdcell.trees import Trees

WEAK, STRONG = Repeater(0.3e-15, 4000.0, 5e-12), Repeater(1.2e-15, 1000.0, 4e-12)
KINDS = (WEAK, STRONG)


def side(parent: list[int], pin: list[int], ohm: list[float], farad: list[float]) -> SideWires:
    n = len(parent)
    trees = Trees(np.array([0, n], np.int32), np.zeros(n), np.zeros(n), np.array(parent, np.int32), np.array(pin, np.int32))
    one = np.zeros(1)
    return SideWires(trees, np.array(ohm), np.array(farad), one, one, one, one)


def solve(wires: SideWires, pin_f: np.ndarray, need: np.ndarray, drive: float) -> tuple[float, np.ndarray, int]:
    """(worst required less arrival at the driver's input, delays, repeaters)."""
    pins = len(pin_f)
    found = (np.zeros((1, 2), np.int32), np.zeros(1), np.zeros(1), np.zeros(pins), np.zeros(pins, np.bool_), np.zeros(pins))
    repeat_for_timing(wires, np.array([0]), pin_f, need, np.array([drive]), KINDS, found)
    count, load, _, delay, _, _ = found
    sinks = need < 1.0
    return float((need - delay)[sinks].min() - drive * load[0]), delay, int(count.sum())


def exhaustive(wires: SideWires, pin_f: np.ndarray, need: np.ndarray, drive: float) -> float:
    """The best over every choice of nothing or one repeater at the head of every edge."""
    t = wires.trees
    n = len(t.parent)
    best = -np.inf
    for choice in itertools.product(range(len(KINDS) + 1), repeat=n - 1):
        c, q = np.zeros(n), np.full(n, np.inf)
        for v in range(n - 1, 0, -1):
            if t.pin[v] >= 0:
                c[v] += pin_f[t.pin[v]]
                q[v] = min(q[v], need[t.pin[v]])
            up, need_up = c[v] + wires.edge_f[v], q[v] - wires.edge_ohm[v] * (wires.edge_f[v] / 2 + c[v])
            if choice[v - 1]:
                r = KINDS[choice[v - 1] - 1]
                up, need_up = r.input_f, need_up - r.delay_s - r.drive_ohm * up
            c[t.parent[v]] += up
            q[t.parent[v]] = min(q[t.parent[v]], need_up)
        best = max(best, q[0] - drive * c[0])
    return float(best)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), sinks=st.integers(1, 5), drive=st.floats(500.0, 20000.0))
def test_no_choice_of_repeaters_is_better(data: st.DataObject, sinks: int, drive: float) -> None:
    parent = [-1] + [data.draw(st.integers(0, k)) for k in range(sinks)]

    def draw(low: float, high: float) -> list[float]:
        return [0.0] + [float(data.draw(st.floats(low, high))) for _ in range(sinks)]

    wires = side(parent, list(range(sinks + 1)), draw(0.0, 5000.0), draw(0.0, 5e-15))
    pin_f, need = np.array(draw(0.1e-15, 2e-15)), np.array(draw(-50e-12, 100e-12))
    need[0] = 1e9
    got, _, _ = solve(wires, pin_f, need, drive)
    assert got == pytest.approx(exhaustive(wires, pin_f, need, drive), abs=1e-17)


def test_a_sink_with_time_to_spare_goes_behind_a_repeater() -> None:
    """One critical sink beside twenty others: their load is taken off the driver."""
    parent, pin = [-1, 0, 0] + [2] * 20, [0, 1, -1, *range(2, 22)]
    wires = side(parent, pin, [0.0] * 23, [0.0] + [0.2e-15] * 22)
    pin_f, need = np.full(22, 0.5e-15), np.full(22, 1e-9)
    pin_f[0], need[0], need[1] = 0.0, 1e9, 0.0
    _, delay, count = solve(wires, pin_f, need, 8000.0)
    assert count >= 1
    assert delay[1] == 0.0
    assert (delay[2:] > 0).all()
