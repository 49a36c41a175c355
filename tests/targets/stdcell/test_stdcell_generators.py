"""Generated datapaths and the gate simulator: arithmetic of every adder and multiplier, matrix products of grids, toggles, refusals."""

from __future__ import annotations

from functools import cache

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import hwsim
from hwsim.core.errors import InvalidChip, InvalidTrace
from hwsim.readers.blocks import block_file
from hwsim.readers.netlist import netlist_of_verilog, read_block
from hwsim.targets.stdcell.cells import load_library
from hwsim.targets.stdcell.generators import ADDERS, MULTIPLIERS, adder_block, mac_array, multiplier_block
from hwsim.targets.stdcell.simulate import PATTERNS, Trace, bus, read_bus, simulate, to_words
from hwsim.tech.cell_library import Library
from hwsim.tech.logic import program, truth_table
from hwsim.tech.netlist import Netlist

LIBRARIES = ("asap7", "gt2n", "nangate45", "probe3-5t", "sky130hd")
Numbers = NDArray[np.int64]


@cache
def library_of(name: str) -> Library:
    return load_library(hwsim.load_chip(name))


def patterns(seed: int, low: int, high: int, steps: int = 4) -> Numbers:
    return np.random.default_rng(seed).integers(low, high, (steps, PATTERNS))


# logic ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("function", "python"),
    [
        ("!(A & B) | C", lambda a, b, c: not (a and b) or c),
        ("A B + C'", lambda a, b, c: (a and b) or not c),
        ("A ^ B * C", lambda a, b, c: (a != b) and c),
        ("(A|B)' ^ ~C", lambda a, b, c: (not (a or b)) != (not c)),
        ("A + 1 * B", lambda a, b, c: a or b),
        ("!A'", lambda a, b, c: a),
    ],
)
def test_functions_in_libertys_notation(function: str, python: object) -> None:
    assert callable(python)
    wanted = [bool(python(bool(i & 1), bool(i & 2), bool(i & 4))) for i in range(8)]
    assert truth_table(function, "ABC").tolist() == wanted


@pytest.mark.parametrize("wrong", ["A &", "(A | B", "A D", "A $ B", "A )", ""])
def test_what_is_no_function(wrong: str) -> None:
    with pytest.raises(InvalidChip, match="function"):
        program(wrong, {"A": 0, "B": 1})


# adders and multipliers -------------------------------------------------------------------------------
@settings(deadline=None, max_examples=15)
@given(kind=st.sampled_from(sorted(ADDERS)), width=st.integers(2, 20), seed=st.integers(0, 999))
def test_adders_add(kind: str, width: int, seed: int) -> None:
    netlist = adder_block(hwsim.load_chip("gt2n"), width, kind)
    a, b, carry = (patterns(seed + i, 0, high) for i, high in enumerate((1 << width, 1 << width, 2)))
    assert np.array_equal(read_bus(netlist, simulate(netlist, library_of("gt2n"), {"a": a, "b": b, "carry": carry}), "sum"), a + b + carry)


@settings(deadline=None, max_examples=20)
@given(kind=st.sampled_from(sorted(MULTIPLIERS)), adder=st.sampled_from(sorted(ADDERS)), width=st.integers(2, 12), seed=st.integers(0, 999))
def test_multipliers_multiply(kind: str, adder: str, width: int, seed: int) -> None:
    netlist = multiplier_block(hwsim.load_chip("nangate45"), width, kind, adder)
    half = 1 << (width - 1)
    a, b = patterns(seed, -half, half), patterns(seed + 1, -half, half)
    a[0, :2], b[0, :2] = (-half, half - 1), (-half, -half)
    trace = simulate(netlist, library_of("nangate45"), {"a": a, "b": b})
    assert np.array_equal(read_bus(netlist, trace, "product", signed=True), a * b)


@pytest.mark.parametrize("name", LIBRARIES)
def test_every_library_multiplies(name: str) -> None:
    netlist = multiplier_block(hwsim.load_chip(name), 8)
    a, b = patterns(1, -128, 128), patterns(2, -128, 128)
    assert np.array_equal(read_bus(netlist, simulate(netlist, library_of(name), {"a": a, "b": b}), "product", signed=True), a * b)


def depth(netlist: Netlist) -> int:
    """Cells on the longest way from an input to an output."""
    graph = netlist.nx()
    level: dict[str, int] = {}
    for node in nx.topological_sort(graph):
        level[node] = max((level[p] for p in graph.predecessors(node)), default=0) + 1
    return max(level.values())


