"""From a block report to the chip file of a core or an array: every constant with the command or the table that gave it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.readers.technology import technology
from hwsim.targets.stdcell.block_search import Block
from hwsim.targets.stdcell.core_layout import CLASSES
from hwsim.tech.scaling import Node, factor, nominal_v
from hwsim.tech.sram import Sram, sram
from hwsim.tech.sram_process import process

LEAST_SRAM_NM, LEAST_SCALED_NM = 22.0, 7.0  # of the SRAM model; of node scaling
LOGIC_V = 0.7  # supply of the libraries below 22 nm
DEVICE, KELVIN = "itrs-hp", 350.0
MEMORY_BITS = 64  # narrowest port that the SRAM model is checked at
ACTIVITY_SPAN = (0.5, 2.0)  # of the default toggle rate
RATE = "nets rise 0.1 times a cycle (range: 0.05 to 0.2)"
STAND_IN = (1024, 32, 218e-12)  # bytes, port bits, access time of the memory that ASAP7's flow uses


@dataclass(frozen=True)
class Line:
    """A constant of a chip file; `low` and `high` None: it has no range."""

    name: str
    value: str
    unit: str
    status: str
    source: str
    low: float | None = None
    high: float | None = None

    def text(self) -> str:
        """As the chip file has it."""
        unit = f", unit: {self.unit}" if self.unit in ("text", '"1"', "cycle", "bit", "byte") else ""
        tail = "" if unit else f" {self.unit}"
        span = "" if self.low is None else f", low: {self.low:.4g}{tail}, high: {self.high:.4g}{tail}"
        return f'  {self.name}: {{value: {self.value}{tail}{unit}{span}, status: {self.status}, source: "{self.source}"}}'


def number(name: str, value: float, unit: str, status: str, source: str, span: tuple[float, float] | None = None) -> Line:
    """A number, in four digits."""
    low, high = (None, None) if span is None else (min(span[0], value), max(span[1], value))
    return Line(name, f"{value:.4g}", unit, status, source, low, high)


def words(name: str, value: str, source: str) -> Line:
    """A word."""
    return Line(name, value, "text", "derived", source)


@dataclass(frozen=True)
class Figures:
    """Of a block, means over its layouts: clock and area with their span, energies of a cycle by part, leakage; `command` that gave them."""

    clock_hz: float
    clock_span: tuple[float, float]
    area_mm2: float
    logic_j: float
    clock_j: float
    leakage_w: float
    command: str


def figures_of(block: Block, command: str) -> Figures:
    """The figures of a block that a chip is made of."""
    points = block.points
    clocks = [p.frequency_hz for p in points]

    def mean(values: list[float]) -> float:
        return float(np.mean(values))

    return Figures(
        mean(clocks), (min(clocks), max(clocks)), mean([p.area_um2 for p in points]) * 1e-6,
        mean([p.power.nets_j + p.power.cells_j for p in points]), mean([p.power.clock_j for p in points]),
        mean([p.power.leakage_w for p in points]), command,
    )  # fmt: skip


def core_lines(f: Figures, rtl: str, cpi: tuple[float, ...], cpi_source: str, same_cycle: bool) -> Iterator[Line]:
    """Constants of a scalar core."""
    yield words("core_block", rtl, f.command)
    timing = "same_cycle" if same_cycle else "own_cycle"
    yield words("memory_timing", timing, f"{rtl}: instruction and data arrive {'with the address' if same_cycle else 'a cycle after the address'}")
    yield number("core_clock_hz", f.clock_hz, "Hz", "derived", f"{f.command}: mean of its layouts, least and most", f.clock_span)
    low, high = (f.clock_j + a * f.logic_j for a in ACTIVITY_SPAN)
    yield number("core_cycle_j", f.clock_j + f.logic_j, "J", "derived", f"{f.command}: {RATE}, and the clock", (low, high))
    yield number("core_leakage_w", f.leakage_w, "W", "derived", f.command)
    yield number("core_area_mm2", f.area_mm2, "mm2", "derived", f.command)
    yield Line("cpi", f"[{', '.join(f'{c:g}' for c in cpi)}]", "cycle", "published", f"{cpi_source}: {', '.join(CLASSES)}")
    yield number("multiplier_ones", 0.5, '"1"', "assumed", "bits of an activation that are 1: half of them if it is uniform", (0.2, 0.6))
    yield number("multiplier_length", 0.875, '"1"', "assumed", "highest 1 of a uniform byte, over its bits: 7 of 8", (0.5, 1.0))


def array_lines(f: Figures, rtl: str, elements: int, rows: int, cols: int) -> Iterator[Line]:
    """Constants of an array whose block has `elements` elements."""
    said = f"{f.command}, over its {elements} elements"
    yield words("array_block", rtl, f.command)
    yield words("dataflows", "os ws is", f"{rtl} keeps results in place (os); ws and is take the same multiplier, adder and registers")
    yield number("rows", rows, '"1"', "derived", "size of the array, chosen")
    yield number("cols", cols, '"1"', "derived", "size of the array, chosen")
    yield number("operand_bits", 8, "bit", "derived", rtl)
    yield number("accumulator_bits", 24, "bit", "derived", rtl)
    yield number("array_clock_hz", f.clock_hz, "Hz", "derived", f"{f.command}: mean of its layouts, least and most; elements talk to neighbours only",
                 f.clock_span)  # fmt: skip
    one = f.logic_j / elements
    yield number("element_mac_j", one, "J", "derived", f"{said}: {RATE}", (ACTIVITY_SPAN[0] * one, ACTIVITY_SPAN[1] * one))
    yield number("element_clock_j", f.clock_j / elements, "J", "derived", f"{said}: the clock")
    yield number("element_leakage_w", f.leakage_w / elements, "W", "derived", said)
    yield number("element_area_mm2", f.area_mm2 / elements, "mm2", "derived", said)
    yield number("output_stage_macs", 6, '"1"', "assumed", "a product of 24 x 16 bits has six times the partial products of 8 x 8", (3.0, 10.0))


def memory_lines(name: str, size_bytes: int, port_bits: int, node_nm: float, bit_cell: tuple[float, str] | None) -> Iterator[Line]:
    """Constants of an SRAM called `name`; `bit_cell` in mm2 with its source. Raises `InvalidTrace` for a size that no array has."""
    made, cool = (_sram(size_bytes, port_bits, max(node_nm, LEAST_SRAM_NM), *kind) for kind in ((DEVICE, KELVIN), ("itrs-lstp", 300.0)))
    base = (f"hwsim primitive sram_access --chip tech-tables --arg bytes={size_bytes} --arg port_bits={port_bits} "
            f"--arg node_nm={max(node_nm, LEAST_SRAM_NM):g} --arg device_type={DEVICE} --arg temperature_k={KELVIN:g}")  # fmt: skip
    energy, delay, how = 1.0, 1.0, ""
    if node_nm < LEAST_SRAM_NM:
        energy, delay = (_factor(kind, max(node_nm, LEAST_SCALED_NM)) for kind in ("energy", "delay"))
        how = f", times {energy:.3g} (node-scaling, energy of logic at {max(node_nm, LEAST_SCALED_NM):g} nm, {LOGIC_V:g} V)"
    size = "hold all its instructions" if name == "imem" else "hold tiles of a network; DRAM behind it"
    yield Line(f"{name}_bytes", f"{size_bytes}", "byte", "derived", f"chosen to {size}")
    if name == "buffer":
        yield number("buffer_port_bytes", port_bits / 8, "byte", "derived", "chosen: a port of twice what the edges of the array take a cycle")
    yield number(f"{name}_read_j", made.read_j * energy, "J", "derived", base + how)
    if name != "imem":
        yield number(f"{name}_write_j", made.write_j * energy, "J", "derived", f"{base} --arg operation=write{how}")
    slow = STAND_IN[2] / _sram(STAND_IN[0], STAND_IN[1], LEAST_SRAM_NM, DEVICE, KELVIN).access_s if how else 1.0
    why = "; low: times node-scaling's delay of logic; high: as much slower as ASAP7's stand-in of 256 x 32 is, 218 ps (ORFS)" if how else ""
    status, span = ("assumed", (made.access_s * delay, made.access_s * max(1.0, slow))) if how else ("derived", None)
    yield number(f"{name}_access_s", made.access_s, "s", status, base + why, span)
    yield number(f"{name}_leakage_w", made.leak_w, "W", "assumed", f"{base} --arg operation=idle; low: itrs-lstp devices at 300 K",
                 (cool.leak_w, made.leak_w))  # fmt: skip
    if how and bit_cell is not None:
        area = size_bytes * 8 * bit_cell[0] / made.efficiency
        yield number(f"{name}_area_mm2", area, "mm2", "derived", f"bits x {bit_cell[1]} over the array efficiency {made.efficiency:.3g} of {base}")
    else:
        yield number(f"{name}_area_mm2", made.area_mm2, "mm2", "derived", base)


def _sram(size_bytes: int, port_bits: int, node_nm: float, device: str, kelvin: float) -> Sram:
    return sram(process(technology("sram-process"), node_nm, device, kelvin), size_bytes, port_bits)


def _factor(kind: str, node_nm: float) -> float:
    table = technology("node-scaling")
    return factor(table, kind, Node(LEAST_SRAM_NM, nominal_v(table, LEAST_SRAM_NM)), Node(node_nm, LOGIC_V))


def dram_lines(kind: str, pins: int, bits_per_s: float) -> Iterator[Line]:
    """Constants of a DRAM of a memory system `kind` of dram-system.yaml."""
    table = technology("dram-system")
    name = f"{kind}_j_per_bit"
    if name not in table.params:
        raise InvalidTrace(f"no energy of memory system '{kind}'; there are {', '.join(n.removesuffix('_j_per_bit') for n in table.params)}")
    param = table.param(name)
    span = None if param.low is None or param.high is None else (param.low, param.high)
    yield number("dram_bytes_per_s", pins * bits_per_s / 8, "B/s", "derived", f"{kind}: {pins} pins of {bits_per_s / 1e9:g} Gb/s")
    yield number("dram_j_per_bit", param.number, "J/bit", param.status, f"dram-system.yaml: {param.source}", span)


def bit_cell_of(stated: Chip, name: str) -> tuple[float, str]:
    """(mm2, source) of the bit cell that a chip or a technology file states. Raises `MissingParameter`."""
    return stated.number(name), f"{stated.number(name) * 1e6:.4g} um2 ({stated.name}, {name}: {stated.param(name).source})"


def chip_text(name: str, title: str, note: str, lines: list[Line]) -> str:
    """The chip file."""
    head = f"schema: hwsim.chip/1\nname: {name}\ntarget: stdcell\ntitle: {title}\nnote: >-\n  {note}\nparams:\n"
    return head + "\n".join(line.text() for line in lines) + "\n"
