"""Cycles and joules of one operator on tiles: vectors through a stored matrix; `hwsim.targets.crossbar.tiled.digital` prices work beside the arrays.

Pipelined chips (ISAAC): a vector takes its reads, and the next one follows without a gap; fetching it, converting the last read, adding (in the
unit, in the tile), the nonlinear unit and storing take a cycle each, once per operator: 16 reads and 6 cycles for 16-bit inputs. Whatever is slower
than the reads meanwhile (memory, adders, mesh, chip links) holds the pipeline up. Others (PUMA) take the steps of a vector one after another.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.crossbar.layout import DIGITAL, MATRIX
from hwsim.targets.crossbar.tiled.digital import price_digital
from hwsim.targets.crossbar.tiled.energy import charge_matrix
from hwsim.targets.crossbar.tiled.network import least_s, packet_cycles, way_share
from hwsim.targets.crossbar.tiled.placement import column_tiles, copies_together, copy_tiles, mesh_bits, partial_sums
from hwsim.targets.crossbar.tiled.timing import arrays_per_tile, cycle_s, digital_hz, reads

FETCH_AND_STORE, ADD, NONLINEAR = 2.0, 2.0, 1.0  # cycles of ISAAC's pipeline beside the reads and the last conversion


@part
def memory_bits(op: Any, p: Any) -> float:
    """Bits of one vector in and out of tiles' memories: every tile that holds columns of a row reads the inputs of that row."""
    return float(op.active * (op.inputs * op.input_bits * column_tiles(op, p) + op.outputs * op.output_bits))


@part
def memory_s(op: Any, p: Any) -> float:
    """One vector of every copy in and out of a tile's memory, over its bus."""
    bits = copies_together(op, p) * memory_bits(op, p) / copy_tiles(op, p)
    return float(max(math.ceil(bits / p.edram_access_bits) * p.edram_access_s, bits / p.edram_bus_bits / digital_hz(p)))


@part
def partial_sums_s(op: Any, p: Any) -> float:
    """Adding up the row parts of one vector: on the vector lanes of the cores that hold the matrix, or on the adders of its tiles."""
    if p.vector_lanes > 0.0:
        cores = math.ceil(op.arrays / (p.array_count * p.units_per_core))
        return float(partial_sums(op, p) / (p.vector_lanes * cores) / digital_hz(p))
    adders = copy_tiles(op, p) * p.tile_shift_add_count
    return float(partial_sums(op, p) * copies_together(op, p) / adders / digital_hz(p))


@part
def link_s(op: Any, p: Any) -> float:
    """One vector's inputs to the further chips that hold parts of the matrix."""
    further = math.ceil(op.arrays * op.duplication / (arrays_per_tile(p) * p.chip_tiles)) - 1.0
    return float(further * op.active * op.inputs * op.input_bits / 8.0 / p.chip_link_bytes_per_s)


@part
def weights_s(op: Any, p: Any) -> float:
    """Weights that do not stay come over the chip link each time; operands that the chip made itself are there."""
    if op.write_cells > 0.0 and op.weight_bytes > 0.0:
        return float(op.write_cells * p.bits_per_cell / 8.0 / p.chip_link_bytes_per_s)
    return 0.0


@part
def price_tiled(op: Any, p: Any, out: Any) -> None:
    """Fill the slots of one execution of one operator."""
    if op.kind == MATRIX:
        _time_matrix(op, p, out)
        out.interconnect += weights_s(op, p) * p.clock_hz
        charge_matrix(op, p, memory_bits(op, p), out)
    elif op.kind == DIGITAL:
        price_digital(op, p, out)


@part
def _time_matrix(op: Any, p: Any, out: Any) -> None:
    """Cycles of a matrix; the mesh's latency follows from the `packets` of each tile and vector, weighed by their way."""
    wide = op.outputs * op.slices * op.polarity
    cycle = cycle_s(min(wide, p.array_columns), p)
    read_s = reads(op.input_bits, p.bits_per_read) * cycle
    memory, sums, link = memory_s(op, p), partial_sums_s(op, p), link_s(op, p)
    hz = digital_hz(p)
    tiles = max(copy_tiles(op, p), math.ceil(op.arrays * op.duplication / arrays_per_tile(p)))
    packets = math.ceil(mesh_bits(op, p) / op.rounds / tiles / p.packet_bits) * way_share(tiles, p)
    out.array = op.rounds * read_s * p.clock_hz
    if p.pipelined > 0.0:
        interval = max(read_s, memory, sums, link)
        mesh = least_s(packets, hz, p)
        fills = op.rounds if op.recurrent > 0.0 else 1.0
        latency = max(0.0, packet_cycles(packets / (max(interval, mesh) * hz), p) / hz - cycle)
        out.adc = fills * cycle * p.clock_hz
        out.accumulation = (fills * ADD * cycle + op.rounds * max(0.0, sums - read_s)) * p.clock_hz
        out.digital = fills * NONLINEAR * cycle * p.clock_hz
        out.buffer = (fills * FETCH_AND_STORE * cycle + op.rounds * max(0.0, memory - max(read_s, sums))) * p.clock_hz
        waits = max(0.0, max(link, mesh) - max(read_s, memory, sums))
        out.interconnect = (fills * latency + op.rounds * waits) * p.clock_hz
    else:
        serial = read_s + cycle + sums + memory + link
        mesh = max(0.0, least_s(packets, hz, p) - serial)
        latency = packet_cycles(packets / ((serial + mesh) * hz), p) / hz
        out.adc = op.rounds * cycle * p.clock_hz
        out.accumulation = op.rounds * sums * p.clock_hz
        out.buffer = op.rounds * memory * p.clock_hz
        out.interconnect = op.rounds * (mesh + latency + link) * p.clock_hz
    cells = arrays_per_tile(p) * p.chip_tiles * p.chips * p.array_rows * p.array_columns
    out.roofline = op.vectors * op.active * op.inputs * wide / cells * reads(op.input_bits, p.bits_per_read) * p.read_s * p.clock_hz
