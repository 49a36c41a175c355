"""The price of one operator on the mesh: which mechanisms it uses, in which order, with which tiles.

`price(op, p, out)` is the only entry: `op` is a record of `layout.OP_DTYPE`, `p` of `spec.PARAMETERS`, `out` has a field per slot of
`layout.SLOTS`.
Cycles of one operator follow each other (the released programs overlap nothing but asynchronous moves, which run on the same core).
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import jit, part
from hwsim.targets.wafer_mesh import layout as L
from hwsim.targets.wafer_mesh.baselines import price_baseline
from hwsim.targets.wafer_mesh.collectives import (
    CHAIN,
    best_groups,
    broadcast_grid,
    ktree_allreduce,
    middle_allreduce,
    reduce_broadcast,
    reduce_grid,
    ring_allreduce,
    vendor_allreduce,
)  # fmt: skip
from hwsim.targets.wafer_mesh.energy import charge, charge_issue
from hwsim.targets.wafer_mesh.gemm import (
    alignment_cycles,
    allgather_transfer,
    cannon_transfer,
    fft_cycles,
    gemv_local_cycles,
    multiply_cycles,
    shift_cycles,
    summa_transfer,
    transpose_cycles,
    virtual_side,
    wavelets,
)  # fmt: skip


@part
def grid_of(op: Any, p: Any) -> tuple[float, float]:
    """Width and height of the program rectangle that this operator's phase runs on."""
    if op.decode > 0:
        return p.decode_w, p.decode_h
    return p.prefill_w, p.prefill_h


@jit
def prepare(p: Any) -> None:
    """Fill the derived fields of a parameter record: the groups of the trees along the decode grid's columns and rows."""
    hop, ramp2 = p.hop_cycles, 2 * p.gemv_ramp_cycles
    p.groups_h = p.groups if p.groups > 0 else best_groups(p.decode_h, hop, ramp2)
    if p.decode_w == p.decode_h:
        p.groups_w = p.groups_h
    else:
        p.groups_w = p.groups if p.groups > 0 and p.decode_w % p.groups == 0 else best_groups(p.decode_w, hop, ramp2)


@part
def mac_cycles(op: Any, p: Any) -> float:
    """Cycles per MAC of a core: measured for fp16 vectors, scaled by the datapath's width for fp32."""
    return float(p.fmac_cycles_per_mac * (p.fp16_mac_per_cycle / p.fp32_mac_per_cycle if op.fp32 > 0 else 1.0))


@part
def line_allreduce(op: Any, p: Any, cores: float, elements: float, out: Any) -> float:
    """Allreduce of `elements` per core along a line, by the algorithm chosen for matrix-vector products."""
    b = wavelets(elements, op.element_bytes)
    hop, ramp2 = p.hop_cycles, 2 * p.gemv_ramp_cycles
    if p.gemv == L.GEMV_PIPELINE:
        return reduce_broadcast(float(CHAIN), cores, b, hop, ramp2)
    if p.gemv == L.GEMV_RING:
        return ring_allreduce(cores, b, hop, ramp2)
    groups = p.groups_h if cores == p.decode_h else p.groups_w if cores == p.decode_w else best_groups(cores, hop, ramp2)
    out.groups = groups
    return ktree_allreduce(cores, groups, b, hop, ramp2)


@part
def price_gemv(op: Any, p: Any, out: Any) -> None:
    """`batch * m` vectors times one matrix: the local product, then one allreduce for all products that share the input (`lead`)."""
    w, h = grid_of(op, p)
    vectors = op.batch * op.m
    kt, nt = math.ceil(op.k / h), math.ceil(op.n / w)
    out.multiply = vectors * gemv_local_cycles(kt, nt, p.fmac_call_cycles, mac_cycles(op, p))
    reduced = 0.0
    if op.lead > 0:
        reduced = vectors * (nt + math.ceil(op.n2 / w) + math.ceil(op.n3 / w))
        out.step = p.gemv_fixed_cycles
        out.allreduce = line_allreduce(op, p, h, reduced, out)
    out.algorithm = p.gemv if p.gemv > 0 else L.MESHGEMV
    charge(op, p, out, vectors * kt * nt * w * h, vectors * kt * w * h, wavelets(reduced, op.element_bytes) * 3 * w * h, w * h)


