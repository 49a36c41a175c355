"""Constants of the non-neural and signal-processing kernels that a chip file states beside those of `spec`."""

from __future__ import annotations

from hwsim.core.parameters import Constant

KERNEL_CONSTANTS: tuple[Constant, ...] = (
    Constant("soft_accumulate", most=1.5, priced=False, optional=True), Constant("dsp_shared_word_cycles", zero=True, priced=False, optional=True),
)  # fmt: skip
KERNEL_STRUCTURAL: frozenset[str] = frozenset(c.name for c in KERNEL_CONSTANTS)  # those that encoding reads
KERNEL_NUMBERS: tuple[str, ...] = ()
