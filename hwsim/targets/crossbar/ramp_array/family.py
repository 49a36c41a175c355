"""The family of arrays behind shared nonlinear ramps, sized for the network that they run."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hwsim.core.chip import Chip
from hwsim.core.encoding import Fields
from hwsim.core.errors import InvalidMapping
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.core.program import Program, Table
from hwsim.targets.crossbar import spec
from hwsim.targets.crossbar.arrays import Geometry
from hwsim.targets.crossbar.family import Family, Plan
from hwsim.targets.crossbar.fold import applied
from hwsim.targets.crossbar.functional.activation import ACTIVATIONS
from hwsim.targets.crossbar.functional.ramp import MAX_BITS
from hwsim.targets.crossbar.lowering import ACTIVATIONS_PER_UNIT, LSTM_ACTIVATIONS, lowered
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.plan import Rules, stored_plan
from hwsim.targets.crossbar.ramp_array.primitives import PRIMITIVES
from hwsim.targets.crossbar.ramp_array.spec import ADC_CODES, BIT_SERIAL, CODE, RAMPS, SAR
from hwsim.targets.crossbar.stored import Stored

Floats = NDArray[np.float64]
LINEAR_PIECES = ("relu", "relu6", "leaky_relu")  # a linear ramp clipped at its ends, or of two slopes
UNREADABLE = 1.0  # IR drop from which no voltage is left at the far cells
WORK = frozenset({"elementwise", "pool", "lif"})


def plan(graph: Graph, options: Options, chip: Chip) -> Plan:
    """Lay a graph out: every matrix on an array of its own size.

    Raises `InvalidMapping` for bits one after another behind a nonlinear ramp, and for columns that share a ramp's comparator.
    """
    adc, serial = chip.text("adc"), chip.text("input_encoding") == BIT_SERIAL
    if serial and adc == "nl_ramp":
        raise InvalidMapping("input_encoding bit_serial gives partial sums, no input of a nonlinear ramp: state adc sar, mlsa or linear_ramp")
    if chip.number("columns_per_adc") > 1 and adc in RAMPS:
        raise InvalidMapping(f"columns_per_adc: with adc {adc} every column has a comparator of its own; state adc sar or mlsa")
    steps = lowered(graph)

    def refuses(op: Op, matrix: Stored) -> str:
        bits = matrix.input_bits
        return f"inputs of {bits:g} bits; pulses and ramps have {MAX_BITS} at most: state a narrower dtype" if bits > MAX_BITS else ""

    by_ramp = applied(steps, (*ACTIVATIONS, *LINEAR_PIECES))

    def extra(op: Op, matrix: Stored | None) -> Fields:
        return {"in_ramp": float(op.name in by_ramp), "cell_ramp": float(op.attrs.get(ACTIVATIONS_PER_UNIT, 0) == LSTM_ACTIVATIONS)}

    made = stored_plan(steps, options, chip, Rules(Geometry(0, 0, 16.0), digital=WORK, extra=extra, refuses=refuses, assumptions=(
        "one array per matrix, of its size; a signed weight counts as one cell, of the mean conductance of its pair",
        "an activation right after a product is applied by the ramp of its columns, at no further time" if adc == "nl_ramp" else
        "activations are evaluated digitally",
    )))  # fmt: skip
    functions = {op.function for op in steps.ops if op.name in by_ramp} | _recurrent(steps)
    columns = _columns(made)
    numbers = {**made.numbers, "adc_code": ADC_CODES[adc], "bit_serial": float(serial), "columns_used": columns,
               "ramp_functions": float(max(1, len(functions)))}  # fmt: skip
    counted = gate_macs(graph)
    drop = float(ir_drop(spec.PARAMETERS.record(chip), _rows(made.table.rows))[0])
    warnings = made.warnings if drop < UNREADABLE else (*made.warnings, (
        f"the wires of the longest columns ({_rows(made.table.rows):.0f} cells) would drop {drop:.2g} times the read voltage: time, energy and area "
        "are those of the array as published, which does not say how it is read"
    ))  # fmt: skip
    return replace(made, graph=made.graph.with_meta(requested_macs=counted), numbers=numbers, warnings=warnings)


def ir_drop(p: Table, rows: float) -> Floats:
    """Worst IR drop as a share of the read voltage, by rule of thumb: ``r G N^2 / 2`` times the mean input; above about 0.1 values suffer."""
    return np.asarray(p["wire_ohm"] * p["g_mean_s"] * rows**2 / 2 * p["mean_input"])


def _rows(rows: Table) -> float:
    """Cells of the longest column."""
    return float((rows["inputs"] / np.maximum(rows["blocks"], 1)).max(initial=0.0))


def rates(program: Program, params: Table) -> dict[str, Floats]:
    """The worst IR drop."""
    return {"ir_drop": ir_drop(params, _rows(program.rows))}


def _recurrent(graph: Graph) -> set[str]:
    """Functions of the gates, where there are any."""
    return {"sigmoid", "tanh"} if any(ACTIVATIONS_PER_UNIT in op.attrs for op in graph.ops) else set()


def _columns(made: Plan) -> float:
    """Columns of all arrays."""
    used = [made.table.rows[row] for row in made.table.row_of if row >= 0]
    return float(sum(r["outputs"] * r["groups"] * r["duplication"] for r in used))


def gate_macs(graph: Graph) -> float:
    """Multiply-accumulates as the published table counts them: rows x columns of an LSTM's gate matrix (the bias row, not the projection)."""
    total = 0
    for op in graph.ops:
        if op.kind == "lstm":
            rows = op["input_size"] + (op["projection_size"] or op["hidden_size"]) + op["bias_rows"]
            total += op.repeat * op["steps"] * op["batch"] * rows * 4 * op["hidden_size"]
        else:
            total += op.repeat * op.macs
    return float(total)