@part
def gemm_step_parts(op: Any, p: Any, kind: float) -> tuple[float, float, float]:
    """(steps and multiply, align, transfer) cycles of one product by algorithm `kind`; non-square grids work on lcm(w, h) virtual columns."""
    w, h = grid_of(op, p)
    p_ = virtual_side(w, h)
    mt, kt, nt = math.ceil(op.m / h), math.ceil(op.k / p_), math.ceil(op.n / w)
    wx, ww = wavelets(mt * kt, op.element_bytes), wavelets(kt * nt, op.element_bytes)
    hop, turn = p.hop_cycles, 2 * p.ramp_cycles + 1
    work = p_ * multiply_cycles(mt, kt, nt, p.gemm_per_k_cycles, p.fmac_call_cycles, mac_cycles(op, p))
    steps = p.call_fixed_cycles + p_ * p.gemm_step_cycles
    align = alignment_cycles(p_, wx, p.shift_round_cycles) if op.aligned > 0 else 0.0
    if kind == L.SUMMA:
        return work + steps, 0.0, summa_transfer(p_, wx, ww, hop, turn, p.library_call_cycles)
    if kind == L.CANNON:
        return work + steps, align, cannon_transfer(p_, wx, ww, hop, turn)
    if kind == L.ALLGATHER:
        return work + p.call_fixed_cycles, 0.0, allgather_transfer(p_, wx, ww, hop, p.software_relay_cycles)
    if kind == L.MESHGEMM_T:
        return work + steps, 0.0, p_ * wavelets(mt * nt, op.element_bytes) + (hop + turn) * p_
    return work + steps, align, 0.0


@part
def price_gemm(op: Any, p: Any, out: Any) -> None:
    """A distributed matrix product; left to itself it takes the fastest of MeshGEMM, Cannon and SUMMA."""
    w, h = grid_of(op, p)
    kind = p.gemm
    if kind == 0:
        mesh = sum_of(gemm_step_parts(op, p, float(L.MESHGEMM)))
        cannon = sum_of(gemm_step_parts(op, p, float(L.CANNON)))
        summa = sum_of(gemm_step_parts(op, p, float(L.SUMMA)))
        kind = float(L.MESHGEMM)
        if min(cannon, summa) < mesh:
            kind = float(L.CANNON) if cannon <= summa else float(L.SUMMA)
    whole, align, transfer = gemm_step_parts(op, p, kind)
    p_ = virtual_side(w, h)
    mt, kt, nt = math.ceil(op.m / h), math.ceil(op.k / p_), math.ceil(op.n / w)
    work = p_ * multiply_cycles(mt, kt, nt, p.gemm_per_k_cycles, p.fmac_call_cycles, mac_cycles(op, p))
    out.multiply = op.batch * work
    out.step = op.batch * (whole - work)
    out.align = op.batch * align
    out.transfer = op.batch * transfer
    out.algorithm = kind
    moved = p_ * (wavelets(mt * kt, op.element_bytes) + wavelets(kt * nt, op.element_bytes)) * 2
    charge(op, p, out, op.batch * p_ * mt * kt * nt * w * h * op.mac_share, op.batch * p_ * kt * nt * w * h, op.batch * moved * w * h, w * h)


@part
def sum_of(parts: tuple[float, float, float]) -> float:
    """Sum of three figures."""
    return parts[0] + parts[1] + parts[2]


@part
def vector_cycles(op: Any, p: Any, elements: float) -> float:
    """Vector operations over `elements` per core: calls of one instruction each, and scalar evaluations of exp, SiLU and the like."""
    width = p.fp32_mac_per_cycle if op.fp32 > 0 else p.fp16_mac_per_cycle
    calls = op.vector_calls * (p.fmac_call_cycles + math.ceil(elements / width))
    return float(calls + op.transcendental * elements * p.transcendental_cycles)


@part
def price_rows(op: Any, p: Any, out: Any) -> None:
    """Norms, softmax, elementwise, rotary embedding: local vector work and, where a row is spread, allreduces of one value per row.

    In decode a row lies along y, copied along x, and its allreduce is the two-level tree; in prefill it is a chain to the middle column.
    """
    w, h = grid_of(op, p)
    if op.decode > 0:
        local = op.rows * math.ceil(op.cols / h)
        one = line_allreduce(op, p, h, op.rows, out) if op.allreduces > 0 else 0.0
    else:
        rows = math.ceil(op.rows / h)
        local = rows * math.ceil(op.cols / w)
        one = middle_allreduce(w, wavelets(rows, op.element_bytes), p.hop_cycles, 2 * p.gemv_ramp_cycles)
    out.vector = vector_cycles(op, p, local)
    out.allreduce = op.allreduces * one
    charge(op, p, out, 0.0, op.vector_calls * local * w * h, op.allreduces * 3 * w * h, w * h)


