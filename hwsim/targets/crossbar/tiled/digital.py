"""Work beside the arrays: activations, pooling, sums of tensors, and on chips with vector lanes any arithmetic.

ISAAC's units (nonlinear, max-pool, shift-and-add) take results as they come out of the arrays: only what is slower than the reads of the matrix
before is added to the time. PUMA's lanes and nonlinear units take their turn after the matrix, on the cores that hold it.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.crossbar.tiled.energy import control_j, memory_j
from hwsim.targets.crossbar.tiled.timing import arrays_per_tile, cycle_s, digital_hz, stated


@part
def price_digital(op: Any, p: Any, out: Any) -> None:
    """Fill the slots of one digital operator."""
    if p.vector_lanes > 0.0:
        _on_lanes(op, p, out)
    else:
        _in_the_pipeline(op, p, out)
    bits = op.extra_bits
    out.buffer_energy += memory_j(bits, p)
    out.buffer_bytes = bits / 8.0


@part
def _in_the_pipeline(op: Any, p: Any, out: Any) -> None:
    """Each kind of unit of the tiles works on its own; the slowest counts, less the time of the reads that it runs beside."""
    hz = digital_hz(p)
    nonlinear = op.functions / max(1.0, op.tiles_held * p.sigmoid_unit_count)
    pooled = op.comparisons / max(1.0, op.tiles_held * stated(p.max_pool_count, 1.0))
    added = op.additions / max(1.0, op.tiles_held * stated(p.tile_shift_add_count, 1.0))
    memory = op.extra_bits / max(1.0, op.tiles_held) / p.edram_access_bits * p.edram_access_s
    hidden = op.host_reads * cycle_s(p.array_columns, p)
    out.digital = max(0.0, max(nonlinear, pooled, added) / hz - hidden) * p.clock_hz
    out.buffer = max(0.0, memory - hidden) * p.clock_hz
    out.digital_energy = (op.functions * p.sigmoid_unit_w + op.comparisons * stated(p.max_pool_w, 0.0)) / hz + op.additions * p.shift_add_j


@part
def _on_lanes(op: Any, p: Any, out: Any) -> None:
    """Elements over the lanes and nonlinear units of the cores that hold the matrix before; steps of a recurrent cell one after another."""
    hz = digital_hz(p)
    cores = max(1.0, math.ceil(op.tiles_held * p.cores_per_tile))
    lanes = cores * p.vector_lanes
    steps = op.rounds
    vector = steps * math.ceil((op.products + op.additions + op.comparisons) / steps / lanes)
    nonlinear = steps * math.ceil(op.functions / steps / (cores * p.activation_unit_count))
    memory = op.extra_bits / max(1.0, op.tiles_held) / p.edram_access_bits * p.edram_access_s
    out.digital = (vector + nonlinear) / hz * p.clock_hz
    out.buffer = memory * p.clock_hz
    other = (op.additions + op.comparisons) * p.vector_other_w
    out.digital_energy = (op.products * p.vector_multiply_w + other + op.functions * p.activation_unit_w) / hz
    seconds = (vector + nonlinear) / hz + memory
    out.buffer_energy = control_j(op.tiles_held * arrays_per_tile(p), seconds, seconds, p)
