"""Single-precision signal processing on one core or shared over a team, plain C: passes over vectors, statistics, products, FFT.

They serve what no tuned kernel serves (feature extraction on a Cortex-M, elementwise passes on a cluster). Emulated where there is no FPU.
"""

from __future__ import annotations

from hwsim.core.op import Op
from hwsim.targets.cluster.kernel import Loop, Mix, Work, kernel
from hwsim.targets.cluster.kernels_learners import FLOATS, multiply_add
from hwsim.targets.cluster.machine import Machine

LOOP = Mix(alu=2, taken=1)
UNROLL = 4  # elements between two branches


def streamed(op: Op, m: Machine, elements: float, body: Mix) -> Work:
    """A pass over `elements`, contiguous shares over the cores."""
    dealt = m.share(elements)
    return Work((Loop(body + (1 / UNROLL) * LOOP, dealt.busiest, balance=dealt.balance),), barriers=1.0 if m.cores > 1 else 0.0, forks=1.0)


@kernel("elementwise", dtypes=FLOATS)
def elementwise(op: Op, m: Machine) -> Work:
    """Loads of the operands, the function's elementary operations (half of them products), a store."""
    work = op.elementary / (op["rows"] * op["cols"])
    return streamed(op, m, op["rows"] * op["cols"], Mix(load=op["operands"], fmul=work / 2, fadd=work / 2, store=1))


@kernel("norm", dtypes=FLOATS)
def statistics(op: Op, m: Machine) -> Work:
    """Two passes over every row (mean, deviation and the normalised values), a square root and a division per row."""
    work = op.elementary / (op["rows"] * op["cols"])
    rows = m.share(op["rows"])
    body = Mix(load=2, fmul=work / 2, fadd=work / 2, store=1) + (2 / UNROLL) * LOOP
    loops = (Loop(body, rows.busiest * op["cols"], balance=rows.balance), Loop(Mix(fdiv=2), rows.busiest, balance=rows.balance))
    return Work(loops, barriers=1.0 if m.cores > 1 else 0.0, forks=1.0)


@kernel("matmul", dtypes=FLOATS, core="thumb2")
def product(op: Op, m: Machine) -> Work:
    """A dot product per result: two loads and a multiply-add, unrolled."""
    results = float(op["batch"] * op["m"] * op["n"])
    body = Mix(load=2) + multiply_add(m) + (1 / UNROLL) * LOOP
    return Work((Loop(body, results * op["k"]), Loop(Mix(store=1, alu=3) + LOOP, results)), forks=1.0)


@kernel("fft", dtypes=FLOATS, core="thumb2")
def fft(op: Op, m: Machine) -> Work:
    """Radix-2 butterflies, 10 floating-point operations, 6 loads and 4 stores each; real input: half the points and one further pass."""
    points = op["points"] ** op["dims"]
    stages = max(1, (op["points"] - 1).bit_length())
    real = op.function == "real"
    butterflies = op["batch"] * op["dims"] * points / 2 * stages / (2 if real else 1)
    butterfly = Mix(load=6, fmul=4, fadd=6, store=4, alu=4) + LOOP
    order = Mix(load=2, store=2, alu=3) + LOOP
    last = (Loop(butterfly, op["batch"] * points / 2),) if real else ()
    return Work((Loop(butterfly, butterflies), Loop(order, op["batch"] * points / (2 if real else 1)), *last), forks=1.0)