@part
def price_attention(op: Any, p: Any, out: Any) -> None:
    """Scores, softmax, weighted sum. The heads of a row share the d-wide product; K and V lie along the other axis than q.

    Decode: two matrix-vector products with an allreduce each, two one-value allreduces of the softmax, and (`shifted`, unless
    the cache is concatenated) one round of the cache shift that keeps its rows level. Prefill: a GEMM-T without alignment, whose partial sums
    chain along x, then a MeshGEMM.
    """
    w, h = grid_of(op, p)
    width = op.heads * op.head_dim
    per_mac = mac_cycles(op, p)
    if op.decode > 0:
        dt, ct = math.ceil(width / h), math.ceil(op.positions / w)
        heads_here = math.ceil(op.heads / h)
        out.multiply = op.rows * (gemv_local_cycles(dt, ct, p.fmac_call_cycles, per_mac) + gemv_local_cycles(ct, dt, p.fmac_call_cycles, per_mac))
        scores, result, ones = op.rows * heads_here * ct, op.rows * dt, op.rows * heads_here
        out.step = 2 * p.gemv_fixed_cycles
        out.allreduce = (
            line_allreduce(op, p, w, scores, out) + line_allreduce(op, p, h, result, out) + 2 * line_allreduce(op, p, h, ones, out)
        )
        out.vector = vector_cycles(op, p, scores)
        if op.shifted > 0 and p.concat == 0:
            tile = wavelets(2 * op.rows * math.ceil(op.kv_heads * op.head_dim / w), op.element_bytes)
            out.transfer = p.call_fixed_cycles + p.shift_round_cycles + 2 * tile
        macs = 2 * op.rows * dt * ct * w * h
        charge(op, p, out, macs, op.rows * (dt + ct) * w * h, 3 * wavelets(scores + result + 2 * ones, op.element_bytes) * w * h, w * h)
        return
    p_ = virtual_side(w, h)
    qt, dt, ct = math.ceil(op.rows / h), math.ceil(width / p_), math.ceil(op.positions / w)
    ck, dn = math.ceil(op.positions / p_), math.ceil(width / w)
    scores = qt * math.ceil(op.heads * op.positions / w) if op.heads > 1 else qt * ct
    hop, turn = p.hop_cycles, 2 * p.ramp_cycles + 1
    out.multiply = p_ * (
        multiply_cycles(qt, dt, ct, p.gemm_per_k_cycles, p.fmac_call_cycles, per_mac)
        + multiply_cycles(qt, ck, dn, p.gemm_per_k_cycles, p.fmac_call_cycles, per_mac)
    )
    out.step = 2 * (p.call_fixed_cycles + p_ * p.gemm_step_cycles)
    out.align = alignment_cycles(p_, wavelets(qt * ck, op.element_bytes), p.shift_round_cycles)
    out.transfer = p_ * wavelets(qt * ct, op.element_bytes) + (hop + turn) * p_
    out.vector = vector_cycles(op, p, scores)
    out.allreduce = 2 * middle_allreduce(w, wavelets(qt, op.element_bytes), hop, 2 * p.gemv_ramp_cycles)
    moved = p_ * 2 * (wavelets(qt * dt, op.element_bytes) + wavelets(dt * ct, op.element_bytes) + wavelets(qt * ct, op.element_bytes))
    charge(op, p, out, op.mac_share * p_ * qt * (dt * ct + ck * dn) * w * h, p_ * (dt * ct + ck * dn) * w * h, moved * w * h, w * h)


@part
def price_collective(op: Any, p: Any, out: Any) -> None:
    """A collective over the program rectangle in isolation, after HPDC'24, or the vendor library's call, or the K-tree."""
    w, h = grid_of(op, p)
    b = wavelets(op.elements, op.element_bytes)
    hop, ramp2 = p.hop_cycles, 2 * p.ramp_cycles
    if op.kind == L.REDUCE:
        out.allreduce = reduce_grid(p.reduce, w, h, b, hop, ramp2)
    elif op.kind == L.BROADCAST:
        out.allreduce = broadcast_grid(w, h, b, hop, ramp2)
    elif op.kind == L.SHIFT:
        out.transfer = shift_cycles(w, p.rounds, b, p.call_fixed_cycles, p.shift_round_cycles, p.shift_beyond_cycles)
    elif p.collective == L.VENDOR:
        out.allreduce = vendor_allreduce(w, h, b, p.vendor_allreduce_fixed_cycles, p.vendor_allreduce_per_hop_cycles)
    else:
        out.allreduce = one_axis(p, out, w, b) + one_axis(p, out, h, b)
    charge(op, p, out, 0.0, op.elements * w * h, max(1.0, p.rounds) * 2 * b * w * h, w * h)


@part
def one_axis(p: Any, out: Any, cores: float, b: float) -> float:
    """Allreduce along one axis: reduce then broadcast, ring, or K-tree; unforced, the fastest."""
    if cores <= 1:
        return 0.0
    hop, ramp2 = p.hop_cycles, 2 * p.ramp_cycles
    there_and_back = reduce_broadcast(p.reduce, cores, b, hop, ramp2)
    if p.collective == L.REDUCE_BROADCAST:
        return there_and_back
    ring = ring_allreduce(cores, b, hop, ramp2)
    if p.collective == L.RING:
        return ring
    groups = p.groups if p.groups > 0 else best_groups(cores, hop, ramp2)
    tree = ktree_allreduce(cores, groups, b, hop, ramp2)
    if tree <= min(there_and_back, ring):
        out.groups = groups
    return min(min(there_and_back, tree), ring)


