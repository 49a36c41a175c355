"""A gate-level netlist: cells, nets and ports as flat arrays, the driver of each net first."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidTrace, nearest

Ints = NDArray[np.int32]
Bits = NDArray[np.int8]
PORT = -1  # `pin_cell` of a pin that is a port of the block
CONSTANTS = {"0": 0, "1": 1}
ROLES = ("input", "output", "clock")
PinRoles = Mapping[str, Mapping[str, str]]  # cell type -> pin -> one of ROLES; "clock" is an input that clocks a flip-flop or latch


@dataclass(frozen=True)
class Port:
    """One bit of the block's boundary: `direction` is ``input`` or ``output``; `net` is -1 where it is tied to `constant` (0 or 1) or unused."""

    name: str
    direction: str
    net: int
    constant: int | None = None


@dataclass(frozen=True)
class Instance:
    """A cell before it is packed into arrays: its name, its type, and the net (or ``"0"``, ``"1"``) at each pin."""

    name: str
    type: str
    pins: Mapping[str, Hashable]


@dataclass(frozen=True, eq=False)
class Netlist:
    """Cells and nets of one flat block.

    `types` are the cell types in use and `cell_type` [cells] indexes them. The pins of net ``i`` are ``net_start[i]:net_start[i + 1]`` of `pin_cell`
    and `pin_name`; its driver is the first of them. `pin_cell` is the cell, or `PORT`; `pin_name` indexes `pin_names`, or `ports` for a port.
    `pin_clock` marks clock pins. Inputs tied to a constant are no part of a net: `tied_cell`, `tied_pin`, `tied_value`. `clock_nets` are the nets
    with at least one clock pin. Arrays are read-only.
    """

    name: str
    types: tuple[str, ...]
    cell_type: Ints
    cell_names: tuple[str, ...]
    ports: tuple[Port, ...]
    pin_names: tuple[str, ...]
    net_start: Ints
    pin_cell: Ints
    pin_name: Ints
    pin_clock: NDArray[np.bool_]
    tied_cell: Ints
    tied_pin: Ints
    tied_value: Bits

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.cell_type)

    @property
    def nets(self) -> int:
        """Number of nets, those without a sink included."""
        return len(self.net_start) - 1

    @property
    def pins(self) -> int:
        """Number of pins on nets, ports included."""
        return len(self.pin_cell)

    @cached_property
    def fanout(self) -> Ints:
        """Sinks of each net [nets]."""
        return (np.diff(self.net_start) - 1).astype(np.int32)

    @cached_property
    def pin_net(self) -> Ints:
        """The net of each pin [pins]."""
        return np.repeat(np.arange(self.nets, dtype=np.int32), np.diff(self.net_start))

    @cached_property
    def pin_drives(self) -> NDArray[np.bool_]:
        """True for the driver of each net [pins]."""
        drives = np.zeros(self.pins, dtype=np.bool_)
        drives[self.net_start[:-1]] = True
        return drives

    @cached_property
    def cell_pins(self) -> tuple[Ints, Ints]:
        """(start [cells + 1], pin [pins of cells]): the pins on nets of cell ``c`` are ``pin[start[c]:start[c + 1]]``."""
        order = np.argsort(self.pin_cell, kind="stable").astype(np.int32)
        order = order[np.count_nonzero(self.pin_cell == PORT) :]
        start = np.zeros(self.cells + 1, dtype=np.int32)
        np.cumsum(np.bincount(self.pin_cell[order], minlength=self.cells), out=start[1:])
        return start, order

    @cached_property
    def clock_nets(self) -> Ints:
        """Nets with at least one clock pin, ascending."""
        return np.unique(self.pin_net[self.pin_clock]).astype(np.int32)

    @cached_property
    def count_of(self) -> dict[str, int]:
        """Cells of each type."""
        counts = np.bincount(self.cell_type, minlength=len(self.types))
        return {name: int(n) for name, n in zip(self.types, counts, strict=True)}

    def of_type(self, figures: Mapping[str, float]) -> NDArray[np.float64]:
        """A figure per cell from a figure per cell type, for example an area [cells]. Raises `InvalidTrace` when a type in use has none."""
        if missing := [name for name in self.types if name not in figures]:
            raise InvalidTrace(f"netlist '{self.name}': no figure for cell type '{missing[0]}'{nearest(missing[0], figures)}")
        return np.array([figures[name] for name in self.types], dtype=np.float64)[self.cell_type]

    def with_cell_types(self, names: Sequence[str]) -> Netlist:
        """The same netlist with every cell's type replaced by `names` [cells] (pins must have the same names)."""
        types = tuple(sorted(set(names)))
        at = {name: i for i, name in enumerate(types)}
        return replace(self, types=types, cell_type=np.array([at[name] for name in names], dtype=np.int32))

    def nx(self) -> nx.MultiDiGraph[Any]:
        """The networkx view: cells by name and ports as ``port:NAME``; an edge, keyed (net, sink pin), from each driver to each sink. O(pins)."""
        graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph(name=self.name)
        for i, name in enumerate(self.cell_names):
            graph.add_node(name, type=self.types[self.cell_type[i]])
        for port in self.ports:
            graph.add_node(f"port:{port.name}", type=port.direction)
        for net in range(self.nets):
            first, last = int(self.net_start[net]), int(self.net_start[net + 1])
            source = self.node(first)
            for pin in range(first + 1, last):
                graph.add_edge(source, self.node(pin), key=(net, self.label(pin)), net=net)
        return graph

    def node(self, pin: int) -> str:
        """Name of the cell, or ``port:NAME`` of the port, that a pin belongs to."""
        cell = int(self.pin_cell[pin])
        return self.cell_names[cell] if cell != PORT else f"port:{self.ports[int(self.pin_name[pin])].name}"

    def label(self, pin: int) -> str:
        """Name of a pin within its cell; of a port, the port's name."""
        return self.pin_names[int(self.pin_name[pin])] if self.pin_cell[pin] != PORT else self.ports[int(self.pin_name[pin])].name


