"""Power of a block against sums by hand; activities; drop of rails."""

from __future__ import annotations

import numpy as np
import pytest

import hwsim
from hwsim.targets.stdcell.activity import propagated, simulated
from hwsim.targets.stdcell.cells import load_library
from hwsim.targets.stdcell.floorplan import Rows, floorplan
from hwsim.targets.stdcell.irdrop import static_drop
from hwsim.targets.stdcell.levels import TimingGraph, timing_graph
from hwsim.targets.stdcell.power import Extra, block_power
from hwsim.tech.netlist import Instance, make_netlist

LIBRARY = load_library(hwsim.load_chip("nangate45"))
GATES = {"AND2_X1": ("A1", "A2"), "XOR2_X1": ("A", "B"), "OR2_X1": ("A1", "A2")}


def pair(gate: str = "AND2_X1") -> TimingGraph:
    """Two flip-flops fed by ports, a gate of both, a flip-flop."""
    a, b = GATES[gate]
    out = "Z" if gate.startswith("XOR") else "ZN"
    cells = [
        Instance("p", "DFF_X1", {"D": "in0", "CK": "clk", "Q": "x"}),
        Instance("q", "DFF_X1", {"D": "in1", "CK": "clk", "Q": "y"}),
        Instance("g", gate, {a: "x", b: "y", out: "z"}),
        Instance("r", "DFF_X1", {"D": "z", "CK": "clk", "Q": "out"}),
    ]
    ports = [(n, "input", n) for n in ("clk", "in0", "in1")] + [("out", "output", "out")]
    return timing_graph(make_netlist("pair", cells, ports, LIBRARY.pin_roles), LIBRARY)


def net_of(graph: TimingGraph, cell: str) -> int:
    n = graph.netlist
    return next(net for net in range(n.nets) if n.node(int(n.net_start[net])) == cell)


def test_power_is_the_sum_over_nets_cells_and_clock() -> None:
    graph, v = pair(), LIBRARY.vdd_v
    found = block_power(graph, np.full(graph.netlist.nets, 0.1))
    pins = [LIBRARY.cell(c).pin(p).capacitance_f for c, p in (("DFF_X1", "D"),) * 3 + (("AND2_X1", "A1"), ("AND2_X1", "A2"))]
    assert found.nets_j == pytest.approx(0.1 * sum(pins) * v**2)
    flop, gate = LIBRARY.cell("DFF_X1"), LIBRARY.cell("AND2_X1")
    assert found.cells_j == pytest.approx(0.2 * (3 * flop.energy_output_j + gate.energy_output_j))
    assert found.clock_j == pytest.approx(3 * (flop.pin("CK").capacitance_f * v**2 + 2 * flop.energy_clock_j))
    assert found.leakage_w == pytest.approx(3 * flop.leakage_w + gate.leakage_w)
    assert found.power_w(2e9) == pytest.approx(2e9 * found.energy_j(2e9))


def test_wires_repeaters_and_clock_gates_count() -> None:
    graph = pair()
    nets = graph.netlist.nets
    plain = block_power(graph, np.full(nets, 0.1))
    wire = np.zeros(nets)
    wire[net_of(graph, "g")] = 5e-15
    count = np.zeros((nets, 2), np.int32)
    count[net_of(graph, "g"), 1] = 3
    extra = Extra(wire, count, np.array([1e-15, 2e-15]), np.array([1e-9, 2e-9]))
    found = block_power(graph, np.full(nets, 0.1), extra, clock_share=0.25)
    assert found.nets_j - plain.nets_j == pytest.approx(0.1 * 5e-15 * LIBRARY.vdd_v**2)
    assert found.cells_j - plain.cells_j == pytest.approx(0.2 * 3 * 2e-15)
    assert found.leakage_w - plain.leakage_w == pytest.approx(6e-9)
    assert found.clock_j == pytest.approx(plain.clock_j / 4)


@pytest.mark.parametrize(("gate", "probability", "share"), [("AND2_X1", 0.25, 0.5), ("OR2_X1", 0.75, 0.5), ("XOR2_X1", 0.5, 1.0)])
def test_transition_density_through_a_gate(gate: str, probability: float, share: float) -> None:
    """Najm: D(y) = sum P(dy/dx) D(x); the difference of AND and OR of even inputs is true half the time, of XOR always."""
    graph = pair(gate)
    found = propagated(graph, 0.2)
    z = net_of(graph, "g")
    assert found.probability[z] == pytest.approx(probability)
    assert found.density[z] == pytest.approx(share * 0.4)
    assert found.rises[z] == pytest.approx(share * 0.2)


def test_simulated_activity_of_random_inputs() -> None:
    graph = pair("XOR2_X1")
    found = simulated(graph, steps=200, seed=3)
    assert found.density[net_of(graph, "p")] == pytest.approx(0.5, abs=0.02)
    assert found.density[net_of(graph, "g")] == pytest.approx(0.5, abs=0.02)


def test_drop_between_taps() -> None:
    """r i L^2 / 8 of a stretch fed at both ends; taps twice as dense drop a quarter."""
    wide, dense = (floorplan(Rows(0.1, 0.05, 2, pitch), 100.0, 0.5) for pitch in (80, 40))
    drop = static_drop(wide, 1e-3, 0.7, 300.0)
    amps_per_um = 1e-3 / 0.7 / (wide.rows * wide.width_um)
    assert drop.rail_v >= 300.0 * amps_per_um * (80 * 0.05) ** 2 / 8 * 0.999
    assert static_drop(dense, 1e-3, 0.7, 300.0).rail_v < drop.rail_v
    assert static_drop(wide, 2e-3, 0.7, 300.0).share == pytest.approx(2 * drop.share)
    bare = floorplan(Rows(0.1, 0.05), 100.0, 0.5)
    assert static_drop(bare, 1e-3, 0.7, 300.0).rail_v == pytest.approx(300.0 * 1e-3 / 0.7 / bare.rows * bare.width_um / 8)
