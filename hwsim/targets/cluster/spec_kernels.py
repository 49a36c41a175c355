"""Constants of the non-neural and signal-processing kernels that a chip file states beside those of `spec`."""

from __future__ import annotations

from hwsim.core.parameters import Constant

KERNEL_CONSTANTS: tuple[Constant, ...] = ()
KERNEL_STRUCTURAL: frozenset[str] = frozenset()  # those that encoding reads
KERNEL_NUMBERS: tuple[str, ...] = ()
