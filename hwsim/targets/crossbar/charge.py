"""What every family is charged alike: cells written for an operator, and the bytes of its operands."""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part


@part
def charge_write(op: Any, p: Any, out: Any) -> None:
    """Cells written at each execution: rows one after another on each array, `write_arrays_at_once` arrays at a time; joules per cell."""
    if op.write_rows > 0.0:
        out.write = math.ceil(op.write_rows / p.write_arrays_at_once) * p.write_row_s * p.clock_hz
        out.write_energy = op.write_cells * p.write_cell_j


@part
def charge_bytes(op: Any, out: Any) -> None:
    """Operands read and results written in the buffer, at least once each; weights are used where they are stored."""
    out.buffer_bytes = max(out.buffer_bytes, op.compulsory_bytes - op.weight_bytes, op.input_bytes + op.output_bytes)
    out.cell_bytes = max(0.0, op.compulsory_bytes - out.buffer_bytes - out.interconnect_bytes)
