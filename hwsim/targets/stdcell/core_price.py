"""Cycles and joules of one operator on a core or an array, from its instructions, products, folds and bytes.

Products without a multiplier, of b bits of which a share `ones` is set (a taken branch skips an addition):

    shift and add, unrolled    b (test + branch) / sharing + ones b additions + (b - 1) shifts of the multiplicand
    libgcc's __mulsi3          call, set-up, l b passes of test, branch, ones additions, two shifts and a branch, and return;
                               l: length of the multiplier over its format's bits
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit, part

ALU, SHIFT, LOAD, STORE, BRANCH, TAKEN, JUMP, INDIRECT = range(8)
SCALE_BITS = 16.0
WORD_BYTES = 4.0


@jit
def prepare(p: Any) -> None:
    """Clock of the chip, and the core's cycle over it (an array's core has a clock of its own)."""
    own = 0.0
    if p.has_core > 0:
        own = 1.0 / p.core_clock_hz + p.imem_access_s + p.dmem_access_s if p.same_cycle > 0 else max(
            1.0 / p.core_clock_hz, p.imem_access_s, p.dmem_access_s
        )  # fmt: skip
    period = 1.0 / p.array_clock_hz if p.has_array > 0 else own
    p.clock_hz = 1.0 / period
    p.core_ratio = own / period


@part
def product_cycles(p: Any, bits: float, sharing: float) -> float:
    """Cycles of the core for one product and its addition."""
    ones = p.multiplier_ones
    branch = (1.0 - ones) * p.cpi[TAKEN] + ones * p.cpi[BRANCH]
    cycles: float = 0.0
    if p.method == 0:
        cycles += p.multiply_cycles + p.cpi[ALU]
    elif p.method == 1:
        cycles += bits * ((p.cpi[ALU] + branch) / sharing + ones * p.cpi[ALU]) + (bits - 1.0) * p.cpi[SHIFT]
    else:
        passes = max(1.0, p.multiplier_length * bits)
        one = p.cpi[ALU] + branch + ones * p.cpi[ALU] + 2.0 * p.cpi[SHIFT]
        around = 5.0 * p.cpi[ALU] + p.cpi[JUMP] + p.cpi[INDIRECT]
        cycles += around + passes * one + (passes - 1.0) * p.cpi[TAKEN] + p.cpi[BRANCH]
    return cycles


@part
def product_instructions(p: Any, bits: float, sharing: float) -> float:
    """Instructions of one product and its addition."""
    instructions = 2.0
    if p.method == 1:
        instructions = bits * (2.0 / sharing + p.multiplier_ones) + bits - 1.0
    elif p.method == 2:
        instructions = 7.0 + max(1.0, p.multiplier_length * bits) * (5.0 + p.multiplier_ones)
    return instructions


@jit
def price(op: Any, p: Any, out: Any) -> None:
    """Fill the slots of one execution of one operator."""
    data = max(op.element_bytes, 1.0) * (op.load + op.store) + op.buffer_read_bytes + op.buffer_write_bytes + op.dram_bytes
    out.sram_bytes = max(data, op.compulsory_bytes)
    work = 0.0
    if p.has_core > 0:
        r = p.core_ratio
        out.multiply = r * (op.products * product_cycles(p, op.bits, op.sharing) + op.wide * product_cycles(p, SCALE_BITS, 1.0))
        out.memory = r * (op.load * p.cpi[LOAD] + op.store * p.cpi[STORE])
        out.arithmetic = r * (op.alu * p.cpi[ALU] + op.shift * p.cpi[SHIFT])
        out.control = r * (op.branch * p.cpi[BRANCH] + op.taken * p.cpi[TAKEN] + op.jump * p.cpi[JUMP] + op.indirect * p.cpi[INDIRECT])
        work = out.multiply + out.memory + out.arithmetic + out.control
        plain = op.alu + op.shift + op.load + op.store + op.branch + op.taken + op.jump + op.indirect
        products = op.products * product_instructions(p, op.bits, op.sharing) + op.wide * product_instructions(p, SCALE_BITS, 1.0)
        out.instructions = plain + products
        out.core_j = work / r * p.core_cycle_j
        out.instruction_memory_j = out.instructions * p.imem_read_j
        out.data_memory_j = op.load * p.dmem_read_j + op.store * p.dmem_write_j
        out.roofline = r * op.products * product_cycles(p, op.bits, op.sharing)
    if p.has_array > 0 and op.folds > 0:
        elements = p.rows * p.cols
        out.array = op.folds * op.fold_cycles
        out.drain = op.folds * op.drain_cycles
        accesses = (op.buffer_read_bytes + op.buffer_write_bytes) / p.buffer_port_bytes
        out.buffer_wait = max(0.0, accesses * p.buffer_access_s * p.clock_hz - out.array - out.drain)  # one access at a time
        work += out.array + out.drain + out.buffer_wait
        out.array_j = op.array_macs * p.element_mac_j + (out.array + out.drain + out.buffer_wait) * elements * p.element_clock_j
        out.output_stage_j = op.outputs * p.output_stage_macs * (p.element_mac_j + p.element_clock_j)
        out.buffer_j = (op.buffer_read_bytes * p.buffer_read_j + op.buffer_write_bytes * p.buffer_write_j) / p.buffer_port_bytes
        out.roofline = max(out.roofline, op.array_macs / elements)
    if op.dram_bytes > 0:
        cycles = p.clock_hz / p.dram_bytes_per_s
        out.dram_wait = op.first_bytes * cycles + max(0.0, (op.dram_bytes - op.first_bytes) * cycles - work)
        out.dram_j = 8.0 * op.dram_bytes * p.dram_j_per_bit
        out.dram_bytes = op.dram_bytes
        if p.has_array > 0:
            out.buffer_j += op.dram_bytes * p.buffer_write_j / p.buffer_port_bytes
        else:
            out.data_memory_j += op.dram_bytes * p.dmem_write_j / WORD_BYTES
