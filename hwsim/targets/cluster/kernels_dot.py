"""Dot products: plain RV32IM, packed bytes with hardware loops, and floating point.

Structure measured with GVSoC: int32 without Xpulp 11 cycles an element (7 instructions, a load-use
stall, a taken branch); int8 with hardware loop 4 cycles for 4 elements (2 post-increment loads, a stall, a dot product), 3 when unrolled by two.
"""

from __future__ import annotations

from hwsim.core.op import Op
from hwsim.targets.cluster.kernel import Loop, Mix, Work, kernel
from hwsim.targets.cluster.machine import Machine

PLAIN = ("rv32im", "rv32imc")
XPULP = ("xpulp", "xpulp_unroll2")


def dot(body: Mix, elements: int, per_pass: int, add: Mix, m: Machine) -> Work:
    """Every core walks its contiguous share, `per_pass` elements a pass; core 0 adds the partial sums of the others."""
    share = m.share(elements / per_pass)
    loops = (Loop(body, share.busiest, balance=share.balance, pattern="walk"), Loop(add, m.cores - 1, sequential=True))
    return Work(loops, barriers=1 if m.cores > 1 else 0, forks=1)


@kernel("dot", dtypes=("int32",), isa=PLAIN)
def dot_int32(op: Op, m: Machine) -> Work:
    """Two loads, multiply, add, two pointers and the branch of every element."""
    return dot(Mix(load=2, mul=1, alu=3, taken=1, load_use=1, mul_use=1), op["elements"], 1, Mix(load=1, alu=1, load_use=1), m)


@kernel("dot", dtypes=("int8", "uint8"), isa=XPULP)
def dot_int8(op: Op, m: Machine) -> Work:
    """Two post-increment loads and a packed dot product for four elements; the stall disappears when unrolled."""
    stall = 1.0 if m.isa == "xpulp" else 0.0
    return dot(Mix(load=2, sdot=1, load_use=stall), op["elements"], 4, Mix(load=1, alu=1, load_use=1), m)


@kernel("dot", dtypes=("fp32",), isa=XPULP)
def dot_fp32(op: Op, m: Machine) -> Work:
    """Two post-increment loads and a fused multiply-add an element; unrolled, the loads no longer stall it."""
    stall = 1.0 if m.isa == "xpulp" else 0.0
    return dot(Mix(load=2, fma=1, load_use=stall), op["elements"], 1, Mix(load=1, fadd=1, load_use=1), m)
