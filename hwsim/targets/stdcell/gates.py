"""Gates put together by hand on the cells of a library: arrays of nets in, arrays of nets out, packed into a `Netlist`.

Every method takes integer arrays of nets of one shape (or that broadcast) and adds one gate per element. Nets `ZERO` and `ONE` are constants: where
an operand is one of them throughout, the gate is left out or becomes a smaller one.
"""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidTrace
from hwsim.targets.stdcell.gate_count import smallest_flop
from hwsim.tech.cell_library import COMBINATIONAL, Cell, Library
from hwsim.tech.logic import truth_table
from hwsim.tech.netlist import Instance, Netlist, make_netlist

Nets = NDArray[np.int64]
Found = tuple[Cell, tuple[str, ...], str]
ZERO, ONE = np.array(0, dtype=np.int64), np.array(1, dtype=np.int64)
FUNCTIONS = {"inv": "!a", "nand": "!(a & b)", "and": "a & b", "or": "a | b", "xor": "a ^ b", "mux": "(a & !s) | (b & s)"}


def cell_for(library: Library, usable: frozenset[str], function: str) -> Found | None:
    """The smallest usable cell of one output for one of `FUNCTIONS`: (cell, its pins in the order of the operands, output); None: there is none."""
    operands = [name for name in ("a", "b", "s") if name in FUNCTIONS[function]]
    wanted = truth_table(FUNCTIONS[function], operands)
    found: Found | None = None
    for cell in library.cells:
        if cell.name not in usable or cell.kind != COMBINATIONAL or len(cell.outputs) != 1 or len(cell.inputs) != len(operands):
            continue
        out = cell.outputs[0]
        if not out.function or out.three_state or (found is not None and cell.area_um2 >= found[0].area_um2):
            continue
        for pins in permutations(pin.name for pin in cell.inputs):
            if np.array_equal(truth_table(out.function, pins), wanted):
                found = cell, pins, out.name
                break
    return found


def constant(nets: Any) -> int | None:
    """0 or 1 where every element is that constant; None otherwise."""
    first = int(np.asarray(nets).flat[0])
    return first if first <= 1 and bool((np.asarray(nets) == first).all()) else None


