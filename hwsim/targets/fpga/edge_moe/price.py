"""Cycles of Edge-MoE's units: closed forms of its HLS loops, each technique on or off.

A beat of `beat_bits` takes ``beat_bits / port bits`` cycles; a port that streams without pause loses the DDR's refresh, since it has no slack to
catch up. Source of the loops: sharc-lab/Edge-MoE.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.fpga.edge_moe.spec import ATTENTION, EXPERT, FREE, GATE, GELU, LINEAR, PATCH, SOFTMAX, STREAM
from hwsim.targets.fpga.memory import charge_memory


@part
def attention_steps(queries: float, keys: float, parallel: float) -> float:
    """Key (or value) tokens streamed for one product, `parallel` skewed queries per pass: ``ceil((N + p - 1) / p) N``."""
    return float(math.ceil((queries + parallel - 1) / parallel) * keys)


@part
def attention_pass_cycles(queries: float, keys: float, dim: float, parallel: float, lanes: float, beat: float) -> float:
    """Cycles of Q K^T or of A V over all heads: a token of `dim` elements takes ``ceil(dim / lanes)`` beats."""
    return float(attention_steps(queries, keys, parallel) * math.ceil(dim / lanes) * beat)


@part
def unified_linear_cycles(tokens: float, inputs: float, outputs: float, side_in: float, side_out: float) -> float:
    """One block of side_in x side_out weights per cycle."""
    return float(tokens * math.ceil(outputs / side_out) * math.ceil(inputs / side_in))


@part
def weight_load_cycles(inputs: float, outputs: float, weights_per_beat: float, beat: float) -> float:
    """Row after row of the weights: ``o ceil(i / weights per beat)`` beats."""
    return float(outputs * math.ceil(inputs / weights_per_beat) * beat)


@part
def beat_cycles(p: Any) -> float:
    """Cycles of one beat over the device's port."""
    return float(max(1.0, p.beat_bits / p.axi_port_bits))


@part
def refresh_loss(p: Any) -> float:
    """What a port-bound stream takes longer because the DRAM refreshes: ``1 / (1 - tRFC / tREFI)``."""
    return float(1 / (1 - p.ddr_refresh_s / p.ddr_refresh_interval_s))


@part
def price_linear(op: Any, p: Any, out: Any) -> None:
    """A linear layer or the patch embedding: activations in and out beside the products; the weights are staged before."""
    port, elements = beat_cycles(p) * refresh_loss(p), p.beat_bits / op.input_bits
    lanes = p.block_inputs * p.block_outputs
    out.compute = unified_linear_cycles(op.em_tokens, op.em_in, op.em_out, p.block_inputs, p.block_outputs)
    if op.em_task == GATE:
        out.compute = op.em_tokens * op.em_out * p.gate_interval_cycles
        lanes = op.em_in
    elif p.em_separate > 0:
        lanes = p.separate_lanes
        out.compute = op.em_tokens * math.ceil(op.em_in * op.em_out / lanes)
    read = op.em_tokens * math.ceil(op.em_in / elements)
    if op.em_task == PATCH:
        read = math.ceil(op.input_bytes * 8 / p.beat_bits)
    written = op.em_tokens * math.ceil(op.em_out * p.em_activation_bits / p.beat_bits)
    weights = weight_load_cycles(op.em_in, op.em_out, p.beat_bits / op.weight_bits, 1.0)
    out.load, out.store, out.exposed = read * port, written * port, weights * port
    out.roofline = op.macs / lanes
    charge_memory((read + written + weights) * p.beat_bits / 8, p, out)


