"""The timing graph of a netlist on a library: which library pin each pin of a cell is, and the order in which cells can be timed.

A flip-flop or latch starts paths at its clock pin and ends them at its data pins, so only combinational cells have an order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidTrace, nearest
from hwsim.engine.jit import jit
from hwsim.tech.cell_library import COMBINATIONAL, Library
from hwsim.tech.netlist import Netlist

Floats = NDArray[np.float64]
Ints = NDArray[np.int32]
NONE = -1


@dataclass(frozen=True, eq=False)
class TimingGraph:
    """A netlist on a library, for compiled loops.

    `cell` [cells] is each cell's number in the library. `slot_start` [cells + 1] and `slot_pin` give the netlist's pin at each pin of a cell's
    library cell (NONE: tied, open). `pin_f` [pins] is the capacitance of each sink (0 for drivers and ports), `order` [cells] sources first.
    """

    netlist: Netlist
    library: Library
    cell: Ints
    slot_start: Ints
    slot_pin: Ints
    pin_f: Floats
    order: Ints

    @property
    def sequential(self) -> NDArray[np.bool_]:
        """True for flip-flops and latches [cells]."""
        found: NDArray[np.bool_] = self.library.is_sequential[self.cell]
        return found

    def load_f(self, wire_f: Floats | None = None) -> Floats:
        """What each net's driver sees [nets], F: its sinks and, if given, its wire."""
        n = self.netlist
        found: Floats = np.bincount(n.pin_net, weights=self.pin_f, minlength=n.nets).astype(np.float64)
        return found if wire_f is None else found + wire_f


def timing_graph(netlist: Netlist, library: Library) -> TimingGraph:
    """Build the graph; O(pins). Raises `InvalidTrace` for a cell that the library does not have, and for combinational loops."""
    if missing := [name for name in netlist.types if name not in library.index]:
        raise InvalidTrace(f"library '{library.name}' has no cell '{missing[0]}' of netlist '{netlist.name}'{nearest(missing[0], library.index)}")
    kinds = np.array([library.index[name] for name in netlist.types], dtype=np.int32)
    cell = kinds[netlist.cell_type]
    start = library.arrays.pin_start
    slot_start = np.concatenate([[0], np.cumsum((start[1:] - start[:-1])[cell])]).astype(np.int32)
    pins = np.flatnonzero(netlist.pin_cell >= 0)
    local = _local_pins(netlist, library)
    owner = netlist.pin_cell[pins]
    slot = slot_start[owner] + local[netlist.cell_type[owner], netlist.pin_name[pins]]
    slot_pin = np.full(int(slot_start[-1]), NONE, np.int32)
    slot_pin[slot] = pins
    pin_f = np.zeros(netlist.pins)
    pin_f[pins] = library.arrays.pin_capacitance_f[start[cell[owner]] + local[netlist.cell_type[owner], netlist.pin_name[pins]]]
    pin_f[netlist.net_start[:-1]] = 0.0
    sequential = library.is_sequential[cell]
    order, count = _levelise(netlist.net_start, netlist.pin_cell, netlist.pin_net, *netlist.cell_pins, sequential)
    if count < netlist.cells:
        held = np.setdiff1d(np.arange(netlist.cells), order[:count])
        names = ", ".join(netlist.cell_names[i] for i in held[:4])
        raise InvalidTrace(
            f"netlist '{netlist.name}' has a combinational loop: {len(held)} cells lie on it or behind it ({names}); break it with a register"
        )
    return TimingGraph(netlist, library, cell, slot_start, slot_pin, pin_f, order)


def _local_pins(netlist: Netlist, library: Library) -> NDArray[np.int64]:
    """[types, pin names] which pin of the library's cell a name is; NONE where it has none."""
    found = np.full((len(netlist.types), max(1, len(netlist.pin_names))), NONE, np.int64)
    for i, kind in enumerate(netlist.types):
        at = {p.name: k for k, p in enumerate(library.cell(kind).pins)}
        found[i, : len(netlist.pin_names)] = [at.get(name, NONE) for name in netlist.pin_names]
    return found


@jit
def _levelise(
    net_start: Ints, pin_cell: Ints, pin_net: Ints, own_start: Ints, own_pin: Ints, sequential: NDArray[np.bool_]
) -> tuple[Ints, int]:
    """(cells in an order of evaluation, how many could be ordered): sequential cells first, then by Kahn's algorithm."""
    cells = len(own_start) - 1
    waits = np.zeros(cells, np.int32)
    order = np.empty(cells, np.int32)
    count = 0
    for c in range(cells):
        if not sequential[c]:
            for k in range(own_start[c], own_start[c + 1]):
                first = net_start[pin_net[own_pin[k]]]
                source = pin_cell[first]
                if own_pin[k] != first and source >= 0 and not sequential[source]:
                    waits[c] += 1
        if sequential[c]:
            order[count] = c
            count += 1
    for c in range(cells):
        if not sequential[c] and waits[c] == 0:
            order[count] = c
            count += 1
    at = 0
    while at < count:
        c = order[at]
        at += 1
        if sequential[c]:
            continue
        for k in range(own_start[c], own_start[c + 1]):
            net = pin_net[own_pin[k]]
            if own_pin[k] != net_start[net]:
                continue
            for p in range(net_start[net] + 1, net_start[net + 1]):
                sink = pin_cell[p]
                if sink >= 0 and not sequential[sink]:
                    waits[sink] -= 1
                    if waits[sink] == 0:
                        order[count] = sink
                        count += 1
    return order, count


def is_plain_logic(library: Library, name: str) -> bool:
    """True for combinational cells with a single output."""
    cell = library.cell(name)
    return cell.kind == COMBINATIONAL and len(cell.outputs) == 1
