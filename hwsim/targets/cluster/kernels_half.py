"""Half precision on units with packed formats: two elements a word, two multiply-adds an instruction (vfmac.h)."""

from __future__ import annotations

from hwsim.core.op import Op
from hwsim.targets.cluster.kernel import Loop, Mix, Work, kernel
from hwsim.targets.cluster.machine import Machine

HALVES = ("fp16", "bf16")
ISA = ("xpulp", "xpulp_unroll2")
LANES = 2
ADD_LANES = Mix(alu=1, fvec=1)  # the two partial sums of an accumulator


def packed(op: Op, m: Machine) -> bool:
    """True when the chip has packed half precision and the mapping uses its instructions."""
    return m.native and m.chip.number("packed_half") > 0


@kernel("dot", dtypes=HALVES, isa=ISA, core="xpulp", when=packed)
def dot(op: Op, m: Machine) -> Work:
    """Hardware loop: two post-increment loads and a packed multiply-add for two elements; unrolled, no load stalls it."""
    share = m.share(op["elements"] / LANES)
    body = Mix(load=2, fvec=1, load_use=1.0 if m.isa == "xpulp" else 0.0)
    loops = (
        Loop(body, share.busiest, balance=share.balance, pattern="walk"), Loop(ADD_LANES, 1),
        Loop(Mix(load=1, fadd=1, load_use=1), m.cores - 1, sequential=True),
    )  # fmt: skip
    return Work(loops, barriers=1 if m.cores > 1 else 0, forks=1)


@kernel("matmul", dtypes=HALVES, isa=ISA, core="xpulp", when=packed)
def matmul(op: Op, m: Machine) -> Work:
    """Blocks of 2 x 2 results, two values of k a pass: four words loaded, two shuffles that pair B's rows, four packed multiply-adds; rows dealt."""
    pairs = m.share(op["batch"] * -(-op["m"] // 2))
    blocks = pairs.busiest * -(-op["n"] // 2)
    inner = Mix(load=4, alu=2, fvec=4)
    store = 4 * ADD_LANES + Mix(store=2, alu=8)
    loops = (
        Loop(inner, blocks * -(-op["k"] // LANES), balance=pairs.balance), Loop(store, blocks, balance=pairs.balance),
        Loop(Mix(alu=8, load=2), pairs.busiest, balance=pairs.balance),
    )  # fmt: skip
    return Work(loops, barriers=1 if m.cores > 1 else 0, forks=1)
