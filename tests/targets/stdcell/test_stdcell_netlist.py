"""The netlist type and its reader: arrays, checks, refusals."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from hwsim.core.errors import InvalidTrace
from hwsim.readers.netlist_json import read_netlist
from hwsim.tech.netlist import PORT, Instance, Netlist, make_netlist

ROLES = {
    "INV": {"A": "input", "Y": "output"},
    "NAND2": {"A": "input", "B": "input", "Y": "output"},
    "DFF": {"D": "input", "CK": "clock", "Q": "output"},
}
PORTS = [("clk", "input", 1), ("a", "input", 2), ("y", "output", 5)]
CELLS = [
    Instance("u0", "NAND2", {"A": 2, "B": 5, "Y": 3}),
    Instance("u1", "INV", {"A": 3, "Y": 4}),
    Instance("u2", "DFF", {"D": 4, "CK": 1, "Q": 5}),
    Instance("u3", "NAND2", {"A": "1", "B": 3, "Y": 6}),
]


def small() -> Netlist:
    return make_netlist("small", CELLS, PORTS, ROLES)


def test_arrays_hold_every_pin_once_and_the_driver_first() -> None:
    n = small()
    assert (n.cells, n.nets, n.pins) == (4, 6, 13)
    assert n.count_of == {"DFF": 1, "INV": 1, "NAND2": 2}
    for net in range(n.nets):
        first = n.net_start[net]
        kind = n.types[n.cell_type[n.pin_cell[first]]] if n.pin_cell[first] != PORT else None
        assert n.ports[n.pin_name[first]].direction == "input" if kind is None else ROLES[kind][n.label(first)] == "output"
    assert n.fanout.sum() == n.pins - n.nets
    assert [n.node(p) for p in n.net_start[n.clock_nets]] == ["port:clk"]
    assert (n.tied_cell.tolist(), n.tied_value.tolist()) == ([3], [1])


def test_pins_of_a_cell() -> None:
    n = small()
    start, pins = n.cell_pins
    assert sorted(n.label(p) for p in pins[start[2] : start[3]]) == ["CK", "D", "Q"]
    assert start[-1] == np.count_nonzero(n.pin_cell != PORT)
    assert all(n.pin_cell[pins[i]] == c for c in range(n.cells) for i in range(start[c], start[c + 1]))


def test_networkx_view_has_an_edge_per_sink() -> None:
    graph = small().nx()
    assert graph.number_of_edges() == small().fanout.sum()
    assert set(graph.successors("u0")) == {"u1", "u3"}
    assert set(graph.predecessors("port:y")) == {"u2"}


def test_figures_per_cell_and_other_types() -> None:
    n = small()
    assert n.of_type({"INV": 1.0, "NAND2": 2.0, "DFF": 5.0}).tolist() == [2.0, 1.0, 5.0, 2.0]
    assert n.with_cell_types(["NAND2", "BUF", "DFF", "NAND2"]).count_of == {"BUF": 1, "DFF": 1, "NAND2": 2}
    with pytest.raises(InvalidTrace, match="no figure for cell type 'DFF'"):
        n.of_type({"INV": 1.0, "NAND2": 2.0})
    with pytest.raises(ValueError, match="read-only"):
        n.cell_type[0] = 1


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ([Instance("u", "NOR9", {})], "unknown type 'NOR9'"),
        ([Instance("u", "INV", {"Z": 1})], "no pin 'Z'"),
        ([Instance("u", "INV", {"Y": 7})], "input 'A' of cell 'u'"),
        ([Instance("u", "INV", {"A": 9, "Y": 7})], "net '9' has no driver"),
        ([Instance("u", "INV", {"A": 2, "Y": 7}), Instance("v", "INV", {"A": 2, "Y": 7})], "net '7' has 2 drivers"),
        ([Instance("u", "INV", {"A": 2, "Y": "0"})], "output 'Y' of cell 'u' is tied"),
    ],
)
def test_unsound_netlists_are_refused(cells: list[Instance], message: str) -> None:
    with pytest.raises(InvalidTrace, match=message):
        make_netlist("bad", cells, [("a", "input", 2)], ROLES)


def test_ports_tied_or_of_a_direction_that_has_no_model() -> None:
    tied = make_netlist("t", [], [("y", "output", "1"), ("z", "output", None)], ROLES).ports
    assert [(p.net, p.constant) for p in tied] == [(-1, 1), (-1, None)]
    with pytest.raises(InvalidTrace, match="direction 'inout'"):
        make_netlist("t", [], [("y", "inout", 1)], ROLES)


def document() -> dict[str, object]:
    cells = {c.name: {"type": c.type, "connections": {p: [b] for p, b in c.pins.items()}} for c in CELLS}
    ports = {"clk": {"direction": "input", "bits": [1]}, "a": {"direction": "input", "bits": [2, 7]}, "y": {"direction": "output", "bits": [5]}}
    return {"modules": {"small": {"ports": ports, "cells": cells}, "empty": {"ports": {}, "cells": {}}}}


@pytest.mark.parametrize("packed", [False, True])
def test_reader_takes_plain_and_gzipped_files(tmp_path: Path, packed: bool) -> None:
    text = json.dumps(document()).encode()
    file = tmp_path / "small.json"
    file.write_bytes(gzip.compress(text) if packed else text)
    n = read_netlist(file, ROLES)
    assert (n.name, n.cells, n.nets) == ("small", 4, 7)
    assert [p.name for p in n.ports] == ["clk", "a[0]", "a[1]", "y"]


@pytest.mark.parametrize(
    ("text", "top", "message"),
    [
        ("{", None, "broken.json: is not JSON"),
        ("[]", None, "no 'modules'"),
        ('{"modules": {"m": {"cells": {"c": {"type": "INV"}}, "ports": {}}}}', None, "no 'connections'"),
        ('{"modules": {"m": {"cells": {"c": {"type": "INV", "connections": {"A": ["x"]}}}, "ports": {}}}}', None, "connected to 'x'; run setundef"),
        ('{"modules": {"m": {"cells": {"c": {"type": "INV", "connections": {"A": [1, 2]}}}, "ports": {}}}}', None, "not one bit wide"),
        ('{"modules": {"m": {"cells": {}, "ports": {}}}}', "other", "no module 'other'"),
        ('{"modules": {"m": {"cells": {}, "ports": {}}, "n": {"cells": {}, "ports": {}}}}', None, "name the top one"),
    ],
)
def test_reader_refuses_what_is_no_netlist(tmp_path: Path, text: str, top: str | None, message: str) -> None:
    file = tmp_path / "broken.json"
    file.write_text(text)
    with pytest.raises(InvalidTrace, match=message):
        read_netlist(file, ROLES, top)


def test_reader_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InvalidTrace, match="cannot be read"):
        read_netlist(tmp_path / "none.json", ROLES)
