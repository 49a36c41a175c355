"""Columns of the operator table, slots and resources of chips that run operator graphs: a scalar core, or an array of multiply-accumulate elements.

What runs on the core is a number of instructions by class, and of products that the price turns into instructions (or into one, with a multiplier).
"""

from __future__ import annotations

import numpy as np

from hwsim.core.program import Slot

# classes of instructions; shifts apart from the other arithmetic, branches by whether they are taken, jumps by whether the target is a register
CLASSES = ("alu", "shift", "load", "store", "branch", "taken", "jump", "indirect")
SCALARS = (
    "macs", "compulsory_bytes",
    "products", "bits", "sharing",  # products of data, bits of the multiplier, results that share its bits' tests
    "wide",  # products by a scale of 16 bits
    "element_bytes",
    # the array: folds of the product, cycles of each, cycles of moving results out of a fold
    "array_macs", "folds", "fold_cycles", "drain_cycles", "buffer_read_bytes", "buffer_write_bytes", "outputs",
    "dram_bytes", "first_bytes",  # all bytes to and from DRAM; those of the first tile, which nothing hides
)  # fmt: skip
OP_DTYPE = np.dtype([(name, np.float64) for name in (*SCALARS, *CLASSES)])

SLOTS = (
    Slot("multiply", "cycles", "core", 0),
    Slot("memory", "cycles", "core", 1),
    Slot("arithmetic", "cycles", "core", 2),
    Slot("control", "cycles", "core", 3),
    Slot("array", "cycles", "array", 4),
    Slot("drain", "cycles", "array", 5),
    Slot("buffer_wait", "cycles", "buffer", 6),  # what the buffer takes beyond the array's time
    Slot("dram_wait", "cycles", "dram", 7),  # what DRAM takes beyond the core's or the array's time
    Slot("core_j", "joules"),
    Slot("instruction_memory_j", "joules"),
    Slot("data_memory_j", "joules"),
    Slot("array_j", "joules"),
    Slot("output_stage_j", "joules"),
    Slot("buffer_j", "joules"),
    Slot("dram_j", "joules"),
    Slot("sram_bytes", "bytes", "sram"),
    Slot("dram_bytes", "bytes", "dram"),
    Slot("roofline", "roofline"),
    Slot("instructions", "note"),
)
RESOURCES = {"core": 1, "array": 1, "buffer": 1, "dram": 1}
SCALAR, MAC_ARRAY = CORES = ("scalar", "mac_array")
SAME_CYCLE, OWN_CYCLE = MEMORY_TIMINGS = ("same_cycle", "own_cycle")
HARDWARE, SHIFT_ADD, LIBGCC = METHODS = ("hardware", "shift_add", "libgcc")
SCALE_BITS = 16  # of the scale that brings a sum back to the format of the results
WORD_BYTES = 4  # of the core's ports
