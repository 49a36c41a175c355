"""Cycles and joules of vectors through a charge-domain macro.

Inputs enter bit plane after bit plane, the bits of a weight lie on neighbouring columns, each column is converted at every plane, and the datapath
shifts and adds: b input bits take b planes. The input buffer loads the next vector meanwhile; bits beyond what half of it holds are loaded while the
array waits. Charge moves at C V^2; the clock follows V^delay_exponent. Source: Jia et al., JSSC 2020, as recorded in CiMLoop.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.crossbar.layout import MATRIX


@part
def prepare_charge_domain(p: Any) -> None:
    """The clock at this supply, unless one is stated."""
    if p.clock_fixed == 0.0:
        p.clock_hz = p.nominal_clock_hz * (p.voltage_v / p.nominal_v) ** p.delay_exponent


@part
def plane_load_clocks(rows: float, p: Any) -> float:
    """Clocks in which one bit plane of the inputs of an array enters the buffer."""
    return float(math.ceil(min(rows, p.array_rows) / p.port_bits_per_clock))


@part
def exposed_load_clocks(bits: float, rows: float, p: Any) -> float:
    """Clocks of one vector in which the array waits for its inputs: planes that do not fit beside the vector at work, and a port that is too slow."""
    load = plane_load_clocks(rows, p)
    hidden = min(bits, p.buffered_bits)
    return float(hidden * max(0.0, load - p.plane_clocks) + (bits - hidden) * load)


@part
def array_plane_j(cells: float, lines: float, activity: float, p: Any) -> float:
    """One plane: capacitors of `cells` and `lines` row lines that see a one, C V^2 each."""
    return float(activity * (cells * p.cell_f + lines * p.row_line_f / p.reference_activity) * p.voltage_v * p.voltage_v)


@part
def price_charge_domain(op: Any, p: Any, out: Any) -> None:
    """Vectors through one stored matrix; row parts are converted on arrays of their own."""
    if op.kind != MATRIX:
        return
    bits = op.input_bits
    out.array = op.rounds * bits * p.plane_clocks
    out.buffer = op.rounds * exposed_load_clocks(bits, op.inputs, p)

    activity = op.input_activity if op.input_activity >= 0.0 else p.reference_activity
    planes = op.vectors * op.active * bits
    columns = op.outputs * op.slices
    swing = (p.voltage_v / p.nominal_v) ** 2
    converted = planes * columns * op.row_parts
    out.array_energy = planes * array_plane_j(op.inputs * columns, op.inputs * op.column_parts, activity, p)
    out.adc_energy = converted * swing * p.adc_column_j
    out.accumulation_energy = converted * swing * p.datapath_column_j
    out.conversions = converted
    cells = p.arrays * p.array_rows * p.array_columns
    out.roofline = planes * op.inputs * columns / cells * p.plane_clocks
