"""The family of tiled chips: ISAAC and PUMA."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hwsim.core.chip import Chip
from hwsim.core.cost import operator_cycles, weighted
from hwsim.core.program import Program, Table
from hwsim.core.target import load_target
from hwsim.engine.analytic import price_rows
from hwsim.targets.crossbar import layout
from hwsim.targets.crossbar.family import Family, Floats
from hwsim.targets.crossbar.tiled.components import area_mm2, static_w
from hwsim.targets.crossbar.tiled.plan import plan
from hwsim.targets.crossbar.tiled.primitives import PRIMITIVES
from hwsim.targets.crossbar.tiled.spec import CODE

PARTS = {
    "adc": ("adc", "adc_energy"), "dac": ("driver_energy", "dac"), "array": ("array", "array_energy"),
    "sample_hold": ("sample_hold", "sample_hold_energy"), "accumulation": ("accumulation", "accumulation_energy", "shift_add", "tile_shift_add"),
    "buffer": ("buffer", "buffer_energy", "input_register", "output_register_ima", "output_register_tile", "edram", "edram_control", "edram_bus",
               "data_memory", "receive_buffer", "attribute_buffer"),
    "interconnect": ("interconnect", "interconnect_energy", "router"),
    "dynamic": tuple(s.name for s in layout.SLOTS if s.quantity == "joules"),
}  # fmt: skip


def stage_cycles(program: Program, params: Table) -> float:
    """Cycles between two inputs when every layer works on another one: the slowest matrix with the digital work that follows it."""
    values = price_rows(load_target("crossbar").price, program, params)
    cycles = operator_cycles(values, program.stages)
    stages: list[float] = [0.0]
    for op, row in zip(program.graph.ops, program.row_of, strict=True):
        if row < 0:
            continue
        if program.rows[row]["kind"] == layout.MATRIX:
            stages.append(0.0)
        stages[-1] += float(cycles[row]) * op.repeat
    return max(stages)


def rates(program: Program, params: Table) -> Mapping[str, Floats]:
    """Layers at work at once, each on its own arrays (none where weights are written): inputs per second, joules of one with leakage."""
    if program.rows["write_cells"].any():
        return {}
    cycles = np.array([stage_cycles(program, params[i : i + 1]) for i in range(len(params))])
    batch = float(program.graph.meta.get("batch", 1))
    if not cycles.all():
        return {}
    seconds = cycles / params["clock_hz"] / batch
    watts = np.sum(list(static_w(params).values()), axis=0)
    joules = np.array([_dynamic_j(program, params[i : i + 1]) for i in range(len(params))]) / batch
    return {"pipelined_inferences_per_s": 1.0 / seconds, "pipelined_inference_j": joules + watts * seconds}


def _dynamic_j(program: Program, params: Table) -> float:
    """Joules of one pass without leakage."""
    values = price_rows(load_target("crossbar").price, program, params)
    joules = [i for i, s in enumerate(program.slots) if s.quantity == "joules"]
    return float(np.asarray(weighted(program.counts, values))[joules].sum())


def default_dtype(chip: Chip, kind: str) -> str:
    """The chip's fixed-point operands."""
    return f"int{int(chip.number('operand_bits'))}"


FAMILY = Family(
    name="tiled", code=CODE, about="tiles of in-situ multiply-accumulate units on a mesh", plan=plan, area_mm2=area_mm2, static_w=static_w,
    options=frozenset({"duplication", "conv_mapping", "reprogram"}), parts=PARTS, primitives=PRIMITIVES, default_dtype=default_dtype, rates=rates,
    structural=frozenset({"chips", "chip_tiles", "cores_per_tile", "units_per_core", "array_count", "array_rows", "array_columns", "bits_per_cell",
                          "bits_per_read", "vector_lanes", "operand_bits", "adc_bits"}),
)  # fmt: skip
