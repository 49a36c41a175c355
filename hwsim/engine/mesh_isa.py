"""The instruction set of a core of the wavelet mesh: small programs that move and combine wavelets.

Operands are integers: a value >= 0 is immediate, a value made by :func:`reg` names one of the core's registers, so that
thousands of cores can share one program and differ only in their registers (colours, addresses, loop counts).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidMapping

# directions of a router, and their bits in a route's input and output sets
NORTH, SOUTH, EAST, WEST, RAMP = 0, 1, 2, 3, 4
N_BIT, S_BIT, E_BIT, W_BIT, RAMP_BIT = 1, 2, 4, 8, 16

# operations
OP_END, OP_STREAM, OP_WAIT, OP_MATMUL, OP_COPY, OP_DELAY, OP_SWAP, OP_INC, OP_FOR, OP_NEXT, OP_ROUTE = range(11)
# what one element of a stream does
F_IN, F_OUT, F_ADD, F_STORE, F_ASYNC = 1, 2, 4, 8, 16
# words of an encoded instruction
(I_OP, I_FLAGS, I_CIN, I_COUT, I_ADDR, I_LEN, I_STEP, I_X1, I_X2, I_X3, I_CYCLES, I_TARGET) = range(12)
INSTR_WORDS = 12


@dataclass(frozen=True, slots=True)
class Instr:
    """One instruction; make it with the functions below. Integer fields hold immediates or registers (:func:`reg`)."""

    op: int
    flags: int = 0
    colour_in: int = 0
    colour_out: int = 0
    addr: int = 0
    length: int = 0
    step: int = 1
    x1: int = 0
    x2: int = 0
    x3: int = 0
    cycles: int = 0


Program = Sequence[Instr]


def reg(index: int) -> int:
    """The operand that reads register ``index`` of the core."""
    return -1 - index


def _flags(flags: int, asynchronous: bool) -> int:
    return flags | F_ASYNC if asynchronous else flags


def send(colour: int, addr: int, length: int, *, step: int = 1, asynchronous: bool = False) -> Instr:
    """Send ``length`` wavelets from memory at ``addr`` (stride ``step``) on ``colour``, one per cycle."""
    return Instr(OP_STREAM, _flags(F_OUT, asynchronous), 0, colour, addr, length, step)


def recv(colour: int, addr: int, length: int, *, step: int = 1, asynchronous: bool = False) -> Instr:
    """Receive ``length`` wavelets of ``colour`` into memory at ``addr``."""
    return Instr(OP_STREAM, _flags(F_IN | F_STORE, asynchronous), colour, 0, addr, length, step)


def recv_add(colour: int, addr: int, length: int, *, asynchronous: bool = False) -> Instr:
    """Receive ``length`` wavelets of ``colour`` and add them to memory at ``addr``."""
    return Instr(OP_STREAM, _flags(F_IN | F_ADD | F_STORE, asynchronous), colour, 0, addr, length)


def recv_add_send(colour_in: int, colour_out: int, addr: int, length: int, *, asynchronous: bool = False) -> Instr:
    """Stream: receive, add the core's own element at ``addr``, send on; memory keeps its own element."""
    return Instr(OP_STREAM, _flags(F_IN | F_ADD | F_OUT, asynchronous), colour_in, colour_out, addr, length)


def relay(colour_in: int, colour_out: int, addr: int, length: int, *, step: int = 1, asynchronous: bool = False) -> Instr:
    """Stream: receive, keep a copy in memory at ``addr``, send on."""
    return Instr(OP_STREAM, _flags(F_IN | F_STORE | F_OUT, asynchronous), colour_in, colour_out, addr, length, step)


def wait() -> Instr:
    """Wait until all asynchronous moves of this core have ended."""
    return Instr(OP_WAIT)


def matmul(c: int, a: int, b: int, shape: tuple[int, int, int], cycles: int) -> Instr:
    """``C[m, n] += A[m, k] B[k, n]`` on row-major tiles at addresses ``c``, ``a``, ``b``, taking ``cycles``."""
    m, k, n = shape
    return Instr(OP_MATMUL, 0, a, b, c, 0, 1, m, k, n, cycles)


def copy(dst: int, src: int, length: int, cycles: int) -> Instr:
    """Copy ``length`` elements of memory from ``src`` to ``dst``, taking ``cycles``."""
    return Instr(OP_COPY, addr=dst, colour_in=src, length=length, cycles=cycles)


def delay(cycles: int) -> Instr:
    """Occupy the core for ``cycles`` (software overhead, task activation)."""
    return Instr(OP_DELAY, cycles=cycles)


def swap(a: int, b: int) -> Instr:
    """Exchange registers ``a`` and ``b`` (indices): how double buffers are swapped; no time."""
    return Instr(OP_SWAP, x1=a, x2=b)


def inc(a: int, amount: int) -> Instr:
    """Add ``amount`` to register ``a`` (an index); no time."""
    return Instr(OP_INC, x1=a, x2=amount)


def repeat(count: int, body: Program) -> list[Instr]:
    """``body`` executed ``count`` times (immediate or register; 0 skips it); the loop itself takes no time."""
    return [Instr(OP_FOR, length=count), *body, Instr(OP_NEXT)]


def set_route(colour: int, rx: int, tx: int) -> Instr:
    """Give this core's router a new route for ``colour`` once the wavelets on its present route have left.

    ``rx`` and ``tx`` are sets of directions (``N_BIT | S_BIT ...``); wavelets at inputs outside ``rx`` wait.
    """
    return Instr(OP_ROUTE, colour_in=colour, x1=rx, x2=tx)


def assemble(programs: Sequence[Program]) -> tuple[NDArray[np.int32], NDArray[np.int64], int]:
    """Encode programs: ``(code[words], start[programs], deepest loop nesting)``.

    Raises InvalidMapping for loops that are not closed.
    """
    total = sum(len(body) + 1 for body in programs)
    code = np.zeros((total, INSTR_WORDS), dtype=np.int32)
    start = np.zeros(len(programs), dtype=np.int64)
    at, deepest = 0, 1
    for index, body in enumerate(programs):
        start[index] = at
        open_loops: list[int] = []
        for instr in body:
            row = code[at]
            row[:] = (instr.op, instr.flags, instr.colour_in, instr.colour_out, instr.addr, instr.length, instr.step,
                      instr.x1, instr.x2, instr.x3, instr.cycles, 0)  # fmt: skip
            if instr.op == OP_FOR:
                row[I_X1] = len(open_loops)
                open_loops.append(at)
                deepest = max(deepest, len(open_loops))
            elif instr.op == OP_NEXT:
                if not open_loops:
                    raise InvalidMapping(f"program {index}: a loop ends that was never begun")
                begin = open_loops.pop()
                row[I_X1], row[I_TARGET] = len(open_loops), begin + 1
                code[begin, I_TARGET] = at + 1
            at += 1
        if open_loops:
            raise InvalidMapping(f"program {index}: {len(open_loops)} loop(s) not closed")
        code[at, I_OP] = OP_END
        at += 1
    return code.reshape(-1), start, deepest
