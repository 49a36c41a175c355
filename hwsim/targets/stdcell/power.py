"""Power of a block at a clock: charge of nets, internal energy of cells, the clock, leakage.

    P = f V^2 sum_nets a (C_wire + C_pins) + f sum_cells 2 a E_output + g f (V^2 C_clock + sum_clocked 2 E_clock) + P_leak

a is the activity of a net: rises per clock cycle (two transitions each), one for the clock, of which a share g passes
its gates (1: no clock gating). Energies E are internal ones per transition.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.targets.stdcell.levels import TimingGraph

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Power:
    """Energies per cycle, J, of nets, of cells' insides, of the clock; leakage, W."""

    nets_j: float
    cells_j: float
    clock_j: float
    leakage_w: float

    @property
    def cycle_j(self) -> float:
        """Dynamic energy of one clock cycle."""
        return self.nets_j + self.cells_j + self.clock_j

    def power_w(self, clock_hz: float) -> float:
        """Power at a clock."""
        return self.cycle_j * clock_hz + self.leakage_w

    def energy_j(self, clock_hz: float) -> float:
        """Energy per cycle at a clock, leakage included."""
        return self.cycle_j + self.leakage_w / clock_hz


@dataclass(frozen=True)
class Extra:
    """What the layout adds to the netlist: `switched_f` [nets] of wires and repeaters' inputs; repeaters per net and kind, energy per
    transition and leakage of each kind; and the clock tree: capacitance of its wire, its buffers, and their input capacitance, energy and leakage.
    """

    switched_f: Floats
    repeaters: NDArray[np.int32]
    repeater_j: Floats
    repeater_leakage_w: Floats
    clock_wire_f: float = 0.0
    clock_buffers: int = 0
    clock_buffer_f: float = 0.0
    clock_buffer_j: float = 0.0
    clock_buffer_w: float = 0.0


def bare(graph: TimingGraph) -> Extra:
    """No layout: pins only."""
    return Extra(np.zeros(graph.netlist.nets), np.zeros((graph.netlist.nets, 1), np.int32), np.zeros(1), np.zeros(1))


def block_power(graph: TimingGraph, activity: Floats, extra: Extra | None = None, clock_share: float = 1.0) -> Power:
    """Power of a block whose nets rise `activity` [nets] times a cycle (those of clock nets are not read), `clock_share` of the clock running."""
    extra = bare(graph) if extra is None else extra
    n, library = graph.netlist, graph.library
    square = library.vdd_v**2
    is_clock = np.zeros(n.nets, np.bool_)
    is_clock[n.clock_nets] = True
    rises = np.where(is_clock, 0.0, activity)
    charge = graph.load_f() + extra.switched_f
    nets = square * float(rises @ charge)
    drivers = n.pin_cell[n.net_start[:-1]]
    inner = np.where(drivers >= 0, library.energies_j[graph.cell[np.maximum(drivers, 0)], 0], 0.0)
    cells = 2.0 * float(rises @ (inner + extra.repeaters @ extra.repeater_j))
    clock_f = float((graph.load_f()[n.clock_nets]).sum()) + extra.clock_wire_f + extra.clock_buffers * extra.clock_buffer_f
    clocked = n.pin_cell[n.pin_clock]
    clock_cells = float(library.energies_j[graph.cell[clocked[clocked >= 0]], 2].sum()) + extra.clock_buffers * extra.clock_buffer_j
    clock = clock_share * (square * clock_f + 2.0 * clock_cells)
    added = float(extra.repeaters.sum(axis=0) @ extra.repeater_leakage_w) + extra.clock_buffers * extra.clock_buffer_w
    leakage = float(library.leakage_w[graph.cell].sum()) + added
    return Power(nets, cells, clock, leakage)
