"""Structural Verilog: what is read, hierarchy flattened, the same netlist as from Yosys JSON, refusals with file and line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import InvalidTrace
from hwsim.core.resources import shipped
from hwsim.readers.blocks import block_file
from hwsim.readers.netlist import netlist_of_verilog, read_block, read_verilog
from hwsim.readers.verilog_tokens import constant_bits
from hwsim.targets.stdcell.cells import load_library
from hwsim.tech.netlist import Netlist

ROLES = {
    "INV": {"A": "input", "Y": "output"},
    "NAND2": {"A": "input", "B": "input", "Y": "output"},
    "DFF": {"D": "input", "CK": "clock", "Q": "output"},
}
FLAT = """
/* a comment
   of two lines */ `timescale 1ns/1ps
module top (clk, a, y, \\odd.name[3] );
  input clk; input [1:0] a; output y, \\odd.name[3] ;
  wire n1, n2;  // nets
  (* keep = 1 *) NAND2 #(.W(4)) u0 (.A(a[1]), .B(a[0]), .Y(n1));
  INV u1 (.A(n1), .Y(n2));
  DFF \\u2$x (.D(n2), .CK(clk), .Q(y));
  assign \\odd.name[3] = y;
endmodule
"""


def nets(netlist: Netlist) -> list[list[tuple[str, str]]]:
    """Every net as its driver and its sinks, in an order that does not depend on the reader."""
    spans = zip(netlist.net_start[:-1], netlist.net_start[1:], strict=True)
    pins = [[(netlist.node(p), netlist.label(p)) for p in range(a, b)] for a, b in spans]
    return sorted([each[0], *sorted(each[1:])] for each in pins)


def verilog(netlist: Netlist) -> str:
    """The netlist as structural Verilog, every name escaped."""
    drivers = {int(p): f"n{i}" for i in range(netlist.nets) for p in range(netlist.net_start[i], netlist.net_start[i + 1])}
    pins: dict[int, list[str]] = {}
    for p, cell in enumerate(netlist.pin_cell):
        pins.setdefault(int(cell), []).append(f".{netlist.pin_names[netlist.pin_name[p]] if cell >= 0 else ''}({drivers[p]})")
    for cell, pin, value in zip(netlist.tied_cell, netlist.tied_pin, netlist.tied_value, strict=True):
        pins.setdefault(int(cell), []).append(f".{netlist.pin_names[pin]}(1'b{value})")
    lines = [f"module {netlist.name} ({', '.join(f'{chr(92)}{p.name} ' for p in netlist.ports)});"]
    for port in netlist.ports:
        lines.append(f"  {port.direction} \\{port.name} ;")
        if port.net >= 0:
            ends = (f"n{port.net}", f"\\{port.name} ")
            lines.append(f"  assign {' = '.join(ends if port.direction == 'input' else ends[::-1])};")
        elif port.constant is not None:
            lines.append(f"  assign \\{port.name} = 1'b{port.constant};")
    for at, name in enumerate(netlist.cell_names):
        lines.append(f"  {netlist.types[netlist.cell_type[at]]} \\{name} ({', '.join(pins[at])});")
    return "\n".join([*lines, "endmodule"])


def test_flat_netlist() -> None:
    n = netlist_of_verilog(FLAT, ROLES)
    assert n.name == "top"
    assert n.count_of == {"DFF": 1, "INV": 1, "NAND2": 1}
    assert [p.name for p in n.ports] == ["clk", "a[0]", "a[1]", "y", "odd.name[3]"]
    assert n.cell_names == ("u0", "u1", "u2$x")
    assert [("u2$x", "Q"), ("port:odd.name[3]", "odd.name[3]"), ("port:y", "y")] in nets(n)
    assert [n.node(p) for p in n.net_start[n.clock_nets]] == ["port:clk"]


def test_header_with_directions_concatenations_and_constants() -> None:
    text = """module m (input wire [2:0] a, input clk, output [1:0] y);
      wire [1:0] t = {a[2], a[0]};
      supply1 one;
      wire [3:0] c; assign c = {2{1'b1, 1'b0}};
      NAND2 u0 (.A(t[1]), .B(one), .Y(y[1])), u1 (.A(t[0]), .B(c[0]), .Y(y[0]));
    endmodule"""
    n = netlist_of_verilog(text, ROLES)
    assert [("port:a[2]", "a[2]"), ("u0", "A")] in nets(n)
    assert [("port:a[0]", "a[0]"), ("u1", "A")] in nets(n)
    assert dict(zip(n.tied_cell.tolist(), n.tied_value.tolist(), strict=True)) == {0: 1, 1: 0}


def test_hierarchy_is_flattened() -> None:
    text = """module half (input [0:1] x, output z, output open); wire n; NAND2 g (.A(x[0]), .B(x[1]), .Y(n)); INV h (.A(n), .Y(z)); endmodule
      module top (input [3:0] a, output y, output one);
        wire [1:0] m;
        half left (.x(a[3:2]), .z(m[1]), .open());
        half right (a[1:0], m[0]);
        half last (.x(m), .z(y));
        assign one = 1'b1;
      endmodule"""
    n = netlist_of_verilog(text, ROLES)
    assert n.cells == 6
    assert [("left.h", "Y"), ("last.g", "A")] in nets(n)
    assert [("port:a[0]", "a[0]"), ("right.g", "B")] in nets(n)
    assert n.ports[-1].constant == 1


def test_a_net_called_like_a_bit_of_a_bus_is_another_net() -> None:
    text = """module m (input [1:0] b, output y); wire \\b[1] ;
      INV u0 (.A(b[1]), .Y(\\b[1] )); INV u1 (.A(\\b[1] ), .Y(y)); endmodule"""
    assert [("port:b[1]", "b[1]"), ("u0", "A")] in nets(netlist_of_verilog(text, ROLES))


@pytest.mark.parametrize(
    ("name", "library"), [("stdcell_rv32i_single_gt2n_w31_lvt.json.gz", "gt2n"), ("stdcell_mac_grid_nangate45_buffered.json.gz", "nangate45")]
)
def test_round_trip_with_yosys_json(name: str, library: str, tmp_path: Path) -> None:
    roles = load_library(hwsim.load_chip(library)).pin_roles
    first = read_block(block_file(name), roles)
    (tmp_path / "flat.v.gz").write_bytes(gzip.compress(verilog(first).encode()))
    second = read_block(tmp_path / "flat.v.gz", roles)
    assert (second.cells, second.nets, second.pins) == (first.cells, first.nets, first.pins)
    assert nets(second) == nets(first)
    assert [p.name for p in second.ports] == [p.name for p in first.ports]
    assert sorted(second.tied_value.tolist()) == sorted(first.tied_value.tolist())


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("module m (input a);\n  always @(a) ;\nendmodule", r"text:2: 'always' is behaviour"),
        ("module m (input a, output reg q);\nendmodule", r"text:1: 'reg' is behaviour"),
        ("module m (input a);\n  XOR9 u (.A(a));\nendmodule", r"text:2: 'u' is of unknown type 'XOR9'"),
        ("module m (input a, output y);\n  INV u (a, y);\nendmodule", r"text:2: pins of cell 'u' are connected in order"),
        ("module m (input [1:0] a, output y);\n  INV u (.A(a), .Y(y));\nendmodule", r"text:2: 2 bits at pin 'A' of 'u'"),
        ("module m (input [1:0] a, output y);\n  INV u (.A(a[2]), .Y(y));\nendmodule", r"text:2: 'a\[2\]' is outside of a"),
        ("module m (input a, output y);\n  INV u (.A(a[2]), .Y(y));\nendmodule", r"text:2: 'a' is no bus"),
        ("module m (input a, output y);\n  INV u (.A(1'bx), .Y(y));\nendmodule", r"text:2: undefined constant x"),
        ("module m (input a, output y);\n  INV u (.A(a), .A(a), .Y(y));\nendmodule", r"text:2: pin 'A' of 'u' is connected twice"),
        ("module m (input a, output y);\n  assign y = a & a;\nendmodule", r"text:2: expected ';', got '&'"),
        ("module m (input a, output y);\n  assign y = ~a;\nendmodule", r"text:2: '~' is no net"),
        ("module m (a);\nendmodule", r"text:1: port 'a' of module 'm' has no direction"),
        ("module m (input a);\n  output z;\nendmodule", r"text:2: 'z' is no port"),
        ("module m (input a);\n INV u (.A(a)", r"text:2: .*file ends|expected"),
        ("module m (input a); m u (.a(a)); endmodule", r"no other uses|uses itself"),
        ("module m (input a);\n  wire w; assign w = 1'b0;\n assign w = 1'b1;\nendmodule", r"text:3: a net is tied to 0 and to 1"),
        ("module m (input a, output y); INV u (.A(a), .Y(y)); INV v (.A(a), .Y(y)); endmodule", r"2 drivers"),
        ("module m (input a, output y); INV u (.A(w), .Y(y)); endmodule", r"no driver"),
        ("module m (input a);\n  wire [3:0] w = 4'd€;\nendmodule", r"text:2: .* no structural Verilog"),
        ("module m (inout a); endmodule", r"'inout'"),
    ],
)
def test_refusals_say_where(text: str, problem: str) -> None:
    with pytest.raises(InvalidTrace, match=problem):
        netlist_of_verilog(text, ROLES)


def test_a_module_that_uses_itself() -> None:
    text = "module a (input x); b u (.x(x)); endmodule module b (input x); a u (.x(x)); endmodule"
    with pytest.raises(InvalidTrace, match="uses itself"):
        netlist_of_verilog(text, ROLES, "a")


def test_several_tops_must_be_named() -> None:
    two = FLAT + FLAT.replace("module top", "module other")
    with pytest.raises(InvalidTrace, match="name the top one"):
        netlist_of_verilog(two, ROLES)
    assert netlist_of_verilog(two, ROLES, "other").cells == 3
    with pytest.raises(InvalidTrace, match="did you mean other"):
        netlist_of_verilog(two, ROLES, "othr")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidTrace, match=r"none\.v"):
        read_verilog(tmp_path / "none.v", ROLES)
    (tmp_path / "torn.v.gz").write_bytes(gzip.compress(FLAT.encode())[:40])
    with pytest.raises(InvalidTrace, match=r"torn\.v\.gz"):
        read_verilog(tmp_path / "torn.v.gz", ROLES)


@given(value=st.integers(0, 2**24 - 1), width=st.integers(24, 40))
def test_constants_in_every_base(value: int, width: int) -> None:
    bits = list(f"{value:0{width}b}")
    for base, form in (("b", "b"), ("o", "o"), ("h", "x"), ("d", "d")):
        assert constant_bits(f"{width}'{base}{value:{form}}") == bits


def test_constants_are_cut_and_filled() -> None:
    assert constant_bits("2'hff") == ["1", "1"]
    assert constant_bits("4'bx1") == ["x", "x", "x", "1"]
    with pytest.raises(ValueError, match="digit"):
        constant_bits("4'o9")


def test_the_packages_blocks_are_there() -> None:
    names = {path.name for path in (shipped("models") / "blocks").iterdir()}
    assert {"stdcell_rv32i_single.v", "stdcell_mac_grid.v", "stdcell_mac_grid_asap7_buffered.json.gz"} <= names
    with pytest.raises(InvalidTrace, match=r"did you mean stdcell_mac_grid\.v"):
        block_file("stdcell_mac_gird.v")
