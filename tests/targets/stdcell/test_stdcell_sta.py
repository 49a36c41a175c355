"""Static timing: chains against sums of their cells, merging slews, unateness, clock edges, loops, wires; netlists of a timing analyser."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import InvalidTrace
from hwsim.targets.stdcell.block_slack import slacks
from hwsim.targets.stdcell.cells import load_library
from hwsim.targets.stdcell.levels import timing_graph
from hwsim.targets.stdcell.path import Stage, path_delay, setup_s
from hwsim.targets.stdcell.sta import FALL, RISE, WireLoad, no_wires, step_slew_factor, time_block
from hwsim.tech.cell_library import Library, Thresholds
from hwsim.tech.netlist import Instance, Netlist, make_netlist

LIBRARY = load_library(hwsim.load_chip("nangate45"))
FLOP, INVERTER = "DFF_X1", "INV_X1"


def chain(stages: int, library: Library = LIBRARY, inverter: str = INVERTER) -> Netlist:
    """A flip-flop, `stages` inverters, a flip-flop."""
    cells = [Instance("a", FLOP, {"D": "in", "CK": "clk", "Q": "n0"})]
    cells += [Instance(f"i{k}", inverter, {"A": f"n{k}", "ZN": f"n{k + 1}"}) for k in range(stages)]
    cells += [Instance("b", FLOP, {"D": f"n{stages}", "CK": "clk", "Q": "out"})]
    return make_netlist("chain", cells, [("clk", "input", "clk"), ("in", "input", "in"), ("out", "output", "out")], library.pin_roles)


def expected(stages: int, edge: int) -> tuple[float, float]:
    """(arrival, arrival + setup) of the chain when the first flip-flop launches `edge`."""
    data, pin = (LIBRARY.cell(c).pin(p).capacitance_f * 1e15 for c, p in ((FLOP, "D"), (INVERTER, "A")))
    loads = [pin if k < stages else data for k in range(stages + 1)]
    walk = [Stage(FLOP, "CK", "Q", edge, loads[0] * 1e-15)]
    walk += [Stage(INVERTER, "A", "ZN", (edge + k + 1) % 2, loads[k + 1] * 1e-15) for k in range(stages)]
    end = path_delay(LIBRARY, walk)
    return end.arrival_s, end.arrival_s + setup_s(LIBRARY, FLOP, "D", end.edge, end.slew_s)


@pytest.mark.parametrize("stages", [0, 1, 2, 7])
def test_a_chain_is_the_sum_of_its_cells(stages: int) -> None:
    timing = time_block(timing_graph(chain(stages), LIBRARY))
    both = [expected(stages, edge) for edge in (RISE, FALL)]
    assert timing.min_period_s == pytest.approx(max(need for _, need in both), rel=1e-12)
    assert timing.data_arrival_s == pytest.approx(max(arrival for arrival, _ in both), rel=1e-12)
    steps = timing.path()
    assert [s.cell for s in steps[::2]] == ["a", *(f"i{k}" for k in range(stages))]
    assert steps[-1].cell == "b" and steps[-1].pin == "D"
    assert [b.edge != a.edge for a, b in zip(steps[1::2], steps[2::2], strict=False)] == [True] * stages


def test_a_wire_adds_its_delay_and_widens_the_slew() -> None:
    graph = timing_graph(chain(1), LIBRARY)
    bare, sink = no_wires(graph), next(p for p in range(graph.netlist.pins) if graph.netlist.node(p) == "b" and graph.netlist.label(p) == "D")
    delay, slew = bare.delay_s.copy(), bare.slew_s.copy()
    delay[sink], slew[sink] = 50e-12, 30e-12
    plain, wired = time_block(graph), time_block(graph, WireLoad(bare.load_f, delay, slew, bare.repeated))
    assert wired.data_arrival_s == pytest.approx(plain.data_arrival_s + 50e-12, rel=1e-12)
    for edge in (RISE, FALL):
        assert wired.arrivals.slew_s[edge, sink] == pytest.approx(np.hypot(plain.arrivals.slew_s[edge, sink], 30e-12), rel=1e-12)
    behind = bare.repeated.copy()
    behind[sink] = True
    repeated = time_block(graph, WireLoad(bare.load_f, delay, slew, behind))
    assert repeated.arrivals.slew_s[RISE, sink] == pytest.approx(30e-12, rel=1e-12)


def test_step_response_between_thresholds() -> None:
    assert step_slew_factor(Thresholds(0.1, 0.9)) == pytest.approx(np.log(9.0))
    assert step_slew_factor(Thresholds(0.3, 0.7)) == pytest.approx(np.log(7 / 3))


def test_slack_is_what_the_period_leaves() -> None:
    graph = timing_graph(chain(5), LIBRARY)
    timing = time_block(graph)
    at_limit = slacks(timing, no_wires(graph), timing.min_period_s)
    assert at_limit.min() == pytest.approx(0.0, abs=1e-18)
    later = slacks(timing, no_wires(graph), timing.min_period_s + 7e-12)
    on_path = at_limit < 1.0
    assert later[on_path] == pytest.approx(at_limit[on_path] + 7e-12, abs=1e-18)


def test_paths_from_inputs_carry_no_arrival() -> None:
    cells = [Instance("i", INVERTER, {"A": "in", "ZN": "n"}), Instance("b", FLOP, {"D": "n", "CK": "clk", "Q": "out"})]
    netlist = make_netlist("half", cells, [("clk", "input", "clk"), ("in", "input", "in"), ("out", "output", "out")], LIBRARY.pin_roles)
    with pytest.raises(InvalidTrace, match="no path from a flip-flop to a flip-flop"):
        time_block(timing_graph(netlist, LIBRARY))


def test_a_loop_is_refused() -> None:
    cells = [Instance(n, INVERTER, {"A": a, "ZN": z}) for n, a, z in (("i", "p", "q"), ("j", "q", "p"))]
    netlist = make_netlist("loop", cells, [("out", "output", "p")], LIBRARY.pin_roles)
    with pytest.raises(InvalidTrace, match="combinational loop: 2 cells"):
        timing_graph(netlist, LIBRARY)


def test_half_a_period_between_clock_edges() -> None:
    library = load_library(hwsim.load_chip("asap7"))
    cells = [
        Instance("a", "DFFHQNx1", {"D": "in", "CLK": "clk", "QN": "n"}),
        Instance("b", "DFFLQNx1", {"D": "n", "CLK": "clk", "QN": "out"}),
    ]
    ports = [("clk", "input", "clk"), ("in", "input", "in"), ("out", "output", "out")]
    timing = time_block(timing_graph(make_netlist("edges", cells, ports, library.pin_roles), library))
    data = library.cell("DFFLQNx1").pin("D").capacitance_f
    need = []
    for edge in (RISE, FALL):
        end = path_delay(library, [Stage("DFFHQNx1", "CLK", "QN", edge, data)])
        need.append(end.arrival_s + setup_s(library, "DFFLQNx1", "D", end.edge, end.slew_s))
    assert timing.min_period_s == pytest.approx(2.0 * max(need), rel=1e-12)


@settings(max_examples=25, deadline=None)
@given(stages=st.integers(1, 12), more_f=st.floats(0, 20e-15), more_s=st.floats(0, 100e-12))
def test_more_load_or_wire_is_never_faster(stages: int, more_f: float, more_s: float) -> None:
    graph = timing_graph(chain(stages), LIBRARY)
    bare = no_wires(graph)
    loaded = time_block(graph, WireLoad(bare.load_f + more_f, bare.delay_s + more_s, bare.slew_s, bare.repeated))
    assert loaded.min_period_s >= time_block(graph).min_period_s
    assert time_block(timing_graph(chain(stages + 2), LIBRARY)).min_period_s > time_block(graph).min_period_s


@pytest.mark.parametrize(
    ("chip", "netlist", "period_s"),
    [  # OpenSTA 2.0.17, full tables, ideal clock, no wires; its netlists came from the full tables, ours from characterised cells: some cells differ
        ("asap7", "stdcell_mac_grid_asap7_buffered.json.gz", 9.8029e-10),
        ("gt2n", "stdcell_rv32i_single_gt2n_w31_lvt.json.gz", 6.63509e-10),
        ("nangate45", "stdcell_rv32i_single_nangate45_buffered.json.gz", 1.98404e-09),
    ],
)
def test_netlists_against_a_timing_analyser(chip: str, netlist: str, period_s: float) -> None:
    found = hwsim.primitive("sta", hwsim.load_chip(chip), {"netlist": netlist, "wires": "none", "report": "min_period"}, {})
    assert found["latency_s"] == pytest.approx(period_s, rel=0.04)
    assert found["frequency_hz"] == pytest.approx(1 / found["latency_s"])


@pytest.mark.parametrize("rtl", [5, [], {"a": 1}])
def test_rtl_that_is_no_name_is_refused(rtl: object) -> None:
    with pytest.raises(InvalidTrace, match="rtl is a file"):
        hwsim.primitive("sta", hwsim.load_chip("asap7"), {"rtl": rtl, "top": "x"})
