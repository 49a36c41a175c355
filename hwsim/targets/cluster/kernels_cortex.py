"""Layers of int8 networks on a Cortex-M, as instruction mixes of the stacks that MLPerf Tiny compares.

CMSIS-NN's published structure (Lai et al., arXiv 1801.06601): bytes are widened to 16 bits and multiplied two at a time (SMLAD). A convolution
gathers two output pixels into a 16-bit column buffer and multiplies 2 rows by 2 columns; a product takes two rows of weights at a time. X-CUBE-AI is
taken to have this structure. microTVM calls CMSIS-NN for products and leaves convolutions to its own scalar loops (published: both variants run the
image classifier alike). Plumerai keeps weights in the order in which the multiplier wants them, which saves reordering, and blocks by four.
"""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.core.op import Op
from hwsim.targets.cluster.kernel import Loop, Mix, Work, kernel
from hwsim.targets.cluster.machine import Machine

INT8 = ("int8", "uint8")
FLOWS = ("x-cube-ai", "microtvm-cmsis-nn", "microtvm-native", "plumerai")
LOOP = Mix(alu=1, taken=1)
# a word of bytes to two of halves: rotate, two extends, two packs; stored in that order, a rotate and two extends
WIDEN, WIDEN_PACKED = Mix(alu=5), Mix(alu=3)
# multiplier and shift of the channel, saturating product, rounding shift, offset, clip, store
REQUANTISE = Mix(load=1, alu=11, access=1, mulh=1, store=1)
SCALAR_UNROLL = 16  # multiply-accumulates between two branches of a compiled scalar loop
SMLAD = Mix(mac=1)


def loads(number: int) -> Mix:
    """Loads one behind another: the first at the cost of a load, those behind it in a pipelined issue slot each."""
    return Mix(load=1, alu=number - 1, access=number - 1)


SCALAR = loads(2) + Mix(mac=1)  # a byte of each operand, one multiply-accumulate


@dataclass(frozen=True)
class Stack:
    """A software stack: multiply-accumulates of a block over 4 inputs, rows of weights by columns of pixels, for products and convolutions.

    `scalar` ones take bytes one at a time. `packed`: weights are stored in the order of use.
    """

    rows: int = 2
    columns: int = 2
    packed: bool = False
    scalar_products: bool = False
    scalar_convolutions: bool = False


STACKS = {
    "x-cube-ai": Stack(),
    "microtvm-cmsis-nn": Stack(scalar_convolutions=True),
    "microtvm-native": Stack(scalar_products=True, scalar_convolutions=True),
    "plumerai": Stack(rows=4, packed=True),
}


def block(stack: Stack, rows: int, columns: int, *, widened: bool) -> Mix:
    """One pass over 4 inputs of `rows` rows of weights and `columns` columns of inputs; `widened` inputs are halves already.

    Multiply-accumulates: 4 rows x columns, in 2 rows x columns of SMLAD.
    """
    weights = loads(rows) + rows * (WIDEN_PACKED if stack.packed else WIDEN)
    inputs = loads(2 * columns) if widened else loads(columns) + columns * WIDEN_PACKED
    return weights + inputs + 2 * rows * columns * SMLAD + LOOP


def work(*loops: tuple[Mix, float]) -> Work:
    """Loops of one core."""
    return Work(tuple(Loop(mix, passes) for mix, passes in loops))


def from_flash(op: Op) -> tuple[Mix, float]:
    """Waits for the weights, which are stored in flash and read once."""
    return Mix(flash=1), float(op.weight_bytes)


@kernel("matmul", dtypes=INT8, flows=FLOWS, core="thumb2")
def linear(op: Op, m: Machine) -> Work:
    """Fully connected: blocks of rows of weights against the input vector."""
    stack, outputs = STACKS[m.flow], float(op["m"] * op["n"] * op["batch"])
    if stack.scalar_products:
        return work((SCALAR_UNROLL * SCALAR + LOOP, op.macs / SCALAR_UNROLL), (REQUANTISE, outputs), from_flash(op))
    body = block(stack, stack.rows, 1, widened=False)
    return work((body, -(-op["k"] // 4) * outputs / stack.rows), (REQUANTISE, outputs), from_flash(op))


@kernel("conv2d", dtypes=INT8, flows=FLOWS, core="thumb2")
def convolution(op: Op, m: Machine) -> Work:
    """Standard and pointwise: column buffer and blocks; depthwise: window by window, a byte at a time."""
    stack = STACKS[m.flow]
    _, k, height, width = op.results[0]
    pixels = float(op["n"] * height * width)
    inputs = op["c"] // op["groups"] * op["r"] * op["s"]
    end = (REQUANTISE, pixels * k)
    if op["groups"] > 1:
        return work((SCALAR + Mix(alu=1), pixels * k * inputs), (LOOP, pixels * k * op["r"]), end, from_flash(op))
    if stack.scalar_convolutions:
        return work((SCALAR_UNROLL * SCALAR + LOOP, op.macs / SCALAR_UNROLL), (LOOP, pixels * k * op["r"]), end, from_flash(op))
    gather = Mix(load=1, store=2) + WIDEN_PACKED + 0.5 * LOOP  # a word of bytes into two of halves
    body = block(stack, stack.rows, stack.columns, widened=True)
    passes = -(-inputs // 4) * (k / stack.rows) * (pixels / stack.columns)
    return work((gather, pixels * inputs / 4), (body, passes), end, from_flash(op))


@kernel("pool", dtypes=INT8, flows=FLOWS, core="thumb2")
def pool(op: Op, m: Machine) -> Work:
    """Window by window, a byte at a time; an average ends in a division."""
    _, channels, height, width = op.results[0]
    outputs = float(op["n"] * channels * height * width)
    end = Mix(div=1, store=1, alu=4) if op.function == "average" else Mix(store=1, alu=2)
    return work((Mix(load=1, alu=2) + 0.25 * LOOP, outputs * op["r"] * op["s"]), (end, outputs))


@kernel("elementwise", dtypes=INT8, flows=FLOWS, core="thumb2", when=lambda op, m: op.function == "add" and op["operands"] == 2)
def add(op: Op, m: Machine) -> Work:
    """Addition of two maps of unlike scales: both are rescaled, the sum is requantised."""
    return work((Mix(load=2, mulh=3, alu=15, store=1) + 0.25 * LOOP, float(op["rows"] * op["cols"])))
