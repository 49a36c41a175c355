"""The linear classifiers and naive Bayes: sums over features for every class, a reduction by core 0, and for logistic regression a softmax.

Structure as measured with GVSoC: C at -O3; plain code unrolls the sum over features by four (naive Bayes by two) and walks pointers; with
hardware loops an element is its post-increment loads and its arithmetic. An accumulating add of an emulation library is cheaper than one of
random operands: exponents differ and nothing cancels (`soft_accumulate`).
"""

from __future__ import annotations

from math import ceil

from hwsim.core.op import Op
from hwsim.targets.cluster.kernel import Loop, Mix, Work, kernel
from hwsim.targets.cluster.machine import Machine

FLOATS = ("fp32",)
EXP_DEGREE = 6  # of the polynomial of 2^r


def multiply_add(m: Machine) -> Mix:
    """One product added to a running sum: an instruction, or two calls of the emulation library."""
    return Mix(fma=1) if m.native else Mix(fmul=1) + accumulate(m)


def accumulate(m: Machine) -> Mix:
    """An add to a running sum, in calls of the library's add with random operands."""
    return Mix(fadd=1) if m.native else Mix(fadd=m.chip.number("soft_accumulate"))


def operations(m: Machine, arithmetic: Mix) -> Mix:
    """Floating-point operations; emulated, each call also moves an argument or its result between registers."""
    return arithmetic if m.native else arithmetic + Mix(alu=sum(ceil(count) for count in arithmetic.counts.values()))


def element(m: Machine, loads: int, arithmetic: Mix, *, stalls: float, plain_stalls: float, unroll: int, pointers: float) -> tuple[Mix, int]:
    """One pass of an inner loop over features and the elements it covers.

    Plain code unrolls by `unroll`, moves `pointers` pointers and branches; a hardware loop has `stalls` load-use stalls per element. Emulated
    arithmetic is not unrolled: its calls keep the sums out of registers.
    """
    if m.hardware_loops:
        return Mix(load=loads, load_use=stalls if m.isa == "xpulp" else 0.0) + operations(m, arithmetic), 1
    if not m.native:
        return Mix(load=loads, load_use=1, alu=loads, taken=1) + operations(m, arithmetic), 1
    return unroll * (Mix(load=loads, load_use=plain_stalls) + arithmetic) + Mix(alu=pointers, taken=1), unroll


def rest(m: Machine, loads: int, arithmetic: Mix) -> Mix:
    """An element that the unrolled loop leaves over."""
    return Mix(load=loads, alu=1, taken=1) + operations(m, arithmetic)


PER_CLASS = Mix(alu=5, store=1, taken=1)  # clear the sum, set the pointers, store the partial sum


def class_sums(op: Op, m: Machine, mix: Mix, covered: int, left: Mix) -> tuple[Loop, ...]:
    """Sums over features of every class: features over the cores (horizontal), or classes dealt cyclically (vertical)."""
    if m.split == "vertical":
        dealt = m.share(op["classes"])
        rows, features, balance = dealt.busiest, op["features"], dealt.balance
    else:
        dealt = m.share(op["features"])
        rows, features, balance = float(op["classes"]), int(dealt.busiest), dealt.balance
    rows *= op["samples"]
    passes, over = divmod(features, covered)
    return (
        Loop(mix, rows * passes, balance=balance), Loop(left, rows * over, balance=balance), Loop(PER_CLASS, rows, balance=balance),
    )  # fmt: skip


def reduction(op: Op, m: Machine) -> tuple[Loop, ...]:
    """Core 0 adds the partial sums of a class, unrolled over the cores, and keeps the greatest score."""
    partial = m.cores if m.split == "horizontal" else 0
    per_class = partial * (Mix(load=1) + Mix(fadd=1)) + Mix(load=1, alu=8, fcmp=1, taken=1)
    return (Loop(per_class, op["classes"] * op["samples"], sequential=True),)


@kernel("svm", dtypes=FLOATS)
def svm(op: Op, m: Machine) -> Work:
    """Two loads and a multiply-add per (class, feature); 5.25 cycles in plain code, of which half a load-use stall."""
    mix, covered = element(m, 2, multiply_add(m), stalls=1, plain_stalls=0.5, unroll=4, pointers=4)
    return Work((*class_sums(op, m, mix, covered, rest(m, 2, multiply_add(m))), *reduction(op, m)), barriers=2 * op["samples"], forks=1)


@kernel("logistic_regression", dtypes=FLOATS)
def logistic_regression(op: Op, m: Machine) -> Work:
    """The scores of `svm`, then a softmax by core 0: scale, 2^r by a polynomial, the exponent's add, the sum, and one division per class."""
    scores = svm(op, m)
    count = op["classes"] * op["samples"]
    divide = Mix(load=1, fdiv=1, store=1, alu=2, taken=1)
    serial = (Loop(EXPONENTIAL + divide, count, sequential=True), Loop(polynomial_step(m), count * EXP_DEGREE, sequential=True))
    return Work((*scores.loops, *serial), barriers=3 * op["samples"], forks=1)


# exp of one value and its sum: shift, scale, split into whole and rest, the exponent's add, the sum; the polynomial of 2^rest apart
EXPONENTIAL = Mix(load=2, store=1, load_use=1, fsub=2, fmul=1, f2i=1, i2f=1, fadd=1, alu=8, taken=1)


def polynomial_step(m: Machine) -> Mix:
    """One coefficient: value = value rest + coefficient."""
    return Mix(load=1) + operations(m, Mix(fma=1) if m.native else Mix(fmul=1, fadd=1))


@kernel("softmax", dtypes=FLOATS, when=lambda op, m: not op["causal"])
def softmax(op: Op, m: Machine) -> Work:
    """Rows over the cores: their greatest value, exponentials and their sum, one division per row and a product per value."""
    rows = m.share(op["rows"])
    greatest = Mix(load=1, load_use=1, fcmp=1, branch=1, alu=1) + (Mix() if m.hardware_loops else Mix(taken=1))
    scale = Mix(load=1, load_use=1, fmul=1, store=1) + (Mix() if m.hardware_loops else Mix(alu=2, taken=1))
    per_row = Loop(Mix(fdiv=1, alu=12, load=2, jump=2), rows.busiest, balance=rows.balance)
    values = rows.busiest * op["cols"]
    steps = Loop(polynomial_step(m), values * EXP_DEGREE, balance=rows.balance)
    return Work((*(Loop(mix, values, balance=rows.balance) for mix in (greatest, EXPONENTIAL, scale)), steps, per_row), barriers=1, forks=1)


@kernel("gaussian_nb", dtypes=FLOATS)
def gaussian_nb(op: Op, m: Machine) -> Work:
    """Three loads, subtract, square, and a multiply-add with the inverse variance; 11 cycles in plain code, unrolled by two, without a stall."""
    arithmetic = Mix(fsub=1, fmul=1) + multiply_add(m)
    mix, covered = element(m, 3, arithmetic, stalls=1, plain_stalls=0, unroll=2, pointers=7)
    return Work((*class_sums(op, m, mix, covered, rest(m, 3, arithmetic)), *reduction(op, m)), barriers=2 * op["samples"], forks=1)
