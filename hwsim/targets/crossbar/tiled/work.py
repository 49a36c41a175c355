"""Operations of digital operators, by the units that do them."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hwsim.core.op import Op
from hwsim.targets.crossbar.lowering import ACTIVATIONS_PER_UNIT, CELL

PIECEWISE = {"relu": 1, "relu6": 2, "leaky_relu": 2}  # comparisons per element
NONLINEAR = ("sigmoid", "tanh", "exp", "softplus")
GATED = {"silu": 1, "mish": 1, "gelu": 2, "hardswish": 1, "hardsigmoid": 1, "silu_mul": 2, "gelu_mul": 3}  # a function, and so many products
PRODUCTS = ("mul", "div", "scale")
SUMS = ("add", "sub", "bias")
FREE = ("copy", "cast")
CELL_PRODUCTS = {4: 3, 3: 1, 1: 1}  # of an LSTM's update (f c, i g, o h), a GRU's (z (h - n)) and its reset
Work = Mapping[str, float]


def elementwise(op: Op) -> Work:
    """Operations of an elementwise operator."""
    elements = float(math.prod(op.results[0]))
    if CELL in op.attrs:
        each = int(op.attrs[CELL])
        return {"functions": elements * float(op.attrs[ACTIVATIONS_PER_UNIT]), "products": elements * CELL_PRODUCTS[each],
                "additions": elements * (each - CELL_PRODUCTS[each])}  # fmt: skip
    function = op.function
    if function in PIECEWISE:
        return {"comparisons": elements * PIECEWISE[function]}
    if function in NONLINEAR:
        return {"functions": elements}
    if function in GATED:
        products = GATED[function]
        return {"functions": elements, "products": elements * products, "additions": max(0.0, op.elementary - elements * (1 + products))}
    if function == "batch_norm":
        return {"products": elements, "additions": elements}
    if function in PRODUCTS:
        return {"products": elements * max(1, op["operands"] - 1)}
    if function in SUMS:
        return {"additions": elements * max(1, op["operands"] - 1)}
    return {} if function in FREE else {"additions": float(op.elementary)}


def digital_work(op: Op) -> Work:
    """Operations of a digital operator of any kind."""
    elements = float(math.prod(op.results[0]))
    if op.kind == "elementwise":
        return elementwise(op)
    if op.kind == "pool":
        return {"comparisons" if op.function != "average" else "additions": elements * op["r"] * op["s"]}
    if op.kind == "softmax":  # greatest, less it, exponential, sum, share
        return {"comparisons": elements, "functions": elements, "additions": 2 * elements, "products": elements}
    if op.kind == "norm":  # mean and variance, then scale and shift; a root by logarithm and exponential per row
        half = op.elementary / 2
        return {"products": half, "additions": half, "functions": 2.0 * op["rows"]}
    return {"products": op.elementary * 2 / 3, "additions": op.elementary / 3}  # rope: four products and two sums per pair


def pipeline_lacks(op: Op) -> str:
    """Why an operator cannot run on nonlinear, max-pool and shift-and-add units alone; empty when it can."""
    if op.kind == "pool":
        return ""
    if op.kind == "elementwise" and CELL not in op.attrs and op.function in (*PIECEWISE, *NONLINEAR, *SUMS, *FREE):
        return ""
    what = "products of activations" if digital_work(op).get("products") else op.function or op.kind
    return f"the tiles have nonlinear, max-pool and shift-and-add units only, none for {what}"
