"""One instruction into the arrays of a program."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit, part
from hwsim.targets.fpga.flightllm import tasks as T


@jit
def emit(program: Any, at: int, queue: int, rate: int, amount: float, wait: int, release: int) -> int:
    """Write instruction `at` (where the arrays are not empty) and return the next index. `wait`, `release`: bit masks over the queues."""
    queues, rates, amounts, waits, releases = program
    if len(queues) > 0:
        queues[at], rates[at], amounts[at] = queue, rate, amount
        waits[at], releases[at] = wait, release
    return at + 1


@jit
def emit_operands(program: Any, at: int, count: int, size_bytes: float, sets: int) -> int:
    """Write the `sets` of `count` LDs of a fused operation's further operands; the last LD of a set releases MISC."""
    for _ in range(sets):
        for c in range(count):
            at = emit(program, at, T.LD, T.ALL_CHANNELS, size_bytes, 0, 1 << T.MISC if c == count - 1 else 0)
    return at


@jit
def emit_fused(program: Any, at: int, fuse: int, cycles: float, product: int, last: int) -> int:
    """Write the MISC instructions behind a product on queue `product`; `last` is what the final one releases."""
    if fuse == T.FUSE_ACTIVATION:
        return emit(program, at, T.MISC, T.CYCLES, cycles, 1 << product, last)
    if fuse == T.FUSE_BINARY:
        return emit(program, at, T.MISC, T.CYCLES, cycles, 1 << T.LD | 1 << product, last)
    at = emit(program, at, T.MISC, T.CYCLES, cycles, 1 << T.LD | 1 << product, 0)
    at = emit(program, at, T.MISC, T.CYCLES, cycles, 1 << T.LD, 0)
    return emit(program, at, T.MISC, T.CYCLES, cycles, 0, last)


@part
def operand_sets(fuse: int) -> int:
    """Sets of operands that a fused operation reads."""
    return 0 if fuse <= T.FUSE_ACTIVATION else 1 if fuse == T.FUSE_BINARY else 2


@part
def operations(fuse: int) -> int:
    """MISC instructions of a fused operation."""
    return 0 if fuse == T.FUSE_NONE else 3 if fuse == T.FUSE_ROPE else 1
