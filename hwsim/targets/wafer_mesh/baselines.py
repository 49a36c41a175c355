"""T10 and Ladder on the wafer: two compilers that do not know about distance (baselines of WaferLLM, OSDI 2025).

No detail beyond tables of throughput is published. The forms below reproduce them with constants fitted on one model; the physics is a hypothesis:
T10 partitions by core number and relays every transfer core by core; Ladder reads operands wherever they lie, each read a collective over the fabric.
"""

from __future__ import annotations

import math
from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.wafer_mesh import layout as L
from hwsim.targets.wafer_mesh.energy import charge
from hwsim.targets.wafer_mesh.gemm import wavelets


@part
def products_of(op: Any) -> float:
    """Distributed products in one operator: two in attention (scores and weighted sum), one in a matmul."""
    if op.kind == L.ATTENTION:
        return 2.0
    return 1.0 if op.kind == L.MATMUL else 0.0


@part
def tile_words(op: Any, w: float, h: float) -> tuple[float, float, float]:
    """(X wavelets, W wavelets, MACs) per core and step, summed over the operator's products."""
    if op.kind == L.ATTENTION:
        qt, dt, ct = math.ceil(op.rows / h), math.ceil(op.heads * op.head_dim / w), math.ceil(op.positions / w)
        x = wavelets(qt * dt, op.element_bytes) + wavelets(qt * ct, op.element_bytes)
        return x, 2 * wavelets(dt * ct, op.element_bytes), 2.0 * qt * dt * ct
    if op.kind == L.MATMUL:
        mt, kt, nt = math.ceil(op.m / h), math.ceil(op.k / w), math.ceil(op.n / w)
        return wavelets(mt * kt, op.element_bytes), wavelets(kt * nt, op.element_bytes), 1.0 * mt * kt * nt
    return 0.0, 0.0, 0.0


@part
def price_baseline(op: Any, p: Any, out: Any) -> None:
    """Decode: per allreduce, a relay in every core of the line (T10), or a collective and slow remote operands (Ladder).

    Prefill: every step of every product passes its tiles through every core of the line: p^2 times a fixed cost and a cost per word.
    """
    w, h = (p.decode_w, p.decode_h) if op.decode > 0 else (p.prefill_w, p.prefill_h)
    line = max(w, h)
    x_words, w_words, macs = tile_words(op, w, h)
    products = products_of(op)
    if op.decode > 0:
        collectives = op.share if op.kind == L.MATMUL else 4.0 if op.kind == L.ATTENTION else op.allreduces
        if p.system == L.T10:
            out.transfer = collectives * line * p.t10_relay_cycles
        else:
            vectors = op.batch * op.m if op.kind == L.MATMUL else op.rows
            out.transfer = collectives * line * p.ladder_collective_cycles
            out.multiply = p.ladder_cycles_per_mac * (vectors * macs if op.kind == L.MATMUL else macs)
    elif p.system == L.T10:
        out.transfer = line * line * (products * p.t10_step_cycles + w_words * p.t10_word_cycles)
    else:
        out.transfer = line * line * (2 * products * p.ladder_collective_cycles + (x_words + w_words) * p.ladder_word_cycles)
    steps = 1.0 if op.decode > 0 else line
    charge(op, p, out, macs * steps * w * h, 0.0, (x_words + w_words) * steps * line / 2 * w * h, w * h)
    out.multiply = max(out.multiply, out.roofline - out.transfer)  # on a small grid the arithmetic itself is longer than the form