@part
def price_fft(op: Any, p: Any, out: Any) -> None:
    """A `dims`-dimensional transform of points^dims: pencils of `points` in each core, an all-to-all along a line between dimensions, and back."""
    w, h = grid_of(op, p)
    pencils = math.ceil(op.points ** (op.dims - 1) / (w * h))
    out.multiply = op.batch * op.dims * pencils * fft_cycles(op.points, mac_cycles(op, p), p.fmac_call_cycles)
    if op.dims > 1:
        per_pair = math.ceil(pencils * op.points / w) * op.element_bytes / 4
        out.transfer = op.batch * op.dims * transpose_cycles(w, per_pair, p.hop_cycles)
    flops = 10 * op.points / 2 * math.log2(op.points) * op.dims * pencils
    charge(op, p, out, op.batch * flops / 2 * w * h, 0.0, op.batch * op.dims * pencils * op.points * op.element_bytes / 4 * w / 4 * w * h, w * h)


@part
def price_move(op: Any, p: Any, out: Any) -> None:
    """Rows fetched from where they lie and spread over the grid: the farthest distance, and the row's stream through one ramp."""
    w, h = grid_of(op, p)
    stream = op.rows * wavelets(math.ceil(op.cols / h), op.element_bytes)
    out.transfer = broadcast_grid(w, h, stream, p.hop_cycles, 2 * p.ramp_cycles)
    charge(op, p, out, 0.0, op.rows * op.cols, stream * (w + h), w * h)


@part
def relay_out_cycles(p: Any) -> float:
    """Cycles to lay weights and cache out anew between the phases: each core's content leaves and enters by one ramp, over both grids."""
    farthest = p.prefill_w + p.prefill_h + p.decode_w + p.decode_h
    return float(p.call_fixed_cycles + 2 * p.relaid_wavelets + p.hop_cycles * farthest)


@part
def handover_cycles(op: Any, p: Any) -> float:
    """Cycles to hand the hidden state to the part of the wafer that holds the next layers: one grid's width and the stream of a core's share."""
    w, h = grid_of(op, p)
    share = math.ceil(op.rows / h) if op.decode == 0 else op.rows
    stream = wavelets(share * math.ceil(op.cols / w), op.element_bytes)
    return float(p.call_fixed_cycles + p.hop_cycles * w + stream + 2 * p.ramp_cycles + 1)


@part
def takes_gemv(op: Any, p: Any, out: Any) -> bool:
    """Whether a product runs as matrix-vector products: when forced, when there is one vector, or when it is the faster way for few of them."""
    if p.gemv > 0 and (op.decode > 0 or op.in_graph == 0):
        return True
    if p.gemm > 0 or op.decode == 0:
        return False
    vectors = op.batch * op.m
    if vectors <= 1:
        return True
    w, h = grid_of(op, p)
    kt, nt = math.ceil(op.k / h), math.ceil(op.n / w)
    one_by_one = vectors * gemv_local_cycles(kt, nt, p.fmac_call_cycles, mac_cycles(op, p)) + p.gemv_fixed_cycles
    one_by_one += line_allreduce(op, p, h, vectors * nt, out)
    return bool(one_by_one <= op.batch * sum_of(gemm_step_parts(op, p, float(L.MESHGEMM))))


@jit
def price(op: Any, p: Any, out: Any) -> None:
    """Fill `out` with the cost of one execution of `op`; an operator inside a graph also pays the switch to the next one."""
    w, h = grid_of(op, p)
    if p.system != L.WAFERLLM:
        price_baseline(op, p, out)
        charge_issue(p, out, w * h)
        return
    if op.kind == L.MATMUL:
        if takes_gemv(op, p, out):
            price_gemv(op, p, out)
        else:
            price_gemm(op, p, out)
    elif op.kind == L.ATTENTION:
        price_attention(op, p, out)
    elif op.kind == L.FFT:
        price_fft(op, p, out)
    elif op.kind == L.MOVE:
        price_move(op, p, out)
    elif op.kind >= L.REDUCE:
        price_collective(op, p, out)
    else:
        price_rows(op, p, out)
    if op.in_graph > 0 and op.lead > 0:
        out.switch = p.operator_switch_cycles * (3.0 if op.kind == L.ATTENTION else 1.0)
    if op.relaid > 0 and p.relaid_wavelets > 0:
        out.transfer += relay_out_cycles(p)
    if op.handover > 0:
        out.transfer += (p.decode_handovers if op.decode > 0 else p.prefill_handovers) * handover_cycles(op, p)
    charge_issue(p, out, w * h)