def test_a_prefix_adder_is_shallow_and_a_ripple_adder_small() -> None:
    chip = hwsim.load_chip("gt2n")
    blocks = {kind: adder_block(chip, 32, kind) for kind in ADDERS}
    assert depth(blocks["kogge_stone"]) < depth(blocks["carry_select"]) < depth(blocks["ripple"])
    assert blocks["ripple"].cells < blocks["carry_select"].cells < blocks["kogge_stone"].cells


# grids ------------------------------------------------------------------------------------------------
def matrix_products(netlist: Netlist, library: Library, size: int, depth_k: int, seed: int) -> tuple[Numbers, Numbers, Trace]:
    """64 products of random int8 matrices streamed through a grid: (what drains out, numpy's, the trace)."""
    random = np.random.default_rng(seed)
    a, b = random.integers(-128, 128, (PATTERNS, size, depth_k)), random.integers(-128, 128, (PATTERNS, depth_k, size))
    start = 2 * size  # cycles with clear, for flip-flops may start at anything
    drained = start + depth_k + 2 * size
    given_ = {name: np.zeros((drained + size, PATTERNS), dtype=np.int64) for name in ("a_in", "b_in", "clear", "drain")}
    given_["clear"][:start] = 1
    given_["drain"][drained:] = 1
    for i in range(size):
        for k in range(depth_k):
            given_["a_in"][start + i + k] |= (a[:, i, k] & 255) << (8 * i)
            given_["b_in"][start + i + k] |= (b[:, k, i] & 255) << (8 * i)
    trace = simulate(netlist, library, given_)
    names = [p.name for p in netlist.ports if p.direction == "output"]
    words = trace.outputs[drained:, bus(names, "out")].reshape(size, size, 24)
    bits = (words[..., None] >> np.arange(PATTERNS, dtype=np.uint64) & np.uint64(1)).astype(np.int64)
    weights = np.array([1 << i for i in range(23)] + [-(1 << 23)])
    found = np.einsum("crwp,w->prc", bits, weights)[:, :, ::-1]  # column c of the drain is column size - 1 - c of the grid
    return found, a @ b, trace


@pytest.mark.parametrize(("multiplier", "adder"), [("booth_wallace", "kogge_stone"), ("array", "ripple")])
def test_a_generated_grid_multiplies_matrices(multiplier: str, adder: str) -> None:
    netlist = mac_array(hwsim.load_chip("probe3-5t"), 3, multiplier=multiplier, adder=adder)
    found, wanted, _ = matrix_products(netlist, library_of("probe3-5t"), 3, 7, 5)
    assert np.array_equal(found, wanted)


@pytest.mark.parametrize(
    ("name", "library"),
    [
        ("asap7", "asap7"), ("gt2n_w31_lvt_buffered", "gt2n"), ("nangate45", "nangate45"), ("probe3_5t_buffered", "probe3-5t"),
        ("sky130hd", "sky130hd"),
    ],
)
def test_a_synthesised_grid_multiplies_matrices(name: str, library: str) -> None:
    netlist = read_block(block_file(f"stdcell_mac_grid_{name}.json.gz"), library_of(library).pin_roles)
    found, wanted, _ = matrix_products(netlist, library_of(library), 4, 10, 6)
    assert np.array_equal(found, wanted)


def test_cells_of_a_grid_grow_with_its_elements() -> None:
    chip = hwsim.load_chip("gt2n")
    two, four, eight = (mac_array(chip, n).cells for n in (2, 4, 8))
    assert eight - 1 - 4 * (four - 1) == 0  # all but the inverter of `clear`
    assert four - 1 == 4 * (two - 1)


# simulator --------------------------------------------------------------------------------------------
def test_toggles_of_a_counter_halve_from_bit_to_bit() -> None:
    library = library_of("nangate45")
    text = """module count (input clk, output [2:0] q);
      wire [2:0] d; wire c, n0;
      INV_X1 i0 (.A(q[0]), .ZN(d[0])); XOR2_X1 i1 (.A(q[1]), .B(q[0]), .Z(d[1])); AND2_X1 i2 (.A1(q[0]), .A2(q[1]), .ZN(c));
      XOR2_X1 i3 (.A(q[2]), .B(c), .Z(d[2]));
      DFF_X1 f0 (.D(d[0]), .CK(clk), .Q(q[0])); DFF_X1 f1 (.D(d[1]), .CK(clk), .Q(q[1])); DFF_X1 f2 (.D(d[2]), .CK(clk), .Q(q[2]));
    endmodule"""
    netlist = netlist_of_verilog(text, library.pin_roles)
    steps = 65
    trace = simulate(netlist, library, {"clk": np.zeros((steps, PATTERNS), dtype=np.int64)})
    assert np.array_equal(read_bus(netlist, trace, "q")[:, 3], np.arange(steps) % 8)
    nets = {p.name: p.net for p in netlist.ports}
    assert [trace.toggles[nets[f"q[{i}]"]] for i in range(3)] == [1.0, 0.5, 0.25]


