"""The systolic engine: integer matrix products on a rows x cols array, two 8-bit products in a DSP slice where they share an operand."""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.core.dtype import dtype
from hwsim.core.encoding import Fields, LeftOut, operator_table
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.fpga.dsp import products_per_slice
from hwsim.targets.fpga.engine import Engine, Plan
from hwsim.targets.fpga.layout import OP_DTYPE, common_fields
from hwsim.targets.fpga.mapping import Options
from hwsim.targets.fpga.resources import Resources, bram_of_bytes
from hwsim.targets.fpga.systolic.spec import CODE

PACKED_BITS = 8


def plan(graph: Graph, options: Options, chip: Chip) -> Plan:
    """Lay matrix products out on the array; other operators have no model here."""

    def encode(_: int, op: Op) -> Fields | LeftOut:
        if op.kind != "matmul":
            return LeftOut("a systolic array multiplies matrices")
        if op["pool"] or op["shared"] > 1:
            return LeftOut("products that share or choose their weights")
        input_bits, weight_bits = dtype(op.dtype).bits, dtype(op.weight_dtype).bits
        packed = chip.param("array_packing").value is True
        if dtype(op.dtype).kind not in ("int", "uint") or not products_per_slice(chip, input_bits, weight_bits, shared=packed):
            return LeftOut(f"{op.dtype} x {op.weight_dtype} products do not fit a {chip.text('dsp_type')} slice")
        if packed and max(input_bits, weight_bits) > PACKED_BITS:
            return LeftOut(f"packed slices multiply up to {PACKED_BITS} bits; state dsp_packing: false")
        return {**common_fields(op), "density": 1.0}

    return Plan(graph, operator_table(graph, OP_DTYPE, encode), assumptions=(
        "HLS steady state: no stall between tiles; zeros of sparse weights are multiplied like the rest",
    ))  # fmt: skip


def resources(chip: Chip, options: Options) -> Resources:
    """One DSP slice per cell, or per `dsp_int8_macs` cells when packed; logic per cell and for the array's edge; the buffer in BRAM."""
    cells = chip.number("array_rows") * chip.number("array_cols")
    packed = chip.param("array_packing").value is True
    dsp = cells / (chip.number("dsp_int8_macs") if packed else 1.0)
    return Resources(
        lut=cells * chip.number("cell_lut") + chip.number("array_lut"), ff=cells * chip.number("cell_ff"), dsp=-(-dsp // 1),
        bram=bram_of_bytes(chip.number("array_buffer_bytes")),
    )  # fmt: skip


def peak_macs(chip: Chip, mode: str) -> float:
    """MACs per cycle: one per cell."""
    return chip.number("array_rows") * chip.number("array_cols")


def running_w(chip: Chip, options: Options) -> float:
    """Watts of the products when every cell multiplies 8 x 8 bits in every cycle, operands on chip."""
    return peak_macs(chip, "mm") * chip.number("mac_j") * chip.number("design_clock_hz")


ENGINE = Engine(
    name="systolic", code=CODE, about="integer matrix products on a systolic array", plan=plan, resources=resources, peak_macs=peak_macs,
    running_w=running_w,
    overrides={"rows": "array_rows", "cols": "array_cols", "dsp_packing": "array_packing"},
    structural=frozenset({"array_rows", "array_cols", "array_packing", "array_buffer_bytes", "cell_lut", "cell_ff", "array_lut", "dsp_int8_macs",
                          "dsp_int4_macs"}),
)  # fmt: skip
