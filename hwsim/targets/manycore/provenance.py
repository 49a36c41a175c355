"""What a result says about itself: assumptions, warnings, further figures, supply rails of the slots."""

from __future__ import annotations

import numpy as np

from hwsim.core.encoding import OperatorTable
from hwsim.core.graph import Graph
from hwsim.targets.manycore import layout as L
from hwsim.targets.manycore.lowering import Lowered
from hwsim.targets.manycore.machine import Machine
from hwsim.targets.manycore.mapping import Options
from hwsim.targets.manycore.power import power_numbers
from hwsim.targets.manycore.spec_energy import SUMS
from hwsim.tech.arithmetic import lmul_note

RAIL_KINDS = {
    "tensor_j": "tensor", "instructions_j": "instruction", "l1_j": "l1", "scratchpad_j": "scratchpad", "mesh_j": "mesh", "dram_j": "dram",
    "awake_j": "sync",
}  # fmt: skip
MEBIBYTE = 2.0**20


def figures(lowered: Lowered, m: Machine) -> dict[str, float]:
    """Who takes part, and bytes by where they live."""
    return {"minions": float(m.workers.minions), "shires": float(m.workers.shires), **lowered.residency.figures}


def assumptions(graph: Graph, options: Options, m: Machine, lowered: Lowered) -> tuple[str, ...]:
    """What was assumed about this run, in plain words."""
    rows, found = lowered.table.rows, []
    alone = len(graph.ops) == 1 and not graph.meta.get("model")
    if m.kernels:
        found.append("one queued launch per kernel, with llama.cpp's kernels; the time beyond the launch was fitted on one model's decode")
        found.append("activations pass through L3; L1 and L2 are empty at the start of a kernel; token rows are fetched by the host")
    elif not alone:
        kept = lowered.residency.figures.get("resident_bytes", 0.0)
        found.append(f"steady state: {kept / MEBIBYTE:.1f} MiB of weights and cache stay in the scratchpads, the rest streams every pass")
        found.append("a chip barrier before an operator that reads what other minions made since the last one; operators do not overlap")
    elif options.operand_level != "l2scp":
        found.append("operands are in memory: in L3 when all of them fit it (a repeated run finds them there), otherwise in DRAM")
    if rows["arithmetic"].any():
        found.append("tensor products: A double-buffered, B streamed, lines shared inside a shire; cycles below 16 rows follow the RTL")
    if (rows["unit"] == L.SIMD).any():
        found.append("vector loops are hand-unrolled: their instruction counts are assumed, their issue rates measured")
    if options.multiplier == "lmul":
        numbers = power_numbers(options.model_dump())
        share = f"of what a tensor MAC costs above one of zeros; {numbers['saved_product']:.1%} of what a vector multiply-add costs above an add"
        found.append(lmul_note(product_formats(lowered.table), numbers, SUMS, f"{share}; wires in these differences make it an upper bound"))
    if options.data is None:
        found.append("operand data: energy between that of zeros and of random words, as measured with contents that nobody set")
    return tuple(found)


def product_formats(table: OperatorTable) -> frozenset[str]:
    """Formats that products are computed in: the tensor unit's, fp32 on the scalar and vector pipes."""
    rows = table.rows
    tensor = {name for name, code in L.ARITHMETIC.items() if (rows["arithmetic"] == code).any()}
    return frozenset(tensor | ({"fp32"} if (rows["all_products"] > 0).any() else set()))


def warnings(graph: Graph, table: OperatorTable) -> tuple[str, ...]:
    """What has no measurement behind it."""
    found = []
    if {op.kind for op in graph.ops} & {"conv2d", "attention"} and table.rows["arithmetic"].any():
        found.append("no published run of convolutions or fused attention on this chip with a known mapping: these rest on the mechanisms alone")
    if np.isin(table.rows["arithmetic"], (L.INT8,)).any() and len(graph.ops) > 1:
        found.append("int8 networks: the steps of TensorQuant after a product are assumed (to float, scale, to int8, pack)")
    if any(op.dtype == "bf16" for op in graph.ops):
        found.append("bf16 has no measured rate: one conversion per vector is assumed")
    return tuple(found)