@part
def price_expert(op: Any, p: Any, out: Any) -> None:
    """One linear layer of all experts of a layer.

    By expert: each active expert's weights load once, while the expert before computes (ping/pong); the last one's products follow. By token: the
    weights of a token's experts load when its turn comes, and nothing hides them.
    """
    port = beat_cycles(p) * refresh_loss(p)
    each = unified_linear_cycles(1.0, op.em_in, op.em_out, p.block_inputs, p.block_outputs)
    lanes = p.block_inputs * p.block_outputs
    if p.em_separate > 0:
        lanes = p.separate_lanes
        each = math.ceil(op.em_in * op.em_out / lanes)
    beats = weight_load_cycles(op.em_in, op.em_out, p.beat_bits / op.weight_bits, 1.0)
    moved = op.em_slots * math.ceil(op.em_in * op.input_bits / p.beat_bits) + op.em_slots * math.ceil(op.em_out * op.input_bits / p.beat_bits)
    out.compute = op.em_slots * each
    if p.em_by_token > 0:
        out.load = op.em_slots * math.ceil(op.em_in * op.input_bits / p.beat_bits) * port
        out.exposed = op.em_slots * beats * port
        moved += op.em_slots * beats
    else:
        out.load = op.em_active * beats * port
        out.exposed = op.em_slots / op.em_active * each
        moved += op.em_active * beats
    out.store = op.em_slots * math.ceil(op.em_out * op.input_bits / p.beat_bits) * port
    out.roofline = op.macs / lanes
    charge_memory(moved * p.beat_bits / 8, p, out)


@part
def price_attention(op: Any, p: Any, out: Any) -> None:
    """Q K^T, softmax, A V of one layer.

    Reordered: `parallel_queries` queries share each streamed key, so the stream shortens by their number. Naive: bandwidth grows with the queries at
    work, so the port allows `naive_queries`. Softmax in a single pass goes along with the products, one (query, key) pair per cycle; in several
    passes it comes between them, an exact function per element and pass.
    """
    queries = p.naive_queries if p.em_naive > 0 else p.parallel_queries
    dim = op.heads * op.head_dim
    pairs = op.batch * op.heads * op.pairs
    if p.em_naive > 0:
        cycles = op.batch * math.ceil(op.q / queries) * op.kv * math.ceil(dim / p.attention_lanes)
    else:
        cycles = op.batch * attention_pass_cycles(op.q, op.kv, dim, queries, p.attention_lanes, 1.0)
    out.compute = 2 * cycles
    beats = 2 * (cycles * p.attention_lanes * op.input_bits / p.beat_bits + op.batch * op.q * math.ceil(dim * op.input_bits / p.beat_bits))
    out.load = 2 * cycles * p.attention_lanes * op.input_bits / p.beat_bits * beat_cycles(p) * refresh_loss(p)
    if p.em_multi_pass > 0:
        out.exposed = pairs * p.softmax_passes * p.exact_function_cycles
    else:
        out.special = pairs
    out.roofline = op.macs / (queries * p.attention_lanes)
    charge_memory(beats * p.beat_bits / 8, p, out)


@part
def price_edge_moe(op: Any, p: Any, out: Any) -> None:
    """Fill cycles, roofline and DDR bytes of one execution. Operands of a residual come over ports of their own."""
    if op.em_task == FREE:
        return
    if op.em_task in (LINEAR, GATE, PATCH):
        price_linear(op, p, out)
    elif op.em_task == EXPERT:
        price_expert(op, p, out)
    elif op.em_task == ATTENTION:
        price_attention(op, p, out)
    elif op.em_task == GELU:
        if p.em_exact > 0:
            out.special = op.em_tokens * op.em_in * p.exact_function_cycles
    elif op.em_task == SOFTMAX:
        out.special = op.em_tokens * op.em_in * (p.softmax_passes * p.exact_function_cycles if p.em_multi_pass > 0 else 1.0)
    elif op.em_task == STREAM:
        beats = op.em_tokens * math.ceil(op.em_in * op.input_bits / p.beat_bits)
        out.load = beats * beat_cycles(p) * refresh_loss(p)
        out.store = out.load
        charge_memory((op.em_operands + 1) * beats * p.beat_bits / 8, p, out)
