"""Which unit computes a product, why another cannot, and the fields of products by unit."""

from __future__ import annotations

import math

from hwsim.core.dtype import block_format, dtype
from hwsim.core.op import Op
from hwsim.core.operators import attended_pairs
from hwsim.targets.manycore import conv
from hwsim.targets.manycore import layout as L
from hwsim.targets.manycore.attention import attention_fields
from hwsim.targets.manycore.gemm import Operand, Product, product_fields
from hwsim.targets.manycore.machine import Machine
from hwsim.targets.manycore.residency import Residency
from hwsim.targets.manycore.simd import BLOCK_LOOPS, Loop, block_fields, conversion, outer_fields, vector_fields
from hwsim.targets.manycore.simd import Pass as VectorPass

Fields = dict[str, float]
MAXIMA = ("modelled", "arithmetic", "tile_rows", "tail_words", "tail2_words", "alone", "hidden", "readers", "fetchers", "all_fetchers",
          "first_level", "first_lines",
          "tree_bytes", "unit", "k_split")  # fmt: skip
GATES = {"lstm": 4, "gru": 3}


def unit_of(op: Op, m: Machine) -> str:
    """The unit that computes a product: the one asked for; the vector pipe for block-quantised weights; otherwise the tensor unit."""
    if m.options.unit:
        return m.options.unit
    return "simd" if op.kind != "attention" and block_format(op.weight_dtype) else "tensor"


def formats(op: Op) -> tuple[str, str]:
    """Names of the formats of the two operands: activations and weights, or queries and cache."""
    if op.kind == "attention":
        return op.dtype, str(op.attrs.get("kv_dtype", op.dtype))
    return op.dtype, op.weight_dtype if op.operand_role == "weight" else op.dtype


def unmodelled(op: Op, m: Machine) -> str:
    """Why no unit computes a product; empty when one does."""
    unit = unit_of(op, m)
    left, right = formats(op)
    block = block_format(right)
    if op.weight_density < 1:
        return "no kernel skips zero weights"
    if op.bounds.get("projection_size", 0):
        return "no kernel of an LSTM projects its output"
    if block and (unit != "simd" or op.kind != "matmul" or right not in BLOCK_LOOPS or conversion(left) is None):
        return f"{right} operands are dequantised by the vector pipe, in matrix products of {', '.join(BLOCK_LOOPS)} weights only"
    if block:
        return ""
    if unit == "tensor":
        return _no_tensor(op, left, right)
    if conversion(left) is None or conversion(right) is None:
        return f"the vector pipe has no conversion from {left if conversion(left) is None else right}"
    if unit == "scalar" and (left, right) != ("fp32", "fp32"):
        return f"scalar loops compute fp32, not {left} with {right}; unit=simd converts"
    return ""


def _no_tensor(op: Op, left: str, right: str) -> str:
    if op.kind == "attention" and left == "fp32" and right == "fp16":
        return ""  # queries are converted
    if left != right:
        return f"the tensor unit multiplies operands of one format, not {left} with {right}; unit=simd converts"
    if left not in L.ARITHMETIC:
        hint = "; unit=simd converts it" if conversion(left) is not None else ""
        return f"the tensor unit computes {', '.join(L.ARITHMETIC)}, not {left}{hint}"
    return ""


def _bytes(op: Op, role: str) -> float:
    """Bytes of the operands that are weights (or a second activation), or of the others."""
    second = [o for o in op.operands if o.name in ("weight", "bias")]
    chosen = second if role == "weight" else [o for o in op.operands if o not in second]
    return sum(o.elements * dtype(op.dtype_of(o)).bytes for o in chosen)


def operands(op: Op, where: Residency) -> tuple[Operand, Operand, Operand]:
    """A (activations), B (weights) and C of a product, with their places; weights may be laid out as they are used."""
    left, right = formats(op)
    width = dtype(op.dtype).bytes
    a = Operand(where.of(op.inputs[0]), dtype(left).bytes, _bytes(op, "activation"))
    b = Operand(where.of(op.inputs[1]), dtype(right).bytes, _bytes(op, "weight"), bound=op.operand_role == "weight")
    return a, b, Operand(where.of(op.outputs[0]), width, op.output_bytes)


def matmul(op: Op, where: Residency, m: Machine) -> Fields:
    """Fields of a matrix product on its unit."""
    a, b, c = operands(op, where)
    batch, rows = op["batch"] // op["shared"], op["m"] * op["shared"]
    if block_format(op.weight_dtype):
        return block_fields(batch, rows, op["k"], op["n"], b.bytes, op.weight_dtype, b.place, a.place, (a.bytes, c.bytes), m)
    if unit_of(op, m) != "tensor":
        return outer_fields(batch, rows, op["k"], op["n"], a.bytes, b.bytes, unit_of(op, m) == "scalar", b.place, c.bytes, formats(op), m)
    runs = math.ceil(op["ragged"] / batch / m.rows) if op["ragged"] else 0
    run_rows = min(m.rows, math.ceil(op["ragged"] / batch)) if op["ragged"] else 0
    return product_fields(Product(batch, rows, op["k"], op["n"], op.dtype, a, b, c, runs=runs, run_rows=run_rows), m)