def area_mm2(p: Table) -> dict[str, Floats]:
    """``columns (a_periphery + rows a_cell)``, and the ramps, or converters that several columns share."""
    cell, code, columns = p["cell_mm2"], p["adc_code"], p["columns_used"]
    cells = p["ramp_functions"] * (2.0 ** p["adc_bits"] + p["calibration_cells"]) * cell
    shared = np.ceil(columns / p["columns_per_adc"])
    converter = np.where(code == SAR, (p["sar_transistors"] + p["sar_transistors_per_bit"] * (p["adc_bits"] - 1)) * p["transistor_mm2"],
                         (2.0 ** p["adc_bits"] - 1) * p["sense_amplifier_mm2"])  # fmt: skip
    ramps = code < SAR
    return {"array": p["cells_used"] * cell, "columns": columns * p["column_mm2"], "ramp": np.where(ramps, cells, 0.0),
            "converters": np.where(ramps, 0.0, shared * converter)}  # fmt: skip


def default_dtype(chip: Chip, kind: str) -> str:
    """The converter's codes are the next inputs: integers of its bits, where there is such a format."""
    bits = int(chip.number("adc_bits"))
    return f"int{bits}" if bits in (2, 3, 4, 5, 6, 8, 16) else "int8"


FAMILY = Family(
    name="ramp_array", code=CODE, rates=rates, about="one array per matrix behind shared ramps", plan=plan, area_mm2=area_mm2,
    options=frozenset({"duplication", "conv_mapping"}), default_dtype=default_dtype, primitives=PRIMITIVES,
    parts={
        "adc": ("adc", "adc_energy", "sample_hold_energy", "columns", "ramp", "converters"), "dac": ("driver_energy",),
        "array": ("array", "array_energy"), "digital": ("digital", "digital_energy"),
        "dynamic": ("array_energy", "driver_energy", "adc_energy", "sample_hold_energy", "accumulation_energy", "digital_energy", "write_energy"),
    },
)  # fmt: skip
