"""Signal processing in the manner of pulp-dsp: matrix products, convolution of vectors, dot products, FFT.

Structure from the library's source, instruction counts confirmed by its published cycle tables (pulp-dsp@cc5594b): register blocks, packed
integers, hardware loops. A team is forked per call; column blocks, segments or butterflies are dealt to the cores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hwsim.core.dtype import dtype
from hwsim.core.errors import InvalidTrace
from hwsim.core.op import Op
from hwsim.targets.cluster.kernel import Loop, Mix, Work, kernel
from hwsim.targets.cluster.machine import Machine, share

XPULP = ("xpulp", "xpulp_unroll2")
START = Mix(alu=24, load=5, store=5, jump=3)  # prologue and epilogue of a call


def forked(m: Machine) -> float:
    """Team starts of a call that uses more than one core."""
    return 1.0 if m.cores > 1 else 0.0


def unaligned(row_bytes: float, word_bytes: int = 4) -> float:
    """Share of word loads that cross a word when rows of `row_bytes` follow each other without padding.

    >>> unaligned(34), unaligned(17), unaligned(60)
    (0.5, 0.75, 0.0)
    """
    starts = {int(i * row_bytes) % word_bytes for i in range(word_bytes)}
    return 1.0 - 1.0 / len(starts)


@dataclass(frozen=True)
class Block:
    """A register block of a matrix product: `rows` x `cols` results, `step` values of k a pass.

    `block`, `column` and `call` (`team`: by a team) are what a block, a column of blocks and a call take beside. Of the loads of a pass, `loads` are
    of operands, and `shared` of words that all cores want at once.
    """

    rows: int
    cols: int
    step: int
    inner: Mix
    block: Mix
    column: Mix
    call: Mix
    team: Mix
    loads: int
    shared: int = 0


BLOCKS: Mapping[str, Block] = {
    "int32": Block(2, 2, 1, Mix(load=4, mac=4), Mix(alu=16, store=4), Mix(alu=20, load=5, jump=2), START + Mix(alu=44), START, 4),
    "int16": Block(
        4, 2, 2, Mix(load=6, alu=3, sdot=8), Mix(alu=41, store=8, load=6), Mix(alu=22, load=4, jump=2), START + Mix(alu=100), START + Mix(alu=85), 6
    ),
    "int8": Block(
        2, 4, 4, Mix(load=14, alu=9, sdot=8), Mix(alu=35, store=8, load=6), Mix(alu=60, load=10, jump=2), START + Mix(alu=60), START, 6, 8
    ),
    "fp32": Block(2, 2, 1, Mix(load=4, fma=4), Mix(alu=16, store=4), Mix(alu=20, load=5, jump=2), START + Mix(alu=44), START, 4),
}  # fmt: skip
LEFT_PRODUCT = Mix(load=2, mac=1, load_use=1)  # scalar code of what the blocks leave over
LEFT_FLOAT = Mix(load=2, fma=1, load_use=1)
LEFT_RESULT = Mix(alu=12, load=2, store=1, jump=2)
LEFT_DEPTH = Mix(alu=12, load=1, jump=1)  # of a block's result whose depth is no multiple of the step


@kernel("matmul", dtypes=tuple(BLOCKS), core="xpulp", when=lambda op, m: m.hardware_loops and m.flow in ("", "pulp-dsp"))
def matmul(op: Op, m: Machine) -> Work:
    """Blocks of results in registers; columns of blocks dealt cyclically, the columns left over by the next core, the rows left over by all."""
    b = BLOCKS[op.dtype]
    times = op["batch"]
    columns, rows, depth = op["n"] // b.cols, op["m"] // b.rows, op["k"] // b.step
    over_n, over_m, over_k = op["n"] % b.cols, op["m"] % b.rows, op["k"] % b.step
    width = dtype(op.dtype).bytes
    crossing = max(unaligned(op["k"] * width), unaligned(op["n"] * width)) if b.step > 1 else 0.0
    running = max(1, min(columns, m.cores))
    waits = b.shared * m.chip.number("dsp_shared_word_cycles") * (running - 1)
    inner = b.inner + Mix(misaligned=b.loads * crossing, cycle=waits)
    product = LEFT_FLOAT if op.dtype == "fp32" else LEFT_PRODUCT
    left = op["k"] * product + LEFT_RESULT
    dealt = share(columns, m.cores)
    own, shorter = int(dealt.busiest), columns // m.cores
    last = op["m"] * over_n  # results of the columns left over
    # the core that has them has `shorter` columns of blocks: it is the busiest where they take longer than one more column
    short = (over_k * product + LEFT_DEPTH) * (b.rows * b.cols if over_k else 0)
    column_cost = rows * (depth * _issue(inner) + _issue(b.block + short)) + _issue(b.column)
    if last and (own == shorter or last * _issue(left) > column_cost):
        own, extra = shorter, float(last)
    else:
        extra = 0.0
    balance = columns / (m.cores * own) if own else 1.0
    balance = min(1.0, balance)
    blocks = float(own * rows * times)
    loops = (
        Loop(inner, blocks * depth, balance=balance, running=running),
        Loop(b.block, blocks, balance=balance, running=running),
        Loop(b.column, own * times, balance=balance, running=running),
        Loop(short, blocks if over_k else 0.0, balance=balance, running=running),
        Loop(left, extra * times, balance=1.0 / m.cores, running=1),
        Loop(left, -(-over_m * columns * b.cols // m.cores) * times),
        Loop(b.call if m.cores == 1 else b.team, times, sequential=True),
    )
    return Work(loops, barriers=times * forked(m), forks=times * forked(m))


def _issue(mix: Mix) -> float:
    """Instructions and stalls of a mix, each as one cycle and a jump as two: enough to compare two pieces of work."""
    return sum(mix.counts.values()) + mix.counts.get("jump", 0.0)


@kernel("dot", dtypes=("int32", "int16", "int8", "fp32"), core="xpulp", isa=XPULP, flows=("pulp-dsp",))
def dot(op: Op, m: Machine) -> Work:
    """Two words of each vector a pass, loaded before they are used; core 0 adds the partial sums. The call runs from a cold instruction cache."""
    packed = 4 // int(dtype(op.dtype).bytes)
    arithmetic = Mix(fma=2) if op.dtype == "fp32" else Mix(mac=2) if packed == 1 else Mix(sdot=2)
    mine = op["elements"] // m.cores
    over = op["elements"] - mine * m.cores
    passes, rest = divmod(mine, 2 * packed)
    single = Mix(load=2, load_use=1) + (Mix(fma=1) if op.dtype == "fp32" else Mix(mac=1))
    partial = Mix(load=1, load_use=1) + (Mix(fadd=1) if op.dtype == "fp32" else Mix(alu=1))
    loops = (
        Loop(START, 1, cold=True), Loop(Mix(load=4) + arithmetic, passes, cold=True, pattern="walk"),
        Loop(single, rest), Loop(single, over, sequential=True), Loop(partial, m.cores - 1, sequential=True),
    )  # fmt: skip
    return Work(loops, barriers=forked(m), forks=forked(m))


@dataclass(frozen=True)
class Taps:
    """Inner loops of a convolution: `triangle` covers `triangle_macs` of one or two outputs, `full` four outputs by `full_taps`."""

    triangle: Mix
    triangle_macs: int
    full: Mix
    full_taps: int


TAPS: Mapping[str, Taps] = {
    "int32": Taps(Mix(load=4, mac=4), 4, Mix(load=8, mac=16, alu=4), 4),
    "int16": Taps(Mix(load=2, misaligned=0.5, sdot=1), 2, Mix(load=5, misaligned=2, sdot=4, alu=1), 2),
    "int8": Taps(Mix(load=2, misaligned=0.75, sdot=1, alu=1), 4, Mix(load=5, misaligned=3, sdot=4, alu=1), 4),
    "fp32": Taps(Mix(load=4, fma=4), 4, Mix(load=8, fma=16, alu=4), 4),
}  # fmt: skip
FULL_OUTPUTS = 4
TRIANGLE_OUTPUT = {"int32": Mix(alu=30, store=1, jump=4), "fp32": Mix(alu=30, store=1, jump=4)}
PACKED_OUTPUT = Mix(alu=20, store=1, jump=4)
FULL_GROUP = Mix(alu=28, store=4, jump=4)


def convolution(shorter: int, longer: int, taps: Taps, output: Mix) -> tuple[Loop, ...]:
    """Loops of a convolution by one core: outputs that overlap partly (two triangles), one at a time, and fully, four at a time."""
    triangle = shorter * (shorter - 1)  # MAC of both
    groups, single = divmod(longer - shorter + 1, FULL_OUTPUTS)
    single_macs = single * shorter
    return (
        Loop(taps.triangle, (triangle + single_macs) / taps.triangle_macs),
        Loop(output, 2 * (shorter - 1) + single),
        Loop(taps.full, groups * -(-shorter // taps.full_taps)),
        Loop(FULL_GROUP, groups),
    )


@kernel("convolve", dtypes=tuple(TAPS), core="xpulp", isa=XPULP)
def convolve(op: Op, m: Machine) -> Work:
    """The shorter vector in segments over the cores, each convolved with the longer into an own buffer; the buffers added up, the result copied."""
    shorter, longer = sorted((op["len_a"], op["len_b"]))
    taps, output = TAPS[op.dtype], TRIANGLE_OUTPUT.get(op.dtype, PACKED_OUTPUT)
    if m.cores == 1:
        return Work((*convolution(shorter, longer, taps, output), Loop(START, 1)))
    dealt = m.share(shorter)
    segment = int(dealt.busiest)
    packed = 4 // int(dtype(op.dtype).bytes)
    add = Mix(load=2, store=1) + (Mix(fadd=1) if op.dtype == "fp32" else Mix(alu=1))
    loops = [Loop(o.mix, o.passes, balance=dealt.balance, pattern="walk") for o in convolution(segment, longer, taps, output)]
    loops += [
        Loop(add, (segment + longer - 1) / packed, balance=dealt.balance),
        Loop(Mix(load=1, store=1), (shorter + longer - 1) / packed, sequential=True),
        Loop(START, 3, sequential=True),
    ]
    return Work(tuple(loops), barriers=3, forks=3)


TWIDDLE = Mix(load=2, fmul=4, fadd=2)  # a product of complex numbers, and its factor
BUTTERFLY = Mix(load=4, fadd=2, fsub=2, store=4, alu=1)


@kernel("fft", dtypes=("fp32",))
def fft(op: Op, m: Machine) -> Work:
    """Radix 2: a first stage (on real data where they are real), stages of butterflies with twiddle factors, a last one without, reordering by table.

    Butterflies are dealt cyclically; a barrier follows every stage and the reordering. Raises `InvalidTrace` for another radix or several dimensions.
    """
    if op["radix"] != 2 or op["dims"] != 1:
        raise InvalidTrace(f"operator '{op.name}': an FFT of radix {op['radix']} in {op['dims']} dimensions has no kernel; radix 2 in one has")
    stages = max(1, (op["points"] - 1).bit_length())
    butterflies = m.share(op["points"] // 2)
    mine = butterflies.busiest * op["batch"]
    real = Mix(load=2, fadd=1, fsub=1, store=4, load_use=1, alu=2) if op.function == "real" else BUTTERFLY + TWIDDLE
    plain = Mix() if m.hardware_loops else Mix(alu=3, taken=1)
    points = m.share(op["points"])
    swap = Mix(load=1, alu=1) + 0.5 * Mix(load=4, store=4)
    loops = (
        Loop(real + plain, mine if stages > 1 else 0.0, balance=butterflies.balance),
        Loop(BUTTERFLY + TWIDDLE + plain, mine * max(0, stages - 2), balance=butterflies.balance),
        Loop(BUTTERFLY + plain, mine, balance=butterflies.balance),
        Loop(swap + plain, points.busiest * op["batch"], balance=points.balance),
        Loop(Mix(alu=10, load=2, jump=2), stages * op["batch"]),
        Loop(START, op["batch"]),
    )
    return Work(loops, barriers=(stages + 1) * forked(m) * op["batch"], forks=forked(m))