def convolution(op: Op, where: Residency, m: Machine) -> Fields:
    """Fields of a convolution: products per tap; depthwise on the vector pipe."""
    a, b, c = operands(op, where)
    if conv.depthwise(op):
        work = conv.depthwise_pass(op, float(conversion(op.dtype) or 0), m)
        return {**vector_fields(work, a.bytes + b.bytes, c.bytes, a.place, c.place, m), "all_products": work.vectors * work.loop.vector}
    product = conv.conv_product(op, a, b, c, m)
    if unit_of(op, m) != "tensor":
        k = product.k * product.taps
        return outer_fields(product.batch, product.m, k, product.n, a.bytes, b.bytes, unit_of(op, m) == "scalar", b.place, c.bytes, formats(op), m)
    return product_fields(product, m)


def attention(op: Op, where: Residency, m: Machine) -> Fields:
    """Fields of an attention: the tensor unit, or plain loops for scores and values around a softmax."""
    cache, query, result = where.of(op.inputs[1]), where.of(op.inputs[0]), where.of(op.outputs[0])
    if unit_of(op, m) == "tensor":
        arithmetic = "fp16" if formats(op)[1] == "fp16" else op.dtype
        return attention_fields(op, arithmetic, cache, query, result, m)
    scalar = unit_of(op, m) == "scalar"
    heads, seen = op["batch"] * op["heads"], math.ceil(attended_pairs(op.bounds) / op["q"])
    group = op["heads"] // (op["kv_heads"] or op["heads"])
    cached = _cached_bytes(op)
    fresh = op.input_bytes - cached
    scores = outer_fields(heads // group, op["q"] * group, op["head_dim"], seen, fresh, cached, scalar, cache, 0.0, formats(op), m)
    values = outer_fields(heads // group, op["q"] * group, seen, op["head_dim"], 0.0, 0.0, scalar, cache, op.output_bytes, formats(op), m)
    softmax = VectorPass(heads * op["q"] * math.ceil(seen / m.lanes), Loop(vector=5, exponential=1), 3.0, 2.0, 0.0)
    return added(added(scores, values), vector_fields(softmax, 0.0, 0.0, cache, cache, m))


def _cached_bytes(op: Op) -> float:
    return sum(o.elements * dtype(op.dtype_of(o)).bytes for o in op.operands if o.role == "kv_cache")


def recurrent(op: Op, where: Residency, m: Machine) -> Fields:
    """Fields of an LSTM or GRU: each step is a product of all gates with (input, state), then its functions; a chip barrier between steps.

    Weights come from their place once when they fit the scratchpads, every step otherwise.
    """
    gates, hidden, steps = GATES[op.kind], op["hidden_size"], op["steps"]
    a, b, c = operands(op, where)
    k = op["input_size"] + hidden
    width = dtype(op.dtype).bytes
    a, c = Operand(a.place, width, op["batch"] * k * width), Operand(c.place, width, op["batch"] * gates * hidden * width)
    if unit_of(op, m) == "tensor":
        product = product_fields(Product(1, op["batch"], k, gates * hidden, op.dtype, a, b, c), m)
    else:
        product = outer_fields(
            1, op["batch"], k, gates * hidden, a.bytes, b.bytes, unit_of(op, m) == "scalar", b.place, c.bytes, formats(op), m
        )
    vectors = op["batch"] * math.ceil(hidden / m.lanes)
    loop = Loop(vector=6.0 * gates + 6, exponential=gates + 1.0, reciprocal=gates + 1.0)
    work = VectorPass(vectors, loop, gates + 1.0, 2.0, float(conversion(op.dtype) or 0))
    state = op["batch"] * hidden * width
    step = added(product, vector_fields(work, (gates + 1) * state, 2 * state, c.place, c.place, m))
    every = {name: value if name in MAXIMA else value * steps for name, value in step.items()}
    if b.bytes <= m.on_chip:  # from the second step on, weights lie in the scratchpads of the shires that use them
        every.update({name: step.get(name, 0.0) for name in ("l3_bytes", "remote_bytes", "all_l3", "all_remote")})
        every["dram_load_bytes"] = b.bytes * b.place.dram + op.input_bytes * a.place.dram
    every["inner_barriers"] = steps - 1
    return every


def added(first: Fields, second: Fields) -> Fields:
    """One piece of work after another: quantities add, shapes and flags keep the larger."""
    names = {**first, **second}
    return {n: max(first.get(n, 0), second.get(n, 0)) if n in MAXIMA else first.get(n, 0) + second.get(n, 0) for n in names}
