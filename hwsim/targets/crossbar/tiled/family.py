"""The family of tiled chips: ISAAC and PUMA."""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.targets.crossbar import layout
from hwsim.targets.crossbar.family import Family
from hwsim.targets.crossbar.tiled.components import area_mm2, static_w
from hwsim.targets.crossbar.tiled.plan import plan
from hwsim.targets.crossbar.tiled.primitives import PRIMITIVES
from hwsim.targets.crossbar.tiled.rates import rates
from hwsim.targets.crossbar.tiled.spec import CODE

PARTS = {
    "adc": ("adc", "adc_energy"), "dac": ("driver_energy", "dac"), "array": ("array", "array_energy"),
    "sample_hold": ("sample_hold", "sample_hold_energy"), "accumulation": ("accumulation", "accumulation_energy", "shift_add", "tile_shift_add"),
    "buffer": ("buffer", "buffer_energy", "input_register", "output_register_ima", "output_register_tile", "edram", "edram_control", "edram_bus",
               "data_memory", "receive_buffer", "attribute_buffer"),
    "interconnect": ("interconnect", "interconnect_energy", "router"),
    "dynamic": tuple(s.name for s in layout.SLOTS if s.quantity == "joules"),
}  # fmt: skip


def default_dtype(chip: Chip, kind: str) -> str:
    """The chip's fixed-point operands."""
    return f"int{int(chip.number('operand_bits'))}"


FAMILY = Family(
    name="tiled", code=CODE, about="tiles of in-situ multiply-accumulate units on a mesh", plan=plan, area_mm2=area_mm2, static_w=static_w,
    options=frozenset({"duplication", "conv_mapping", "reprogram"}), parts=PARTS, primitives=PRIMITIVES, default_dtype=default_dtype, rates=rates,
    structural=frozenset({"chips", "chip_tiles", "cores_per_tile", "units_per_core", "array_count", "array_rows", "array_columns", "bits_per_cell",
                          "bits_per_read", "vector_lanes", "operand_bits", "adc_bits", "pipelined"}),
)  # fmt: skip