def make_netlist(name: str, cells: Iterable[Instance], ports: Iterable[tuple[str, str, Hashable]], roles: PinRoles) -> Netlist:
    """Pack cells and ports (name, direction, net) into a `Netlist`. O(pins).

    A net is any hashable name; the texts ``"0"`` and ``"1"`` are constants, and ``None`` leaves a pin open. `roles` says which pin of which cell type
    drives. Raises `InvalidTrace` for an unknown cell type or pin, an input left open, and nets with no driver or several.
    """
    return _Packer(name, roles).pack(cells, ports)


class _Packer:
    """Collects pins net by net, then checks and flattens them."""

    def __init__(self, name: str, roles: PinRoles) -> None:
        self.name, self.roles = name, roles
        self.index: dict[Hashable, int] = {}
        self.drivers: list[list[tuple[int, int]]] = []
        self.sinks: list[list[tuple[int, int, bool]]] = []
        self.pin_at: dict[str, int] = {}
        self.tied: list[tuple[int, int, int]] = []
        self.names: list[str] = []
        self.kinds: list[str] = []

    def refuse(self, problem: str) -> InvalidTrace:
        return InvalidTrace(f"netlist '{self.name}': {problem}")

    def net(self, key: Hashable) -> int:
        at = self.index.setdefault(key, len(self.drivers))
        if at == len(self.drivers):
            self.drivers.append([])
            self.sinks.append([])
        return at

    def pack(self, cells: Iterable[Instance], ports: Iterable[tuple[str, str, Hashable]]) -> Netlist:
        for cell in cells:
            self.add_cell(cell)
        found = tuple(self.add_port(i, *port) for i, port in enumerate(ports))
        self.check(found)
        types = tuple(sorted(set(self.kinds)))
        at = {kind: i for i, kind in enumerate(types)}
        flat = [pin for one, many in zip(self.drivers, self.sinks, strict=True) for pin in (*((c, p, False) for c, p in one), *many)]
        start = np.cumsum([0, *(1 + len(many) for many in self.sinks)])
        table = np.array(flat, dtype=np.int32).reshape(-1, 3)
        tied = np.array(self.tied, dtype=np.int32).reshape(-1, 3)
        return Netlist(
            name=self.name,
            types=types,
            cell_type=np.array([at[kind] for kind in self.kinds], dtype=np.int32),
            cell_names=tuple(self.names),
            ports=found,
            pin_names=tuple(self.pin_at),
            net_start=start.astype(np.int32),
            pin_cell=table[:, 0].copy(),
            pin_name=table[:, 1].copy(),
            pin_clock=table[:, 2].astype(np.bool_),
            tied_cell=tied[:, 0].copy(),
            tied_pin=tied[:, 1].copy(),
            tied_value=tied[:, 2].astype(np.int8),
        )

    def add_cell(self, cell: Instance) -> None:
        at = len(self.names)
        self.names.append(cell.name)
        self.kinds.append(cell.type)
        roles = self.roles.get(cell.type)
        if roles is None:
            raise self.refuse(
                f"cell '{cell.name}' is of unknown type '{cell.type}'{nearest(cell.type, self.roles)}; map and flatten the design first"
            )
        for pin, key in cell.pins.items():
            if pin not in roles:
                raise self.refuse(f"cell '{cell.name}' ({cell.type}) has no pin '{pin}'{nearest(pin, roles)}")
            drives, label = roles[pin] == "output", self.pin_at.setdefault(pin, len(self.pin_at))
            if key is None:
                continue
            if isinstance(key, str) and key in CONSTANTS:
                if drives:
                    raise self.refuse(f"output '{pin}' of cell '{cell.name}' is tied to constant {key}")
                self.tied.append((at, label, CONSTANTS[key]))
            elif drives:
                self.drivers[self.net(key)].append((at, label))
            else:
                self.sinks[self.net(key)].append((at, label, roles[pin] == "clock"))
        for pin, role in roles.items():
            if role != "output" and cell.pins.get(pin) is None:
                raise self.refuse(f"input '{pin}' of cell '{cell.name}' ({cell.type}) is open; tie it to a constant")

    def add_port(self, at: int, name: str, direction: str, key: Hashable) -> Port:
        if direction not in ("input", "output"):
            raise self.refuse(f"port '{name}' has direction '{direction}'; input and output can be modelled")
        if key is None:
            return Port(name, direction, -1)
        if isinstance(key, str) and key in CONSTANTS:
            if direction == "input":
                raise self.refuse(f"input port '{name}' is tied to constant {key}")
            return Port(name, direction, -1, CONSTANTS[key])
        net = self.net(key)
        if direction == "input":
            self.drivers[net].append((PORT, at))
        else:
            self.sinks[net].append((PORT, at, False))
        return Port(name, direction, net)

    def check(self, ports: Sequence[Port]) -> None:
        """Every net has exactly one driver. Raises `InvalidTrace`."""
        for key, net in self.index.items():
            if len(self.drivers[net]) == 1:
                continue
            ends = [self.names[c] if c != PORT else f"port {ports[p].name}" for c, p, *_ in (*self.drivers[net], *self.sinks[net])]
            what = "no driver" if not self.drivers[net] else f"{len(self.drivers[net])} drivers"
            raise self.refuse(f"net '{key}' has {what} ({', '.join(ends[:4])}{', ...' if len(ends) > 4 else ''})")
