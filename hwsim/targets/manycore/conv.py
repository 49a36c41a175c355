"""Convolutions: an implicit product per tap on the tensor unit (rows of A: pixels of an output row, padding masked); depthwise ones on SIMD."""

from __future__ import annotations

import math

from hwsim.core.op import Op
from hwsim.core.operators import conv_output
from hwsim.targets.manycore.gemm import Operand, Product
from hwsim.targets.manycore.machine import Machine
from hwsim.targets.manycore.simd import Loop, Pass


def depthwise(op: Op) -> bool:
    """True when a group has one channel in or out: no product that a tile would fill."""
    return op["groups"] > 1 and (op["c"] == op["groups"] or op["k"] == op["groups"])


def output(op: Op) -> tuple[int, int, int, int]:
    """Images, channels, height and width of the result."""
    return op["n"], op["k"], conv_output(op["h"], op["r"], op.bounds), conv_output(op["w"], op["s"], op.bounds)


def conv_product(op: Op, a: Operand, b: Operand, c: Operand, m: Machine) -> Product:
    """The products of a dense or grouped convolution: ``m`` output pixels, ``n`` channels of a group, ``k`` channels of one tap, ``r s`` taps.

    A 1 x 1 convolution of unit stride walks all pixels as one row; otherwise a tile holds pixels of one output row, in equal parts.
    """
    n, channels, high, wide = output(op)
    groups, taps = op["groups"], op["r"] * op["s"]
    plain = taps == 1 and op["stride"] == 1 and op["pad"] == 0
    parts = math.ceil(wide / m.rows)
    return Product(
        groups, n * high * wide, op["c"] // groups, channels // groups, op.dtype, a, b, c, taps=taps,
        runs=0 if plain else n * high * parts, run_rows=0 if plain else math.ceil(wide / parts), reuse=max(1.0, taps / op["stride"] ** 2),
    )  # fmt: skip


def depthwise_pass(op: Op, converted: float, m: Machine) -> Pass:
    """A depthwise convolution, channels last: per vector of output channels a load and a multiply-add for every tap; weights stay in registers."""
    n, channels, high, wide = output(op)
    taps = op["r"] * op["s"] * (op["c"] // op["groups"])
    vectors = n * high * wide * math.ceil(channels / m.lanes)
    return Pass(vectors, Loop(vector=taps), reads=float(taps), writes=1.0, converted=converted)
