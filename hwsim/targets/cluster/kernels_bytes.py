"""Byte kernels of the GAP8 micro-benchmarks: pooling, a 5 x 5 convolution of one channel, a fully connected layer, a binary convolution.

Structure as measured on silicon (benchmarks@f12e260): columns (or rows of a linear layer) dealt in contiguous
chunks, one team start an iteration; `simd` packs four bytes in a word.
"""

from __future__ import annotations

from hwsim.core.op import Op
from hwsim.core.operators import conv_output
from hwsim.targets.cluster.kernel import Loop, Mix, Work, kernel
from hwsim.targets.cluster.machine import Machine

BYTES = ("int8", "uint8")
RISCV = ("rv32im", "rv32imc", "xpulp", "xpulp_unroll2")
COLUMN = Mix(alu=8, load=1, jump=1)  # pointers and hardware loops of a column


def benchmark(m: Machine) -> bool:
    """True for a micro-benchmark: no software stack, and `simd` stated."""
    return m.flow == "" and m.options.simd is not None


def one_channel(op: Op, m: Machine) -> bool:
    """True for a micro-benchmark of a convolution, which has a single channel."""
    return benchmark(m) and op["c"] == op["k"] == 1


def started(m: Machine) -> float:
    """Team starts of one call."""
    return 1.0 if m.cores > 1 else 0.0


def over_columns(m: Machine, columns: int, rows: float, output: Mix, column: Mix = COLUMN, per_pass: int = 1) -> Work:
    """Columns in contiguous chunks; in each, `output` for every `per_pass` outputs."""
    dealt = m.share(columns)
    loops = (Loop(output, dealt.busiest * rows / per_pass, balance=dealt.balance), Loop(column, dealt.busiest, balance=dealt.balance))
    return Work(loops, barriers=0, forks=started(m))


def plain_loop(m: Machine, pointers: int) -> Mix:
    """Pointer increments and the branch of a loop without hardware support."""
    return Mix() if m.hardware_loops else Mix(alu=pointers, taken=1)


@kernel("pool", dtypes=BYTES, core="xpulp", isa=RISCV, flows=("",))
def pool(op: Op, m: Machine) -> Work:
    """A window: scalar byte loads and compares (or adds), or two bytes a load and one packed operation for four bytes."""
    rows, columns = conv_output(op["h"], op["r"], op.bounds), conv_output(op["w"], op["s"], op.bounds)
    window, planes = op["r"] * op["s"], op["n"] * op["c"]
    average = op.function == "average"
    if m.simd and op["r"] == op["s"] == 2:
        ends = Mix(alu=2, sdot=1) if average else Mix(alu=4)  # shuffle, dot product with ones, shift; or packed maximum, shift, extension, maximum
        output = Mix(load=2, load_use=1, store=1) + ends
    else:
        output = Mix(load=window, alu=window - 1 + average, store=1)
        if not m.hardware_loops and not average:
            output += Mix(branch=window - 1)  # no maximum instruction: a compare and branch for each
    return over_columns(m, columns * planes, rows, output + plain_loop(m, 2))


@kernel("conv2d", dtypes=BYTES, core="xpulp", isa=RISCV, flows=("",), when=one_channel)
def conv(op: Op, m: Machine) -> Work:
    """One channel at a time, accumulating on the output: two byte loads and a product a tap, or dot products of four taps."""
    rows, columns = conv_output(op["h"], op["r"], op.bounds), conv_output(op["w"], op["s"], op.bounds)
    taps, planes = op["r"] * op["s"], op["n"]
    ends = Mix(load=1, alu=1, store=1)
    if m.simd:
        words = -(-taps // 4)
        # the next word of a row (three in four cross a word) and the byte beside it; rows move down a register, their last column is packed
        output = Mix(load=2, misaligned=0.75, load_use=1, sdot=words, alu=op["r"] + 1) + ends
    elif m.hardware_loops:
        output = taps * Mix(load=2, load_use=1, mac=1) + ends
    else:
        output = taps * Mix(load=2, load_use=1, mul=1, alu=1) + ends + Mix(alu=3, taken=1)
    return over_columns(m, columns * planes, rows, output)


@kernel("conv2d", dtypes=("binary",), core="xpulp", isa=RISCV[2:], flows=("",), when=lambda op, m: op["c"] == op["k"] == 1)
def binary_conv(op: Op, m: Machine) -> Work:
    """Two columns a pass: the window's rows of bits inserted into a word, exclusive or with the weights, population count, byte result."""
    rows, columns = conv_output(op["h"], op["r"], op.bounds), conv_output(op["w"], op["s"], op.bounds)
    each = Mix(alu=op["r"] + 5, load=1, store=1)  # an insert per row; exclusive or, mask, count, add, scale
    fetch = Mix(load=1, load_use=1, alu=4)  # the next row of bits, shared by both columns
    return over_columns(m, -(-columns * op["n"] // 2), rows, 2 * each + fetch)


@kernel("matmul", dtypes=BYTES, core="xpulp", isa=RISCV, flows=("",), when=lambda op, m: benchmark(m) and op["m"] == 1)
def linear(op: Op, m: Machine) -> Work:
    """A row of weights an output, rows in chunks over the cores: four-fold unrolled bytes, or four words and two dot products for eight inputs."""
    dealt = m.share(op["n"] * op["batch"])
    if m.simd:
        mix, covered = Mix(load=4, sdot=2), 8
    elif m.hardware_loops:
        mix, covered = Mix(load=8, mac=4), 4
    else:
        mix, covered = Mix(load=8, mul=4, alu=6, taken=1), 4
    passes, over = divmod(op["k"], covered)
    single = Mix(load=2, load_use=1, mac=1) if m.hardware_loops else Mix(load=2, load_use=1, mul=1, alu=3, taken=1)
    ends = Mix(alu=8, load=1, store=1, jump=1)
    loops = (
        Loop(mix, dealt.busiest * passes, balance=dealt.balance), Loop(single, dealt.busiest * over, balance=dealt.balance),
        Loop(ends, dealt.busiest, balance=dealt.balance),
    )  # fmt: skip
    return Work(loops, forks=started(m))
