"""Columns of the operator table, instruction classes, slots and codes of the cluster target.

An operator is up to `LOOPS` loops (inner loops, straight code, sequential parts), each with the instructions of its busiest core by class. What the
instructions, conflicts, caches and transfers cost is left to the price.
"""

from __future__ import annotations

import numpy as np

from hwsim.core.program import Slot

LOOPS = 8
# Classes of instructions (each one issued), then events that only cost cycles or only touch memory.
INSTRUCTIONS = (
    "alu", "mul", "mulh", "div", "load", "store", "jump", "branch", "taken", "mac", "sdot", "event",
    "fadd", "fsub", "fmul", "fma", "fcmp", "feq", "i2f", "f2i", "fmove", "fvec", "fdiv", "fdiv_half", "dadd", "dmul", "ddiv", "f2d",
)  # fmt: skip
EVENTS = (
    "load_use",  # the next instruction waits for a load
    "mul_use",  # the next instruction waits for a product
    "misaligned",  # a word across two words
    "call",  # call and return of a routine that the loop calls
    "cycle",  # a cycle of published cost equations, whatever issued in it
    "access",  # an access of the TCDM inside such cycles
    "tile",  # what core 0 does between two tiles of a layer
    "output",  # what AutoTiler's kernels do at the end of every output
    "flash",  # a byte of weights read from flash
    "l2_access",  # a load or store that goes to L2 instead of the TCDM, issue included
)
CLASSES = (*INSTRUCTIONS, *EVENTS)
(
    ALU, MUL, MULH, DIV, LOAD, STORE, JUMP, BRANCH, TAKEN, MAC, SDOT, EVENT,
    FADD, FSUB, FMUL, FMA, FCMP, FEQ, I2F, F2I, FMOVE, FVEC, FDIV, FDIV_HALF, DADD, DMUL, DDIV, F2D,
    LOAD_USE, MUL_USE, MISALIGNED, CALL, CYCLE, ACCESS, TILE, OUTPUT, FLASH, L2_ACCESS,
) = range(len(CLASSES))  # fmt: skip
# routines of the emulation libraries, in the order of the vectors that a chip file states
SOFT = ("fadd", "fsub", "fmul", "fdiv", "fcmp", "feq", "i2f", "f2i", "dadd", "dmul", "ddiv", "f2d")
NATIVE, LIBGCC, RVFPLIB, RVFPLIB_SIZE = 0, 1, 2, 3
LIBRARIES = {"native": NATIVE, "libgcc": LIBGCC, "rvfplib": RVFPLIB, "rvfplib_size": RVFPLIB_SIZE}
SPMD, PULP_RUNTIME, GAP_SDK = 0, 1, 2
RUNTIMES = {"spmd": SPMD, "pulp_runtime": PULP_RUNTIME, "gap_sdk": GAP_SDK}
# how the accesses of the cores meet in the banks
SPREAD, FREE, STRIDE, WALK = 0, 1, 2, 3
PATTERNS = {"spread": SPREAD, "free": FREE, "stride": STRIDE, "walk": WALK}

SCALARS = (
    "macs", "compulsory_bytes", "cores", "loops", "barriers", "forks", "roofline",
    "more_stalls",  # bank conflicts that the event fidelity finds beyond the closed form
    # DMA between L2 and L1: bytes each way, transfers, extra lines of 2D ones; the first load and the last store that nothing hides
    "dma_in_bytes", "dma_out_bytes", "dma_transfers", "dma_lines", "dma_first_bytes", "dma_last_bytes", "dma_blocking",
    # L3 to L2 and back; blocking: nothing hides it
    "l3_bytes", "l3_blocking",
)  # fmt: skip
# per loop: passes and instructions are the busiest core's; balance is mean over busiest of the team; body and code bytes for the instruction cache
PER_LOOP = ("passes", "running", "balance", "sequential", "pattern", "stride_words", "body_bytes", "code_bytes", "cold")
OP_FIELDS = (*SCALARS, *PER_LOOP, "counts")
OP_DTYPE = np.dtype(
    [(name, np.float64) for name in SCALARS]
    + [(name, np.float64, (LOOPS,)) for name in PER_LOOP]
    + [("counts", np.float64, (LOOPS, len(CLASSES)))]
)

SLOTS = (
    Slot("fork", "cycles", "cores", 0),
    Slot("compute", "cycles", "cores", 1),
    Slot("imbalance", "cycles", "cores", 2),
    Slot("tcdm_stall", "cycles", "cores", 3),
    Slot("fpu_stall", "cycles", "cores", 4),
    Slot("icache_stall", "cycles", "cores", 5),
    Slot("sequential", "cycles", "cores", 6),
    Slot("barrier", "cycles", "cores", 7),
    Slot("dma", "cycles", "dma", 8),  # what the DMA takes beyond the cores' own time
    Slot("l3", "cycles", "l3", 9),  # what L3 takes beyond both
    Slot("cores_j", "joules"),
    Slot("tcdm_j", "joules"),
    Slot("transfers_j", "joules"),
    Slot("l1_bytes", "bytes", "l1"),
    Slot("l2_bytes", "bytes", "l2"),
    Slot("l3_moved_bytes", "bytes", "l3"),
    Slot("roofline", "roofline", "cores"),
    Slot("instructions", "note"),
    Slot("dma_busy", "note"),
    Slot("l3_busy", "note"),
)
RESOURCES = {"cores": 1, "dma": 1, "l3": 1}
