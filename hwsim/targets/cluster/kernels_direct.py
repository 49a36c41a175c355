"""Convolutions by plain loops over window and channels, and byte products without packed arithmetic: what runs where no library does."""

from __future__ import annotations

from hwsim.core.op import Op
from hwsim.targets.cluster.kernel import Loop, Mix, Work, kernel
from hwsim.targets.cluster.kernels_bytes import one_channel
from hwsim.targets.cluster.kernels_learners import multiply_add
from hwsim.targets.cluster.kernels_plain import matmul as plain_matmul
from hwsim.targets.cluster.machine import Machine

PLAIN = ("rv32im", "rv32imc")
XPULP = ("xpulp", "xpulp_unroll2")
BYTES = ("int8", "uint8")


def dealt(op: Op, m: Machine, body: Mix, taps_a_pass: int, output: Mix, row: Mix) -> Work:
    """Rows of all output channels over the cores; `body` for `taps_a_pass` inputs of a window, `output` for every output, `row` for every row."""
    n, k, height, width = op.results[0]
    rows = m.share(n * k * height)
    outputs = rows.busiest * width
    inputs = op["c"] // op["groups"] * op["r"] * op["s"]
    loops = (
        Loop(body, outputs * -(-inputs // taps_a_pass), balance=rows.balance), Loop(output, outputs, balance=rows.balance),
        Loop(row, rows.busiest, balance=rows.balance),
    )  # fmt: skip
    return Work(loops, barriers=1 if m.cores > 1 else 0, forks=1)


@kernel(
    "conv2d", dtypes=(*BYTES, "int16", "int32", "fp32"), core="xpulp", isa=PLAIN, flows=("",), when=lambda op, m: not one_channel(op, m)
)  # fmt: skip
def conv_plain(op: Op, m: Machine) -> Work:
    """Two loads and a product an input, the window's loop unrolled (5.5 cycles a product on one RV32IMC core of GAP8, benchmarks@f12e260)."""
    arithmetic = multiply_add(m) if op.dtype == "fp32" else Mix(mul=1, alu=1)
    return dealt(op, m, Mix(load=2, load_use=1) + arithmetic, 1, Mix(alu=6, load=1, store=1, taken=1), Mix(alu=6, taken=1))


@kernel("conv2d", dtypes=("int16", "int32", "fp32"), core="xpulp", isa=XPULP, flows=("",))
def conv_words(op: Op, m: Machine) -> Work:
    """Hardware loops: two post-increment loads and a multiply-add, or a dot product of two halves; unrolled, no load stalls it."""
    arithmetic = multiply_add(m) if op.dtype == "fp32" else Mix(mac=1) if op.dtype == "int32" else Mix(sdot=1)
    stall = 1.0 if m.isa == "xpulp" else 0.0
    return dealt(op, m, Mix(load=2, load_use=stall) + arithmetic, 2 if op.dtype == "int16" else 1, Mix(alu=4, load=1, store=1), Mix(alu=6))


@kernel("matmul", dtypes=BYTES, core="xpulp", isa=PLAIN, flows=("",))
def matmul_bytes(op: Op, m: Machine) -> Work:
    """Byte by byte, as words are."""
    return plain_matmul(op, m)
