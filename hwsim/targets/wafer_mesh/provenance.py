"""Which constants a program reads, and what it takes for granted."""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.core.encoding import OperatorTable
from hwsim.core.graph import Graph
from hwsim.core.target import Mapped
from hwsim.targets.wafer_mesh import layout as L
from hwsim.targets.wafer_mesh.encode import PRODUCTS
from hwsim.targets.wafer_mesh.mapping import SUMS, codes
from hwsim.tech.arithmetic import lmul_note

ALWAYS = ("clock_hz", "cores_marketed", "die_area_mm2", "core_area_mm2", "sram_area_share", "fp16_mac_per_cycle", "hop_cycles", "ramp_cycles")
FP32 = ("fp32_mac_per_cycle",)
GEMV = ("gemv_ramp_cycles", "gemv_fixed_cycles", "fmac_call_cycles", "fmac_cycles_per_mac")
GEMM = ("gemm_step_cycles", "gemm_per_k_cycles", "fmac_call_cycles", "fmac_cycles_per_mac", "call_fixed_cycles", "shift_round_cycles")
ROWS = ("fmac_call_cycles", "transcendental_cycles", "gemv_ramp_cycles")
SHIFT = ("call_fixed_cycles", "shift_round_cycles", "shift_beyond_cycles")
SWITCH = ("operator_switch_cycles",)
VENDOR = ("vendor_allreduce_fixed_cycles", "vendor_allreduce_per_hop_cycles")
BY_ALGORITHM = {"vendor_allreduce": VENDOR, "summa": ("library_call_cycles",), "allgather_gemm": ("software_relay_cycles",)}
ACTIVITY = ("mac_fp16_j", "mac_fp32_j", "sram_j_per_byte", "link_j_per_bit", "core_active_j_per_cycle", "core_idle_w")
T10 = ("t10_relay_cycles", "t10_step_cycles", "t10_word_cycles")
LADDER = ("ladder_collective_cycles", "ladder_word_cycles", "ladder_cycles_per_mac")


def used_params(table: OperatorTable, options: Mapped) -> tuple[str, ...]:
    """Names of the chip's constants that pricing this table with these options reads."""
    kinds = set(table.rows["kind"].astype(int))
    phases = {bool(v) for v in table.rows["decode"]}
    names = [*ALWAYS, *(ACTIVITY if options.get("energy_mode") == "activity" else ("chip_power_w",))]
    system = options.get("system", "waferllm")
    if system != "waferllm":
        return tuple(dict.fromkeys([*names, *(T10 if system == "t10" else LADDER)]))
    if kinds & {L.MATMUL, L.ATTENTION}:
        names += [*(GEMV if True in phases else ()), *(GEMM if False in phases else ())]
    if kinds & {L.NORM, L.SOFTMAX, L.VECTOR, L.ROUTE, L.ATTENTION}:
        names += ROWS
    if kinds & {L.SHIFT, L.ATTENTION}:
        names += SHIFT
    if kinds & {L.FFT}:
        names += ["fmac_call_cycles", "fmac_cycles_per_mac"]
    if (table.rows["fp32"] > 0).any():
        names += FP32
    if (table.rows["in_graph"] > 0).any():
        names += SWITCH
    names += BY_ALGORITHM.get(options.get("algorithm") or "", ())
    return tuple(dict.fromkeys(names))


def product_formats(graph: Graph, table: OperatorTable) -> frozenset[str]:
    """Formats of the products that have a row."""
    return frozenset(op.dtype for op, row in zip(graph.ops, table.row_of, strict=True) if row >= 0 and op.kind in PRODUCTS)


def assumptions(chip: Chip, graph: Graph, table: OperatorTable, options: Mapped, paper: bool) -> tuple[str, ...]:
    """What a program takes for granted, in sentences."""
    notes: list[str] = [f"cycles become seconds at {chip.number('clock_hz') / 1e9:g} GHz"]
    model = graph.meta.get("model")
    if options.get("energy_mode", "nameplate") == "nameplate":
        notes.append("energy is the chip's nameplate power times the latency, as in the published tables (energy_mode=activity counts events)")
    else:
        notes.append("energies per event are assumed; they meet two anchors (30 mW peak per core, fp32 SGEMM at 4.38 kW)")
    if model and paper:
        notes.append(
            "paper_faithful: one layer's time x layers, K and V as wide as Q, no causal mask, one head, no embedding, LM head or hand-over"
        )
        if table.left_out:
            notes.append(f"left out as in the released kernels: {', '.join(table.left_out)}, and what belongs to no layer")
    elif model:
        notes.append("layers are spread over all copies of the grid that the usable cores make (a part of a copy counts as a part)")
        notes.append("lockstep: a causal mask saves energy, not time; heads share the d-wide score and value products")
    if options.get("system", "waferllm") != "waferllm":
        notes.append(f"{options['system']}: a form that reproduces published totals; the physics is a hypothesis")
    if options.get("multiplier") == "lmul":
        share = "a MAC's joules are those of its multiplier and adder; operand movement (SRAM, fabric) and issue keep theirs"
        notes.append(lmul_note(product_formats(graph, table), codes(options), SUMS, share))
    forced, attention = options.get("algorithm") or "", table.rows["kind"] == L.ATTENTION
    if forced in L.GEMM_CODES and attention.any():
        decode = bool((attention & (table.rows["decode"] > 0)).any())
        kept = "matrix-vector products" if decode else "GEMM-T and MeshGEMM"
        notes.append(f"algorithm={forced} holds for the products with weights; the two inside attention keep {kept}")
    return tuple(notes)
