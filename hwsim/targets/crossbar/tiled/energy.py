"""Joules of vectors through a stored matrix, component by component: energies per action where they are published, else power times time.

The published power of an array is that of all its cells, so a read costs the share of cells that hold weights; inputs of stated activity scale it
from the half that uniform bits have. Converters, sample-and-hold and shift-and-add are paid per conversion whatever the sharing.
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.crossbar.adc.sar import scaled_with_bits
from hwsim.targets.crossbar.tiled.network import routers_passed, transfer_j
from hwsim.targets.crossbar.tiled.placement import mesh_bits, partial_sums
from hwsim.targets.crossbar.tiled.timing import arrays_per_tile, digital_hz, reads, stated

UNIFORM_BITS = 0.5  # share of ones among the bits of uniform inputs


@part
def array_read_j(p: Any) -> float:
    """One read of a whole array."""
    return float(p.array_w * p.read_s)


@part
def row_drive_j(p: Any) -> float:
    """One row driven for one read."""
    return stated(p.dac_j, p.dac_w * p.read_s)


@part
def conversion_j(p: Any) -> float:
    """One conversion at the chip's resolution."""
    return float(scaled_with_bits(p.adc_j, p.adc_dac_energy_share, p.adc_published_bits, p.adc_bits))


@part
def sample_j(p: Any) -> float:
    """One column sampled and held for one read: the bank's power over the columns of a unit."""
    return float(stated(p.sample_hold_w * p.sample_hold_count, 0.0) * p.read_s / (p.array_count * p.array_columns))


@part
def drivers_per_row(p: Any) -> float:
    """Row drivers of a unit over the rows of its arrays: less than 1 where arrays that hold slices of the same weights share them."""
    return float(p.dac_count / (p.array_count * p.array_rows))


@part
def rows_driven(inputs: float, column_parts: float, p: Any) -> float:
    """Rows that one vector drives."""
    return float(inputs * max(1.0, column_parts * drivers_per_row(p)))


@part
def addition_j(p: Any) -> float:
    """One addition of partial sums."""
    if p.vector_lanes > 0.0:
        return float(p.vector_other_w / digital_hz(p))
    return float(p.shift_add_j)


@part
def registers_j(rows: float, columns: float, p: Any) -> float:
    """Input and output registers of the units for one read, by the share of their rows and columns in use."""
    inputs = stated(p.input_register_w * p.input_register_count, 0.0) * rows / p.dac_count
    outputs = stated(p.output_register_ima_w * p.output_register_ima_count, 0.0) * columns / (p.array_count * p.array_columns)
    return float((inputs + outputs) * p.read_s)


@part
def memory_j(bits: float, p: Any) -> float:
    """Bits in or out of a tile's memory over its bus."""
    return float(bits * (p.edram_j / p.edram_access_bits + p.edram_bus_j))


@part
def tile_control_w(p: Any) -> float:
    """Watts of what a tile needs while it works beside units, memory and router: control, instructions, buffers."""
    found = stated(p.output_register_tile_w * p.output_register_tile_count, 0.0) + stated(p.edram_control_w * p.edram_control_count, 0.0)
    found += stated(p.tile_instruction_memory_w * p.tile_instruction_memory_count, 0.0) + stated(p.tile_control_w * p.tile_control_count, 0.0)
    found += stated(p.attribute_buffer_w * p.attribute_buffer_count, 0.0) + stated(p.receive_buffer_w * p.receive_buffer_count, 0.0)
    return float(found)


@part
def core_control_w(p: Any) -> float:
    """Watts of a core's control, instruction memory and data memory while instructions issue."""
    found = stated(p.core_control_w * p.core_control_count, 0.0) + stated(p.instruction_memory_w * p.instruction_memory_count, 0.0)
    return float(found + stated(p.data_memory_w * p.data_memory_count, 0.0))


@part
def control_j(arrays: float, tile_s: float, issue_s: float, p: Any) -> float:
    """Control of the tiles that hold `arrays` for `tile_s` seconds, and of their cores for the `issue_s` that are no reads of arrays."""
    cores = arrays / (p.array_count * p.units_per_core)
    return float(arrays / arrays_per_tile(p) * tile_s * tile_control_w(p) + cores * issue_s * core_control_w(p))


@part
def charge_matrix(op: Any, p: Any, vector_bits: float, out: Any) -> None:
    """Joules, bytes and conversions of one execution, once its cycles are known; `vector_bits`: in and out of memories, for one vector."""
    vectors, times = op.vectors * op.active, reads(op.input_bits, p.bits_per_read)
    wide = op.outputs * op.slices * op.polarity
    rows = rows_driven(op.inputs, op.column_parts, p)
    columns = wide * op.row_parts
    activity = op.input_activity / UNIFORM_BITS if op.input_activity >= 0.0 else 1.0
    out.conversions = vectors * times * columns
    out.array_energy = vectors * times * activity * op.inputs * wide / (p.array_rows * p.array_columns) * array_read_j(p)
    out.driver_energy = vectors * times * rows * row_drive_j(p)
    out.adc_energy = out.conversions * conversion_j(p)
    out.sample_hold_energy = out.conversions * sample_j(p)
    out.accumulation_energy = out.conversions * p.shift_add_j + op.vectors * partial_sums(op, p) * addition_j(p)
    bits = op.vectors * vector_bits
    issue = (out.accumulation + out.buffer + out.interconnect) / p.clock_hz
    total = issue + (out.array + out.adc + out.digital) / p.clock_hz
    control = control_j(op.arrays * op.duplication, total if p.pipelined > 0.0 else issue, issue, p)
    out.buffer_energy = vectors * times * registers_j(rows, columns, p) + memory_j(bits, p) + control
    out.buffer_bytes = bits / 8.0
    held = op.arrays * op.duplication / arrays_per_tile(p)
    out.interconnect_energy = transfer_j(mesh_bits(op, p), routers_passed(held, p), p)
    out.interconnect_bytes = mesh_bits(op, p) / 8.0
