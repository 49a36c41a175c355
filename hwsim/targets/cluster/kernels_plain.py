"""Products without packed arithmetic or hardware loops: a triple loop in C, on plain RISC-V and on a Cortex-M; dot products likewise."""

from __future__ import annotations

from hwsim.core.op import Op
from hwsim.targets.cluster.kernel import Loop, Mix, Work, kernel
from hwsim.targets.cluster.kernels_learners import accumulate, multiply_add
from hwsim.targets.cluster.machine import Machine

PLAIN = ("rv32im", "rv32imc", "thumb2")
INTEGERS = ("int32", "int16", "int8")


def product(op: Op, m: Machine, pointers: int) -> Mix:
    """Two loads and a product added to the sum; pointers and branch of a loop that is not unrolled. A Cortex-M indexes as it loads and has MLA."""
    if op.dtype == "fp32":
        arithmetic = multiply_add(m)
    elif m.core == "thumb2":
        arithmetic = Mix(mac=1)
    else:
        arithmetic = Mix(mul=1, alu=1, mul_use=1)
    steps = 1 if m.core == "thumb2" else pointers
    return Mix(load=2, load_use=1, alu=steps, taken=1) + arithmetic


@kernel("matmul", dtypes=("fp32", "int32", "int16"), isa=PLAIN, flows=("",))
def matmul(op: Op, m: Machine) -> Work:
    """Rows of the result over the cores, one result after another."""
    rows = m.share(op["batch"] * op["m"])
    results = rows.busiest * op["n"]
    loops = (
        Loop(product(op, m, 2), results * op["k"], balance=rows.balance), Loop(Mix(alu=5, store=1, taken=1), results, balance=rows.balance),
        Loop(Mix(alu=6, taken=1), rows.busiest, balance=rows.balance),
    )  # fmt: skip
    return Work(loops, barriers=1 if m.cores > 1 else 0, forks=1)


@kernel("dot", dtypes=("fp32", *INTEGERS), isa=PLAIN, flows=("",))
def dot(op: Op, m: Machine) -> Work:
    """Every core walks its contiguous share; core 0 adds the partial sums of the others. On RISC-V both pointers move and are compared."""
    share = m.share(op["elements"])
    add = Mix(load=1, load_use=1) + (accumulate(m) if op.dtype == "fp32" else Mix(alu=1))
    loops = (Loop(product(op, m, 2), share.busiest, balance=share.balance, pattern="walk"), Loop(add, m.cores - 1, sequential=True))
    return Work(loops, barriers=1 if m.cores > 1 else 0, forks=1)


@kernel("dot", dtypes=("int32", "int16"), isa=("xpulp", "xpulp_unroll2"), flows=("",))
def dot_words(op: Op, m: Machine) -> Work:
    """Hardware loop: two post-increment loads and a multiply-add (one element), or a dot product of two halves; unrolled, no load stalls it."""
    packed = 2 if op.dtype == "int16" else 1
    share = m.share(op["elements"] / packed)
    body = Mix(load=2, load_use=0.0 if m.isa == "xpulp_unroll2" else 1.0) + (Mix(sdot=1) if packed == 2 else Mix(mac=1))
    loops = (Loop(body, share.busiest, balance=share.balance, pattern="walk"), Loop(Mix(load=1, alu=1, load_use=1), m.cores - 1, sequential=True))
    return Work(loops, barriers=1 if m.cores > 1 else 0, forks=1)


@kernel("convolve", dtypes=("fp32", *INTEGERS), isa=PLAIN)
def convolve(op: Op, m: Machine) -> Work:
    """Outputs over the cores, a dot product of the overlapping parts for each: cores at the ends have less to do."""
    outputs = op["len_a"] + op["len_b"] - 1
    mine = m.share(outputs)
    shorter = min(op["len_a"], op["len_b"])
    products = min(mine.busiest * shorter, float(op.macs))  # a share in the middle overlaps fully
    loops = (
        Loop(product(op, m, 2), products, balance=op.macs / (m.cores * products)),
        Loop(Mix(alu=10, store=1, taken=1), mine.busiest, balance=mine.balance),
    )
    return Work(loops, barriers=1 if m.cores > 1 else 0, forks=1)