def test_clear_and_preset_decide() -> None:
    library = library_of("nangate45")
    text = """module m (input clk, rn, sn, d, output q);
      DFFRS_X1 f (.D(d), .RN(rn), .SN(sn), .CK(clk), .Q(q)); endmodule"""
    netlist = netlist_of_verilog(text, library.pin_roles)
    rows = np.array([[1, 1, 1], [0, 1, 1], [1, 0, 0], [1, 1, 0], [1, 1, 0]])  # rn, sn, d in each step
    given_ = {name: np.repeat(rows[:, i : i + 1], PATTERNS, axis=1) for i, name in enumerate(("rn", "sn", "d"))}
    assert read_bus(netlist, simulate(netlist, library, given_), "q")[:, 0].tolist() == [0, 1, 0, 1, 0]


@given(number=st.integers(0, 2**63 - 1))
def test_words_hold_a_bit_of_each_pattern(number: int) -> None:
    bits = np.array([number >> i & 1 for i in range(PATTERNS)])
    assert int(to_words(bits)) == number


def test_random_data_toggle_an_adders_inputs_half_of_the_time() -> None:
    netlist = adder_block(hwsim.load_chip("gt2n"), 8)
    trace = simulate(netlist, library_of("gt2n"), {"a": patterns(1, 0, 256, 200), "b": patterns(2, 0, 256, 200)})
    nets = [p.net for p in netlist.ports if p.direction == "input" and p.name != "carry"]
    assert trace.toggles[nets].mean() == pytest.approx(0.5, abs=0.01)
    assert trace.toggles.max() <= 1


# refusals ---------------------------------------------------------------------------------------------
def test_a_loop_of_gates_is_refused() -> None:
    library = library_of("nangate45")
    text = "module m (input a, output y); wire w; NAND2_X1 u (.A1(a), .A2(w), .ZN(y)); INV_X1 v (.A(y), .ZN(w)); endmodule"
    with pytest.raises(InvalidTrace, match="loop of gates"):
        simulate(netlist_of_verilog(text, library.pin_roles), library, {"a": patterns(0, 0, 2)})


def test_latches_are_refused() -> None:
    library = library_of("nangate45")
    text = "module m (input a, g, output y); DLH_X1 u (.D(a), .G(g), .Q(y)); endmodule"
    with pytest.raises(InvalidTrace, match="is a latch"):
        simulate(netlist_of_verilog(text, library.pin_roles), library, {"a": patterns(0, 0, 2)})


def test_inputs_that_do_not_fit() -> None:
    netlist = adder_block(hwsim.load_chip("gt2n"), 4)
    with pytest.raises(InvalidTrace, match="no input 'c'"):
        simulate(netlist, library_of("gt2n"), {"c": patterns(0, 0, 2)})
    with pytest.raises(InvalidTrace, match="one shape"):
        simulate(netlist, library_of("gt2n"), {"a": np.zeros((3, 5), dtype=np.int64)})
    with pytest.raises(InvalidTrace, match="no output 'y'"):
        read_bus(netlist, simulate(netlist, library_of("gt2n"), {"a": patterns(0, 0, 2)}), "y")


def test_blocks_that_cannot_be_made() -> None:
    chip = hwsim.load_chip("gt2n")
    with pytest.raises(InvalidTrace, match="did you mean ripple"):
        adder_block(chip, 8, "ripples")
    with pytest.raises(InvalidTrace, match="there are array, booth_wallace"):
        multiplier_block(chip, 8, "dadda")
    for width in (1, 65):
        with pytest.raises(InvalidTrace, match="width of 2 to 64"):
            adder_block(chip, width)
    with pytest.raises(InvalidTrace, match="accumulators of at least 16"):
        mac_array(chip, 2, accumulator=12)
    with pytest.raises(InvalidTrace, match="1 to 64"):
        mac_array(chip, 0)


@pytest.mark.parametrize("block", ["adder", "multiplier", "mac_array"])
def test_primitive(block: str) -> None:
    small, large = (hwsim.primitive("datapath", hwsim.load_chip("asap7"), {"block": block, "width": width, "accumulator": 32}) for width in (8, 16))
    assert 0 < small["area_mm2"] < large["area_mm2"]
    assert (small["sequential_area_mm2"] > 0) == (block == "mac_array")
    with pytest.raises(InvalidTrace, match="did you mean mac_array"):
        hwsim.primitive("datapath", hwsim.load_chip("asap7"), {"block": "mac_aray"})
