"""Reader of gate-level netlists: structural Verilog (hierarchy flattened), or Yosys' JSON form, plain or gzipped."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path

from hwsim.core.errors import InvalidTrace, Location, nearest
from hwsim.readers.blocks import read_bytes
from hwsim.readers.netlist_json import read_netlist
from hwsim.readers.verilog_parse import Bit, Bits, Module, Use, label, parse
from hwsim.tech.netlist import Instance, Netlist, PinRoles, make_netlist

VERILOG = (".v", ".vg", ".sv", ".verilog")
LOW = "=0"
CONSTANTS = (LOW, "=1")
SEPARATOR = "."  # of the names of instances inside instances


def read_block(path: Path | str, roles: PinRoles, top: str | None = None) -> Netlist:
    """Read a mapped netlist, by its suffix: structural Verilog (``.v``, ``.v.gz``), else Yosys JSON. Raises `InvalidTrace`."""
    file = Path(path)
    suffixes = [s for s in file.suffixes if s != ".gz"]
    return read_verilog(file, roles, top) if suffixes and suffixes[-1] in VERILOG else read_netlist(file, roles, top)


def read_verilog(path: Path | str, roles: PinRoles, top: str | None = None) -> Netlist:
    """Read module `top` (default: the one that no other uses) of structural Verilog, its hierarchy flattened.

    `roles` gives the pins of each library cell as ``input``, ``output`` or ``clock``. Parameters and attributes are not used. Raises `InvalidTrace`
    with file and line for behaviour, unknown cells, widths that differ, undefined constants; without a line for nets with no driver or several.
    """
    file = Path(path)
    data = read_bytes(file)
    try:
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8")
    except (EOFError, OSError, zlib.error, UnicodeDecodeError) as error:
        raise InvalidTrace(f"cannot be read: {error}", location=Location(file.name)) from error
    try:
        return netlist_of_verilog(text, roles, top, file=file.name)
    except InvalidTrace as error:
        raise error if error.location else InvalidTrace(error.problem, location=Location(file.name)) from error


def netlist_of_verilog(text: str, roles: PinRoles, top: str | None = None, *, file: str = "text") -> Netlist:
    """The netlist of structural Verilog text, as `read_verilog`. O(pins)."""
    modules = parse(text, file)
    chosen = modules[_top(modules, roles, top)]
    flat = _Flattener(modules, roles, file)
    cells = list(flat.cells(chosen, "", (chosen.name,)))
    instances = [Instance(name, kind, {pin: flat.net(bit) for pin, bit in pins.items()}) for name, kind, pins in cells]
    ports = [(_plain(label(bit), chosen), chosen.direction[port], flat.net(bit)) for port in chosen.ports for bit in reversed(chosen.bits(port))]
    return make_netlist(chosen.name, instances, ports, roles)


def _plain(name: str, module: Module) -> str:
    """A port's label: a bus of the range [0:0] is written without an index, as Yosys does."""
    stem = name.removesuffix("[0]")
    return stem if module.span.get(stem) == (0, 0) else name


def _top(modules: Mapping[str, Module], roles: PinRoles, top: str | None) -> str:
    if top is not None:
        if top not in modules:
            raise InvalidTrace(f"holds no module '{top}'{nearest(top, modules)}")
        return top
    used = {use.of for module in modules.values() for use in module.uses}
    free = [name for name in modules if name not in used and name not in roles]
    if len(free) != 1:
        raise InvalidTrace(f"holds {len(modules)} modules, {len(free)} of which no other uses ({', '.join(free[:4])}); name the top one")
    return free[0]


