"""Operators of the vector pipe by kind: how many vectors, which loop, which rows need a tree."""

from __future__ import annotations

import math
from collections.abc import Callable

from hwsim.core.dtype import dtype
from hwsim.core.op import Op
from hwsim.core.operators import conv_output
from hwsim.targets.manycore.machine import Machine
from hwsim.targets.manycore.simd import FUNCTIONS, Loop, Pass, conversion

NORMS = {"rms": (Loop(vector=3), 1.0), "": (Loop(vector=3), 1.0), "layer": (Loop(vector=5), 2.0)}  # loop of both passes, trees of a row
SCALAR_BYTES = 32.0  # one register holds the partial sums that a tree adds


def _vectors(rows: int, cols: int, m: Machine) -> float:
    return float(rows * math.ceil(cols / m.lanes))


def _row_vectors(rows: int, cols: int, m: Machine) -> float:
    """Vectors of rows that minions share line by line."""
    in_line = m.line // (4 * m.lanes)
    return float(rows * in_line * math.ceil(cols / (m.lanes * in_line)))


def _elementwise(op: Op, converted: float, m: Machine) -> Pass:
    return Pass(_vectors(op["rows"], op["cols"], m), FUNCTIONS[op.function], op["operands"], 1.0, converted)


def _norm(op: Op, converted: float, m: Machine) -> Pass:
    """Two passes: sums (rms: of squares; layer: mean, then squares), then scaling by the root's reciprocal and the gain."""
    loop, trees = NORMS[op.function]
    vectors = _row_vectors(op["rows"], op["cols"], m)
    root = 4.0 * op["rows"] / vectors  # an estimate and two refinements a row
    loop = Loop(vector=loop.vector + root, exponential=op["rows"] / vectors)
    return Pass(vectors, loop, 2.0 + (op["weights"] > 0) + (op["weights"] > 1), 1.0, converted, op["rows"], trees, SCALAR_BYTES)


def _softmax(op: Op, converted: float, m: Machine) -> Pass:
    """Three passes: maximum; difference, exponential and sum; scaling by the sum's reciprocal. A causal mask halves a square."""
    seen = 0.5 * (op["cols"] + 1) if op["causal"] else op["cols"]
    vectors = _row_vectors(op["rows"], math.ceil(seen), m)
    return Pass(vectors, Loop(vector=5, exponential=1, reciprocal=op["rows"] / vectors), 3.0, 2.0, converted, op["rows"], 2.0, SCALAR_BYTES)


def _rope(op: Op, converted: float, m: Machine) -> Pass:
    """Pairs times cosine and sine: two loads of the table, a multiply and a multiply-add; carried heads are copied."""
    heads = op["heads"] + op["carried"]
    rotated = op["heads"] / heads
    return Pass(_vectors(op["rows"] * heads, op["head_dim"], m), Loop(vector=2 * rotated), 1 + 2 * rotated, 1.0, converted)


def _copy(op: Op, converted: float, m: Machine) -> Pass:
    elements = sum(math.prod(shape) for shape in op.results)
    return Pass(math.ceil(elements / m.lanes), Loop(), 1.0, 1.0, converted)


def _pool(op: Op, converted: float, m: Machine) -> Pass:
    taps = op["r"] * op["s"]
    pixels = op["n"] * conv_output(op["h"], op["r"], op.bounds) * conv_output(op["w"], op["s"], op.bounds)
    return Pass(_vectors(pixels, op["c"], m), Loop(vector=taps), float(taps), 1.0, converted)


def _ssm(op: Op, converted: float, m: Machine) -> Pass:
    """A linear recurrence: channels are dealt out, their state stays in registers and L1 scratchpad, steps follow each other.

    With heads, per vector of state: decay and input (two), output; without, the gate, its complement and the sum.
    """
    rows = op["batch"] * op["channels"] * (op["state"] if not op["heads"] else 1) / (m.lanes if not op["heads"] else 1)
    per_row = op["steps"] * (math.ceil(op["state"] / m.lanes) if op["heads"] else 1)
    vectors = math.ceil(rows / m.workers.harts) * m.workers.harts * per_row if rows > m.workers.harts else math.ceil(rows) * per_row
    return Pass(float(vectors), Loop(vector=3), 2.0, 0.0 if op["heads"] else 1.0, converted)


def _combine(op: Op, converted: float, m: Machine) -> Pass:
    return Pass(_vectors(op["rows"], op["cols"], m), Loop(vector=op["top"]), float(op["top"]), 1.0, converted)


def _routing(op: Op, converted: float, m: Machine) -> Pass:
    """Softmax over the experts, then `top` sweeps for the largest."""
    vectors = _row_vectors(op["rows"], op["experts"], m)
    loop = Loop(simple=op["top"], vector=5 + 2 * op["top"], exponential=1, reciprocal=op["rows"] / vectors)
    return Pass(vectors, loop, 3.0, 1.0, converted, op["rows"], 1.0 + op["top"], SCALAR_BYTES)


def _topk(op: Op, converted: float, m: Machine) -> Pass:
    vectors = _row_vectors(op["rows"], op["cols"], m)
    loop = Loop(simple=op["top"], vector=2 * op["top"])
    return Pass(vectors, loop, float(op["top"]), 0.0, converted, op["rows"], float(op["top"]), SCALAR_BYTES)


PASSES: dict[str, Callable[[Op, float, Machine], Pass]] = {
    "elementwise": _elementwise, "norm": _norm, "softmax": _softmax, "rope": _rope, "embedding": _copy, "concat": _copy, "moe_dispatch": _copy,
    "pool": _pool, "moe_combine": _combine, "moe_routing": _routing, "topk": _topk, "ssm": _ssm,
}  # fmt: skip


def vector_pass(op: Op, m: Machine) -> Pass:
    """The loop of an operator of the vector pipe; its format has a conversion."""
    return PASSES[op.kind](op, float(conversion(op.dtype) or 0), m)


def read_bytes(op: Op) -> float:
    """Bytes that an operator reads once: weights, activations and caches."""
    return sum(o.elements * dtype(op.dtype_of(o)).bytes for o in op.operands)