class Gates:
    """Collects gates on `library`, using only the cells named in `usable`."""

    def __init__(self, name: str, library: Library, usable: list[str]) -> None:
        self.name, self.library, self.usable = name, library, frozenset(usable)
        self.found: dict[str, Found | None] = {}
        self.next = 2
        self.added: list[tuple[str, tuple[str, ...], Nets]] = []  # cell, its pins, nets [gates, pins]
        self.tied: dict[str, dict[str, str]] = {}
        self.ports: list[tuple[str, str, Any]] = []
        self.clock: Any = None

    def new(self, shape: tuple[int, ...]) -> Nets:
        """Fresh nets."""
        count = int(np.prod(shape, dtype=np.int64))
        self.next += count
        return np.arange(self.next - count, self.next, dtype=np.int64).reshape(shape)

    def input(self, name: str, width: int | None = None) -> Nets:
        """An input port, or a bus of `width` bits."""
        nets = self.new((width or 1,))
        self.ports += [(f"{name}[{i}]" if width else name, "input", self.key(n)) for i, n in enumerate(nets)]
        return nets if width else nets[0]

    def output(self, name: str, nets: Any, *, bus: bool = True) -> None:
        """An output bus of the nets given, lowest bit first, or a single port."""
        self.ports += [(f"{name}[{i}]" if bus else name, "output", self.key(n)) for i, n in enumerate(np.atleast_1d(nets).ravel())]

    @staticmethod
    def key(net: Any) -> Any:
        return int(net) if net > ONE else str(int(net))

    def cell(self, function: str) -> Found | None:
        """As `cell_for`, looked for once."""
        if function not in self.found:
            self.found[function] = cell_for(self.library, self.usable, function)
        return self.found[function]

    def cells(self, function: str, *operands: Any) -> Nets | None:
        """One cell of the library per element; None where the library has no such cell."""
        found = self.cell(function)
        if found is None:
            return None
        cell, pins, out = found
        shaped = np.broadcast_arrays(*(np.asarray(o, dtype=np.int64) for o in operands))
        result = self.new(shaped[0].shape)
        self.added.append((cell.name, (*pins, out), np.stack([*(s.ravel() for s in shaped), result.ravel()], axis=1)))
        return result

    def inv(self, a: Any) -> Nets:
        """Not a. Raises `InvalidTrace` for a library without inverters."""
        known = constant(a)
        return self.needed("inv", a) if known is None else (ONE, ZERO)[known]

    def nand(self, a: Any, b: Any) -> Nets:
        """Not (a and b). Raises `InvalidTrace` for a library without it."""
        for one, other in ((a, b), (b, a)):
            if (known := constant(one)) is not None:
                return self.inv(other) if known else ONE
        return self.needed("nand", a, b)

    def needed(self, function: str, *operands: Any) -> Nets:
        found = self.cells(function, *operands)
        if found is None:
            raise InvalidTrace(f"library '{self.library.name}' has no usable cell for {FUNCTIONS[function]}")
        return found

    def both(self, a: Any, b: Any) -> Nets:
        """a and b."""
        for one, other in ((a, b), (b, a)):
            if (known := constant(one)) is not None:
                return np.asarray(other) if known else ZERO
        found = self.cells("and", a, b)
        return found if found is not None else self.inv(self.nand(a, b))

    def either(self, a: Any, b: Any) -> Nets:
        """a or b."""
        for one, other in ((a, b), (b, a)):
            if (known := constant(one)) is not None:
                return ONE if known else np.asarray(other)
        found = self.cells("or", a, b)
        return found if found is not None else self.nand(self.inv(a), self.inv(b))

    def xor(self, a: Any, b: Any) -> Nets:
        """a exclusive-or b."""
        for one, other in ((a, b), (b, a)):
            if (known := constant(one)) is not None:
                return self.inv(other) if known else np.asarray(other)
        found = self.cells("xor", a, b)
        if found is not None:
            return found
        shared = self.nand(a, b)
        return self.nand(self.nand(a, shared), self.nand(b, shared))

    def mux(self, select: Any, low: Any, high: Any) -> Nets:
        """`high` where `select` is 1, else `low`."""
        if (known := constant(select)) is not None:
            return np.asarray(high if known else low)
        if constant(low) == 0:
            return self.both(select, high)
        found = self.cells("mux", low, high, select)
        return found if found is not None else self.nand(self.nand(low, self.inv(select)), self.nand(high, select))

    def full_adder(self, a: Any, b: Any, c: Any) -> tuple[Nets, Nets]:
        """(sum, carry)."""
        half = self.xor(a, b)
        return self.xor(half, c), self.nand(self.nand(a, b), self.nand(half, c))

    def half_adder(self, a: Any, b: Any) -> tuple[Nets, Nets]:
        """(sum, carry)."""
        return self.xor(a, b), self.both(a, b)

    def flop(self, data: Any, state: Nets | None = None) -> Nets:
        """Flip-flops of the one clock; `state`: nets that were made before for what they hold (loops). Controls are tied inactive."""
        if self.clock is None:
            self.clock = self.input("clk")
        cell = smallest_flop(self.library, [*self.usable], asynchronous=False)
        data = np.asarray(data, dtype=np.int64)
        result = self.new(data.shape) if state is None else state
        output, inverted = _storing(cell)
        stored = self.new(data.shape) if inverted else result
        held = cell.state.data.strip("()!~' ") if cell.state else ""
        clock = cell.state.clock.strip("() ") if cell.state else ""
        self.tied[cell.name] = _inactive(cell, {held, clock})
        self.added.append((cell.name, (held, clock, output), np.stack([data.ravel(), np.full(data.size, self.clock), stored.ravel()], axis=1)))
        if inverted:
            inverter = self.cell("inv")
            if inverter is None:
                raise InvalidTrace(f"library '{self.library.name}' has no usable inverter")
            self.added.append((inverter[0].name, (*inverter[1], inverter[2]), np.stack([stored.ravel(), result.ravel()], axis=1)))
        return result

    def netlist(self) -> Netlist:
        """The gates as a netlist; constants become tied pins. O(pins)."""
        constants: dict[int, Any] = {0: "0", 1: "1"}
        instances: list[Instance] = []
        for name, pins, nets in self.added:
            tied = self.tied.get(name, {})
            for row in nets.tolist():
                instances.append(Instance(f"g{len(instances)}", name, {**tied, **{p: constants.get(n, n) for p, n in zip(pins, row, strict=True)}}))
        return make_netlist(self.name, instances, self.ports, self.library.pin_roles)


def _storing(cell: Cell) -> tuple[str, bool]:
    """(output pin, whether it gives the inverse of the data) of a flip-flop; one that gives the data itself is taken first."""
    if cell.state is None:
        raise InvalidTrace(f"cell '{cell.name}' has no state")
    variable, inverse = cell.state.variables
    stored = any(sign in cell.state.data for sign in "!~'")
    found = {bool(stored) ^ bool(truth_table(p.function, (variable,))[0]): p.name for p in cell.outputs if variable in _names(p.function)}
    found |= {not (bool(stored) ^ bool(truth_table(p.function, (inverse,))[0])): p.name for p in cell.outputs if inverse in _names(p.function)}
    if not found:
        raise InvalidTrace(f"flip-flop '{cell.name}' has no output of its state")
    return (found[False], False) if False in found else (found[True], True)


def _names(function: str) -> set[str]:
    return {*"".join(c if c.isalnum() or c == "_" else " " for c in function).split()}


def _inactive(cell: Cell, used: set[str]) -> dict[str, str]:
    """Clear and preset pins of a flip-flop tied so that they do nothing."""
    found: dict[str, str] = {}
    for function in (cell.state.clear, cell.state.preset) if cell.state else ():
        names = sorted(_names(function))
        if len(names) == 1 and names[0] not in used:
            found[names[0]] = str(int(truth_table(function, names)[0]))
    return found
