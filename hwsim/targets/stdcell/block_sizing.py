"""Timing-driven choice of drive strengths: cells on paths that miss the target period take a stronger variant where that pays.

A variant of a cell has the same pins and functions and another drive. Going from drive resistance R to R' changes a path through the cell by
``(R' - R) C_load + (delay without load)' - (delay without load)`` and loads its slowest driver with the difference of input capacitance:
``R_driver (C_in' - C_in)``. Both are linear views of the library's surfaces, used to choose; the timer judges the result.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hwsim.targets.stdcell.block_slack import FREE, slacks
from hwsim.targets.stdcell.levels import TimingGraph, timing_graph
from hwsim.targets.stdcell.sta import WireLoad, time_block
from hwsim.tech.cell_library import Cell, Library
from hwsim.tech.fan_out import ASYNCHRONOUS, fo4_load_f, fo4_slew_s
from hwsim.tech.netlist import Netlist

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
ROUNDS = 16
SHARE = 0.5  # of the wanted changes made in one round, those of most gain first: neighbours change the gain of one another
AIM = 0.9  # of the period reached: paths that are faster than that are left as they are, whatever the target
PATIENCE = 3  # rounds without progress before the search ends
NONE = -1


@dataclass(frozen=True, eq=False)
class Variants:
    """Per cell of a library: drive resistance, delay without load, input capacitance (mean of data inputs), and the next stronger variant."""

    drive_ohm: Floats
    own_s: Floats
    input_f: Floats
    stronger: Ints


def variants(library: Library, usable: frozenset[str]) -> Variants:
    """The variants among the `usable` cells of a library."""
    figures = [linear_view(library, cell) for cell in library.cells]
    drive, own, pin = (np.array([f[k] for f in figures]) for k in range(3))
    groups: dict[object, list[int]] = {}
    for i, cell in enumerate(library.cells):
        if cell.name in usable and np.isfinite(drive[i]):
            groups.setdefault(_kind(cell), []).append(i)
    stronger = np.full(len(library.cells), NONE, np.int32)
    for group in groups.values():
        order = sorted(group, key=lambda i: -drive[i])
        for low, high in pairwise(order):
            stronger[low] = high
    return Variants(drive, own, pin, stronger)


def _kind(cell: Cell) -> object:
    state = cell.state and (cell.state.clock, cell.state.data, cell.state.clear, cell.state.preset)
    return cell.kind, cell.rows, state, tuple(sorted((p.name, p.direction, p.function, p.is_clock) for p in cell.pins))


def linear_view(library: Library, cell: Cell) -> tuple[float, float, float]:
    """(drive resistance, delay without load, mean input capacitance) about the fan-out-of-4 point."""
    slew, load = fo4_slew_s(library), fo4_load_f(library)
    surfaces = [s for arc in cell.arcs if arc.type not in ASYNCHRONOUS for s in (arc.delay_rise, arc.delay_fall) if s is not None]
    data = [p.capacitance_f for p in cell.inputs if not p.is_clock]
    pin = float(np.mean(data)) if data else 0.0
    if not surfaces:
        return float("inf"), 0.0, pin
    low, high = (float(np.mean([s.at(slew, f) for s in surfaces])) for f in (0.5 * load, 2.0 * load))
    ohm = (high - low) / (1.5 * load)
    return ohm, low - 0.5 * load * ohm, pin


def size_cells(netlist: Netlist, library: Library, usable: Iterable[str], period_s: float, wires: Callable[[TimingGraph], WireLoad]) -> Netlist:
    """The netlist with stronger variants where paths miss `period_s`; `wires` gives the wires for a sizing. The best netlist found is returned."""
    v = variants(library, frozenset(usable))
    kinds = np.array([library.index[name] for name in netlist.types], dtype=np.int64)[netlist.cell_type]
    best, best_period, stale = netlist, float("inf"), 0
    for _ in range(ROUNDS):
        graph = timing_graph(netlist, library)
        load = wires(graph)
        timing = time_block(graph, load)
        if timing.min_period_s < best_period * 0.999:
            best, best_period, stale = netlist, timing.min_period_s, 0
        else:
            stale += 1
        if timing.min_period_s <= period_s or stale >= PATIENCE:
            break
        aim = max(period_s, AIM * timing.min_period_s)
        chosen = _worth(graph, v, load, slacks(timing, load, aim))
        if not len(chosen):
            break
        kinds = kinds.copy()
        kinds[chosen] = v.stronger[kinds[chosen]]
        netlist = netlist.with_cell_types([library.cells[k].name for k in kinds])
    return best


def _worth(graph: TimingGraph, v: Variants, load: WireLoad, slack: Floats) -> NDArray[np.int64]:
    """Cells that a stronger variant makes faster on paths of negative slack, the better `SHARE` of them."""
    n = graph.netlist
    kind, driver = graph.cell, n.net_start[:-1]
    source = n.pin_cell[driver]
    out = np.flatnonzero(source >= 0)
    cell = source[out]
    up = v.stronger[kind[cell]]
    late = (slack[driver[out]] < 0) & (up >= 0)
    out, cell, up = out[late], cell[late], up[late]
    own = kind[cell]
    gain = (v.drive_ohm[own] - v.drive_ohm[up]) * load.load_f[out] + v.own_s[own] - v.own_s[up]
    # the driver of the cell's most critical input
    pins = n.cell_pins[1]
    feeding = np.zeros(n.cells)
    sinks = pins[~n.pin_drives[pins] & ~n.pin_clock[pins]]
    owner = n.pin_cell[sinks]
    feeder = n.pin_cell[n.net_start[n.pin_net[sinks]]]
    ohm = np.where(feeder >= 0, v.drive_ohm[kind[np.maximum(feeder, 0)]], 0.0)
    order = np.argsort(-slack[sinks], kind="stable")  # the most critical one is written last
    feeding[owner[order]] = ohm[order]
    gain -= feeding[cell] * (v.input_f[up] - v.input_f[own])
    worth = np.flatnonzero(gain > 0)
    order = np.argsort(-gain[worth], kind="stable")[: max(1, int(np.ceil(SHARE * len(worth))))]
    return np.unique(cell[worth[order]]).astype(np.int64)


def never_late(slack: Floats) -> bool:
    """True when no pin misses its required time."""
    return bool((slack[slack < FREE] >= 0).all())