class _Flattener:
    """Walks the hierarchy and joins nets that assignments and ports of instances make one."""

    def __init__(self, modules: Mapping[str, Module], roles: PinRoles, file: str) -> None:
        self.modules, self.roles, self.file = modules, roles, file
        self.parent: dict[Bit, Bit] = {}

    def root(self, bit: Bit) -> Bit:
        """The net that stands for all nets joined with `bit`; the constant, where one is among them."""
        end = bit
        while (up := self.parent.get(end, end)) != end:
            end = up
        while bit != end:
            self.parent[bit], bit = end, self.parent.get(bit, bit)
        return end

    def join(self, one: Bit, other: Bit, line: int) -> None:
        """Make two nets one. Raises `InvalidTrace` for a 0 joined with a 1, and undefined constants."""
        self.defined(one, line)
        self.defined(other, line)
        one, other = self.root(one), self.root(other)
        if one == other:
            return
        if one in CONSTANTS and other in CONSTANTS:
            raise self.refuse("a net is tied to 0 and to 1", line)
        self.parent.update({other: one} if one in CONSTANTS else {one: other})

    def defined(self, bit: Bit, line: int) -> Bit:
        if bit in ("=x", "=z"):
            raise self.refuse(f"undefined constant {bit[1]}: run setundef -zero when synthesising", line)
        return bit

    def refuse(self, problem: str, line: int) -> InvalidTrace:
        return InvalidTrace(problem, location=Location(self.file, line))

    def net(self, bit: Bit | None) -> Hashable:
        """What `make_netlist` takes: a net's name, ``0``, ``1``, or None for an open pin."""
        if bit is None:
            return None
        root = self.root(bit)
        if root in CONSTANTS:
            return root[1:]
        return f"net {root}" if root in ("0", "1") else root

    def cells(self, module: Module, prefix: str, path: tuple[str, ...]) -> Iterator[tuple[str, str, dict[str, Bit | None]]]:
        """(name, type, bit at each pin) of every library cell below `module`."""
        for left, right, line in module.assigns:
            for a, b in zip(left, right, strict=True):
                if a in CONSTANTS:
                    raise self.refuse("a constant is assigned to", line)
                self.join(self.inside(a, prefix), self.inside(b, prefix), line)
        for use in module.uses:
            name = prefix + use.name
            if use.of in self.roles:
                yield name, use.of, {pin: self.pin(use, pin, bits, prefix) for pin, bits in use.pins.items()}
            elif use.of in self.modules:
                if use.of in path:
                    raise self.refuse(f"module '{use.of}' uses itself", use.line)
                inner = self.modules[use.of]
                self.bind(use, inner, prefix, name + SEPARATOR)
                yield from self.cells(inner, name + SEPARATOR, (*path, use.of))
            else:
                known = nearest(use.of, [*self.roles, *self.modules])
                raise self.refuse(f"'{use.name}' is of unknown type '{use.of}': no module here, no cell of the library{known}", use.line)

    @staticmethod
    def inside(bit: Bit, prefix: str) -> Bit:
        return bit if bit.startswith("=") else prefix + bit

    def pin(self, use: Use, pin: str, bits: Bits | None, prefix: str) -> Bit | None:
        if use.ordered:
            raise self.refuse(f"pins of cell '{use.name}' are connected in order: name them", use.line)
        if bits is None:
            return None
        return self.inside(self.defined(self.fitted(bits, 1, use, pin)[0], use.line), prefix)

    def fitted(self, bits: Bits, width: int, use: Use, pin: str) -> Bits:
        """`bits` cut to `width` where what is cut is a constant 0. Raises `InvalidTrace` for other widths."""
        spare = len(bits) - width
        if spare < 0 or any(bit != LOW for bit in bits[:spare]):
            raise self.refuse(f"{len(bits)} bits at pin '{pin}' of '{use.name}' ({use.of}), which has {width}", use.line)
        return bits[spare:]

    def bind(self, use: Use, inner: Module, prefix: str, below: str) -> None:
        """Join the nets at an instance's ports with those inside of it."""
        if use.ordered and len(use.pins) > len(inner.ports):
            raise self.refuse(f"'{use.name}' has {len(use.pins)} connections, module '{inner.name}' {len(inner.ports)} ports", use.line)
        for at, (pin, bits) in enumerate(use.pins.items()):
            port = inner.ports[at] if use.ordered else pin
            if port not in inner.direction:
                raise self.refuse(f"module '{inner.name}' has no port '{port}'{nearest(port, inner.ports)}", use.line)
            if bits is None:
                continue
            own = inner.bits(port)
            for outer, bit in zip(self.fitted(bits, len(own), use, port), own, strict=True):
                self.join(below + bit, self.inside(outer, prefix), use.line)
