"""Reader of gate-level netlists in Yosys' JSON form (``write_json``), plain or gzipped."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Hashable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from hwsim.core.errors import InvalidTrace, Location, nearest
from hwsim.tech.netlist import CONSTANTS, Instance, Netlist, PinRoles, make_netlist

T = TypeVar("T")
NO_HARDWARE = ("$scopeinfo", "$print", "$check")  # cell types that stand for no gate


def read_netlist(path: Path | str, roles: PinRoles, top: str | None = None) -> Netlist:
    """Read module `top` (default: the one marked as top, or the only one) of a mapped, flat netlist.

    `roles` gives each cell type's pins as ``input``, ``output`` or ``clock``. Raises `InvalidTrace` for a file that is not Yosys JSON, an unknown
    module or cell type, undefined constants (``x``, ``z``), and nets with no driver or several.
    """
    file = Path(path)
    try:
        return netlist_of(_parse(file), roles, top)
    except InvalidTrace as error:
        raise InvalidTrace(error.problem, location=Location(file.name)) from error


def netlist_of(document: Mapping[str, Any], roles: PinRoles, top: str | None = None) -> Netlist:
    """The netlist of a parsed Yosys JSON document. Raises `InvalidTrace`."""
    name, module = _top(document, top)
    return make_netlist(name, _cells(module), _ports(module), roles)


def _parse(file: Path) -> Mapping[str, Any]:
    try:
        data = file.read_bytes()
        text = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
        document = json.loads(text)
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidTrace(f"cannot be read: {error}") from error
    except ValueError as error:
        raise InvalidTrace(f"is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidTrace("is not a Yosys JSON netlist: no 'modules'")
    return document


def _field(holder: Any, key: str, kind: type[T], where: str) -> T:
    """The value of `key`, which must be a `kind`. Raises `InvalidTrace`."""
    value = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(value, kind):
        raise InvalidTrace(f"is not a Yosys JSON netlist: {where} has no '{key}'")
    return value


def _top(document: Mapping[str, Any], top: str | None) -> tuple[str, Mapping[str, Any]]:
    modules = _field(document, "modules", dict, "the file")
    if top is None:
        marked = [n for n in modules if "top" in (modules[n].get("attributes") or {})] if all(isinstance(m, dict) for m in modules.values()) else []
        held = marked or [n for n, m in modules.items() if _field(m, "cells", dict, f"module '{n}'")]
        if len(held) != 1:
            raise InvalidTrace(f"holds {len(modules)} modules ({', '.join(list(modules)[:4])}); name the top one")
        top = held[0]
    if top not in modules:
        raise InvalidTrace(f"holds no module '{top}'{nearest(top, modules)}")
    return top, modules[top]


def _bit(bit: Any, where: str) -> Hashable:
    if (isinstance(bit, int) and not isinstance(bit, bool)) or (isinstance(bit, str) and bit in CONSTANTS):
        return bit
    raise InvalidTrace(f"{where} is connected to '{bit}'; run setundef -zero when synthesising")


def _cells(module: Mapping[str, Any]) -> Iterator[Instance]:
    for name, cell in _field(module, "cells", dict, "the module").items():
        kind = _field(cell, "type", str, f"cell '{name}'")
        if kind in NO_HARDWARE:
            continue
        pins: dict[str, Hashable] = {}
        for pin, bits in _field(cell, "connections", dict, f"cell '{name}'").items():
            if not isinstance(bits, list) or len(bits) > 1:
                raise InvalidTrace(f"pin '{pin}' of cell '{name}' ({kind}) is not one bit wide; map the design to gates first")
            pins[pin] = _bit(bits[0], f"pin '{pin}' of cell '{name}'") if bits else None
        yield Instance(name, kind, pins)


def _ports(module: Mapping[str, Any]) -> Iterator[tuple[str, str, Hashable]]:
    for name, port in _field(module, "ports", dict, "the module").items():
        bits, direction = _field(port, "bits", list, f"port '{name}'"), _field(port, "direction", str, f"port '{name}'")
        offset = port.get("offset", 0)
        wide = len(bits) > 1 or "offset" in port
        for i, bit in enumerate(bits):
            label = f"{name}[{offset + i}]" if wide else name
            yield label, direction, _bit(bit, f"port '{label}'")
