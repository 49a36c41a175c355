"""The family of SRAM compute-in-memory macros by their gates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from hwsim.core.chip import Chip
from hwsim.core.encoding import Fields
from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.core.program import Table
from hwsim.targets.crossbar.arrays import Geometry
from hwsim.targets.crossbar.family import Family, Floats, Plan
from hwsim.targets.crossbar.full_macro import too_fast
from hwsim.targets.crossbar.gates import adder_mm2, flip_flop_mm2, gate_mm2, tree_adders
from hwsim.targets.crossbar.imc.primitives import run_primitives
from hwsim.targets.crossbar.imc.spec import CODE
from hwsim.targets.crossbar.mapping import Options
from hwsim.targets.crossbar.plan import Rules, stored_plan
from hwsim.targets.crossbar.stored import Stored

NOT_MODELLED = "repeaters, decoupling capacitors, control, buffers and leakage are not in the macro's area and energy"
SHAPE = ("macro_rows", "macro_columns", "columns_per_weight", "macro_banks", "macro_groups")
PARTS = {
    "macro": ("array_energy", "driver_energy", "adc_energy", "accumulation_energy", "cells", "multipliers", "converters", "adders"),
    "array": ("array_energy", "cells", "multipliers"),
    "dac": ("driver_energy", "input_converters"),
    "adc": ("adc_energy", "converters"),
    "accumulation": ("accumulation_energy", "adders"),
}


def area_mm2(p: Table) -> Mapping[str, Floats]:
    """Area of all banks by component, mm2: SRAM with its periphery, one-bit multipliers, converters, adders and accumulators."""
    columns = p["macro_columns"] * p["macro_banks"]
    gate, adder, register = gate_mm2(p), adder_mm2(p), adder_mm2(p) + flip_flop_mm2(p)
    rows = np.maximum(p["macro_rows"], 2.0)
    crossed = np.maximum(p["cross_tree_inputs"], 2.0)
    trees = p["trees_per_output"] * tree_adders(rows, p["tree_input_bits"])
    across = np.where(p["cross_tree_inputs"] > 1.0, tree_adders(crossed, p["cross_tree_bits"]) / p["columns_per_weight"], 0.0)
    accumulators = p["macro_accumulator_bits"] * np.where(p["accumulators_per_row"] > 0.0, p["macro_rows"], 1.0 / p["columns_per_weight"])
    scale = p["node_nm"] / p["gate_node_nm"]
    return {
        "cells": p["macro_banks"] * p["bank_sram_mm2"] * p["bank_sram_overhead"],
        "multipliers": columns * p["macro_rows"] * p["multiplier_bits"] * gate,
        "converters": columns * p["adcs_per_output"] * p["adc_code_mm2"] * 2.0 ** p["macro_adc_area_bits"] * scale,
        "input_converters": 0.0 * columns,  # of no area in the source's forms
        "adders": columns * ((trees + across + p["merge_adder_bits"]) * adder + accumulators * register),
    }


def plan(graph: Graph, options: Options, chip: Chip) -> Plan:
    """Lay a graph out: one array is one group of words of one bank; groups share the bank's columns and wait for each other."""
    whole = {n: int(chip.number(n)) for n in SHAPE}
    weight_bits, input_bits = chip.number("macro_weight_bits"), chip.number("macro_input_bits")
    geometry = Geometry(whole["macro_rows"], whole["macro_columns"] // whole["columns_per_weight"], weight_bits,
                        count=whole["macro_banks"] * whole["macro_groups"], packed=False)  # fmt: skip

    def refuses(op: Op, matrix: Stored) -> str:
        if matrix.weight_bits > weight_bits:
            return f"weights of {matrix.weight_bits:g} bits; {chip.name} holds at most {weight_bits:g}"
        return f"inputs of {matrix.input_bits:g} bits; {chip.name} takes at most {input_bits:g}" if matrix.input_bits > input_bits else ""

    notes = (NOT_MODELLED, "narrow weights take a whole word", "the banks work side by side on the parts of a matrix and on its copies")

    def extra(op: Op, matrix: Stored | None) -> Fields:
        return {} if matrix is None else {"pruned": 1.0 - op.weight_density}

    made = stored_plan(graph, options, chip, Rules(geometry, extra=extra, refuses=refuses, assumptions=notes))
    return replace(made, warnings=(*made.warnings, *too_fast(chip, CODE)))


def default_dtype(chip: Chip, kind: str) -> str:
    """The macro's own width."""
    return f"int{int(chip.number('macro_input_bits'))}"


FAMILY = Family(
    name="imc",
    code=CODE,
    about="SRAM macros counted in unit gates, analog with converters or digital with adder trees",
    plan=plan,
    area_mm2=area_mm2,
    options=frozenset({"duplication", "conv_mapping", "reprogram"}),
    structural=frozenset({*SHAPE, "macro_weight_bits", "macro_input_bits"}),
    parts=PARTS,
    primitives=run_primitives(PARTS, area_mm2),
    default_dtype=default_dtype,
)
