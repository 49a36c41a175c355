"""Technology tables as primitives: memories, inverters, operators, DRAM devices, wires, vias, wire lengths. They read no chip."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from hwsim.core.arguments import number, whole, word
from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.target import Primitive
from hwsim.readers.technology import ARITHMETIC, technology
from hwsim.tech import dram, operators, rent, scaling, sram_process, wires
from hwsim.tech.sram import Sram, sram

Found = Mapping[str, float]
Given = Mapping[str, Any]
BOUNDARIES = ("core",)


@lru_cache(maxsize=256)
def _memory(size_bytes: int, port_bits: int, node_nm: float, device: str, temperature_k: float) -> Sram:
    return sram(_process(node_nm, device, temperature_k), size_bytes, port_bits)


@lru_cache(maxsize=16)
def _process(node_nm: float, device: str, temperature_k: float) -> sram_process.Process:
    return sram_process.process(technology("sram-process"), node_nm, device, temperature_k)


def sram_access(chip: Chip, arguments: Given, mapping: Given) -> Found:
    """Access time, joules of one access of `port_bits`, leakage and area of a memory; the share of its area that holds cells."""
    operation = word(arguments, "operation", ("read", "write", "idle"))
    bits = whole(arguments, "port_bits", least=8)
    if bits % 8:
        raise InvalidTrace(f"port_bits is a whole number of bytes, got {bits}")
    device = word(arguments, "device_type", sram_process.DEVICES)
    made = _memory(whole(arguments, "bytes"), bits, number(arguments, "node_nm"), device, number(arguments, "temperature_k"))
    energy = {"read": made.read_j, "write": made.write_j, "idle": 0.0}[operation]
    return {"latency_s": made.access_s, "energy_j": energy, "power_w": made.leak_w, "area_mm2": made.area_mm2, "utilisation": made.efficiency}


def inverter_fo4(chip: Chip, arguments: Given, mapping: Given) -> Found:
    """Delay, energy and power of a fan-out-of-4 inverter."""
    table = technology("node-scaling")
    node = scaling.Node(number(arguments, "node_nm"), number(arguments, "vdd_v"), word(arguments, "device_type", scaling.DEVICES))
    return {
        "latency_s": scaling.inverter(table, node, "delay"),
        "energy_j": scaling.inverter(table, node, "energy"),
        "power_w": scaling.inverter(table, node, "power"),
    }


def arithmetic(chip: Chip, arguments: Given, mapping: Given) -> Found:
    """Energy and, where known, area of one operation."""
    tables = operators.Tables(
        technology(ARITHMETIC), technology("arithmetic-7nm"), technology("arithmetic-40nm-aladdin"), technology("arithmetic-area-45nm"),
        technology("node-scaling"),
    )  # fmt: skip
    node = scaling.Node(number(arguments, "node_nm"), number(arguments, "vdd_v"))
    family = arguments["family"]
    made = operators.operator(tables, str(arguments["operation"]), str(arguments["dtype"]), node, family, number(arguments, "clock_ns"))
    return {"energy_j": made.energy_j} | ({} if made.area_mm2 is None else {"area_mm2": made.area_mm2})


def dram_access(chip: Chip, arguments: Given, mapping: Given) -> Found:
    """Joules of one activation or refresh of a device, or of one bit read or written."""
    word(arguments, "boundary", BOUNDARIES)
    part = dram.device(technology("dram-currents"), str(arguments["device"]))
    return {"energy_j": part.energy_j(word(arguments, "operation", dram.OPERATIONS)), "power_w": part.idle_w}


def copper() -> wires.Metal:
    """Copper of the size-effect model."""
    table = technology("metals")
    bulk, surface, _, in_via = table.vector("Cu")
    return wires.Metal(bulk, surface, table.number("surface_length_nm"), in_via)


def wire_rc(chip: Chip, arguments: Given, mapping: Given) -> Found:
    """Resistance and capacitance of a copper wire in a dense array."""
    wire = wires.Geometry(*(number(arguments, n) for n in ("pitch_nm", "barrier_nm", "aspect_ratio", "width_factor")))
    permittivity = number(arguments, "relative_permittivity", least=1.0)
    return {"ohm_per_um": wires.wire_ohm_per_um(wire, copper()), "ff_per_um": wires.wire_f_per_um(wire, permittivity) * 1e15}


def via_resistance(chip: Chip, arguments: Given, mapping: Given) -> Found:
    """Resistance of a copper via between two layers."""
    shape = number(arguments, "aspect_ratio"), number(arguments, "width_factor")
    below, above = (
        wires.Geometry(number(arguments, f"pitch_{side}_nm"), number(arguments, f"barrier_{side}_nm"), *shape) for side in ("below", "above")
    )
    return {"ohm_per_via": wires.via_ohm(below, above, copper(), technology("metals").number("via_taper_deg"))}


def rent_wirelength(chip: Chip, arguments: Given, mapping: Given) -> Found:
    """Mean wire length in gate pitches by Rent's rule; `count`: Davis' number of wires."""
    gates, p = float(whole(arguments, "gates", least=2)), number(arguments, "rent_p", most=1.0)
    if word(arguments, "model", ("davis", "donath")) == "donath":
        return {"gate_pitches": rent.donath_mean(gates, p)}
    if arguments["rent_k"] is None or arguments["mean_fanout"] is None:
        raise InvalidTrace("davis needs rent_k and mean_fanout")
    wires_ = rent.davis_wires(gates, p, number(arguments, "rent_k"), number(arguments, "mean_fanout"))
    return {"gate_pitches": rent.davis_mean(gates, p), "count": wires_}


TECH_PRIMITIVES = (
    Primitive(
        "sram_access", "access time, energy, leakage and area of an SRAM", sram_access,
        {"bytes": None, "port_bits": 64, "node_nm": None, "device_type": "itrs-hp", "temperature_k": 350, "operation": "read"},
    ),
    Primitive("inverter_fo4", "fan-out-of-4 inverter of a node", inverter_fo4, {"node_nm": None, "vdd_v": None, "device_type": "hp"}),
    Primitive(
        "arithmetic", "energy and area of an addition or multiplication", arithmetic,
        {"operation": None, "dtype": None, "node_nm": 45, "vdd_v": 0.9, "family": None, "clock_ns": 1.0}, frozenset({"family"}),
    ),
    Primitive("dram_access", "energy of a DRAM device's core", dram_access, {"device": None, "operation": None, "boundary": "core"}),
    Primitive(
        "wire_rc", "resistance and capacitance of a wire from its pitch", wire_rc,
        {"pitch_nm": None, "barrier_nm": 3.0, "aspect_ratio": 2.0, "width_factor": 1.1, "relative_permittivity": 2.8},
    ),
    Primitive(
        "via_resistance", "resistance of a via from the pitches of its layers", via_resistance,
        {
            "pitch_below_nm": None, "pitch_above_nm": None, "barrier_below_nm": 3.0, "barrier_above_nm": 3.0, "aspect_ratio": 1.0,
            "width_factor": 1.1,
        },
    ),
    Primitive(
        "rent_wirelength", "mean wire length without a netlist", rent_wirelength,
        {"model": None, "gates": None, "rent_p": None, "rent_k": None, "mean_fanout": None}, frozenset({"rent_k", "mean_fanout"}),
    ),
)  # fmt: skip
