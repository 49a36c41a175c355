"""Codes of the engine: programs (tasks), what is fused behind a product, and where an instruction's time comes from."""

from __future__ import annotations

# programs, one per layer of the model as the compiler sees it
MV_LINEAR, MV_ATTENTION, MM_LINEAR, MM_ATTENTION, ROWS, ELEMENTWISE, FUSED = range(1, 8)

# fused behind a product: an activation; an operation with a second operand; a rotation (three operations, two operands)
FUSE_NONE, FUSE_ACTIVATION, FUSE_BINARY, FUSE_ROPE = range(4)

# queues
LD, ST, MM, MV, MISC, SYS = range(6)

# what an instruction's amount is: bytes through all A channels, one channel, across channels, bytes of zero fill; cycles of a core
ALL_CHANNELS, ONE_CHANNEL, ACROSS, ZERO, CYCLES = range(5)
