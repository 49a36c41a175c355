"""Columns of the operator table, slots and codes of the manycore target.

A record says how much work the busiest minion, hart and shire have (these make the time) and how much there is on the whole chip (these make the
joules). Everything that follows from the graph, the mapping and the chip's structure is worked out when encoding; a price only multiplies.
"""

from __future__ import annotations

import numpy as np

from hwsim.core.program import Slot

# arithmetic of the tensor unit; 0: no tensor operation
FP32, FP16, INT8 = 1, 2, 3
ARITHMETIC = {"fp32": FP32, "fp16": FP16, "int8": INT8}
WORD_ELEMENTS = {"fp32": 1, "fp16": 2, "int8": 4}  # elements in a 32-bit word of the tensor unit
# levels that the first operand of an operator may come from
OWN, REMOTE, L3, DRAM = 0, 1, 2, 3
# units, as the note `unit` gives them
SCALAR, SIMD, TENSOR = 1, 2, 3

OP_FIELDS = (
    "macs", "compulsory_bytes", "modelled",
    # the busiest minion's tensor operations: rows, operations of all words and of two kinds of remainder, waits for A, cycles of TensorQuant
    "arithmetic", "tile_rows", "full_steps", "tail_words", "tail_steps", "tail2_words", "tail2_steps", "waits", "quant_cycles",
    # the busiest hart's instructions by rate, and its L1 misses by the level that serves them; hidden: issue covers misses; streamed: share of this
    # loop that runs while operands come from DRAM (0: all of it); credits between harts
    "simple", "vector", "exponential", "reciprocal", "alone", "own_misses", "l3_misses", "dram_misses", "hidden", "streamed", "credits",
    # minions of a shire that compute, and those (idle ones help) that fetch lines from afar, on the chip too; the busiest minion's and shire's bytes
    "readers", "fetchers", "all_fetchers", "delivered_bytes", "port_bytes", "store_bytes", "l3_bytes", "remote_bytes",
    "dram_load_bytes", "dram_store_bytes",
    # before the loop: first load's level, its lines; after it: bytes of C that a shire stores while nothing else runs
    "first_level", "first_lines", "tail_store_bytes",
    # reductions: bytes of a message; levels inside neighbourhoods, in shires, between shires, of all trees that follow each other
    "tree_bytes", "tree_edges", "tree_levels", "tree_mesh_levels", "tree_hops", "tree_far_hops",
    "barriers", "launches", "sync_launches",
    # the whole chip, for energy
    "all_scalar", "all_vector", "all_exponential", "all_reciprocal", "all_l1_load", "all_l1_store", "all_own_load", "all_own_store",
    "all_shared", "all_l3", "all_remote", "all_l1_bytes", "tensor_macs",
    "all_products",  # of all_vector: multiply-adds of products
    "all_sent_edges", "all_sent_shire", "all_sent_mesh",
    "roofline", "unit", "k_split",
)  # fmt: skip
OP_DTYPE = np.dtype([(name, np.float64) for name in OP_FIELDS])

SLOTS = (
    Slot("launch", "cycles", "host", 0),
    Slot("compute", "cycles", "minions", 1),
    Slot("scratchpad", "cycles", "scratchpad", 1),
    Slot("mesh", "cycles", "mesh", 1),
    Slot("dram", "cycles", "dram", 1),
    Slot("exposed", "cycles", "scratchpad", 2),  # first operands, and the store of the last tiles
    Slot("reduce", "cycles", "mesh", 3),
    Slot("barrier", "cycles", "mesh", 4),
    Slot("tensor_j", "joules"),
    Slot("instructions_j", "joules"),
    Slot("l1_j", "joules"),
    Slot("scratchpad_j", "joules"),
    Slot("mesh_j", "joules"),
    Slot("dram_j", "joules"),
    Slot("awake_j", "joules"),
    Slot("dram_bytes", "bytes", "dram"),
    Slot("mesh_bytes", "bytes", "mesh"),
    Slot("scratchpad_bytes", "bytes", "scratchpad"),
    Slot("l1_bytes", "bytes", "l1"),
    Slot("roofline", "roofline", "minions"),
    Slot("unit", "note"),
    Slot("k_split", "note"),
    Slot("tile_rows", "note"),
)
RESOURCES = {"host": 1, "minions": 1, "scratchpad": 1, "mesh": 1, "dram": 1}
