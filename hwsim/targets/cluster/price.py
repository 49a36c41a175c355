"""`prepare` and `price`: cycles, joules and bytes of one operator from the loops that its record states."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit, part
from hwsim.targets.cluster import layout as L
from hwsim.targets.cluster.core import float_cycles, integer_cycles, issued
from hwsim.targets.cluster.energy import core_active_j, scaled
from hwsim.targets.cluster.fpu import fpu_stall_cycles
from hwsim.targets.cluster.icache import icache_stall_cycles
from hwsim.targets.cluster.memory import dma_busy_cycles, dma_exposed_cycles, l2_access_cycles, l3_busy_cycles
from hwsim.targets.cluster.parallel import set_fork
from hwsim.targets.cluster.softfloat import fetched_bytes, library_bytes, set_operations
from hwsim.targets.cluster.tcdm import dma_conflicts, tcdm_stall_cycles


@jit
def prepare(p: Any) -> None:
    """Fill the derived columns of a record: floating-point operations of its library, the fork of its runtime."""
    set_operations(p)
    set_fork(p)


@part
def tcdm_accesses(c: Any) -> float:
    """Accesses of the TCDM of a loop."""
    return float(c[L.LOAD] + c[L.STORE] + c[L.ACCESS] + c[L.MISALIGNED])


@part
def loop_cycles(c: Any, running: float, p: Any) -> float:
    """Cycles that the instructions of a loop take without waiting for banks, units or code; accesses of L2 included."""
    cycles = integer_cycles(c, p) + float_cycles(c, p)
    if c[L.L2_ACCESS] > 0:
        cycles += c[L.L2_ACCESS] * l2_access_cycles(running, p)
    return float(cycles)


@jit
def issue_cycles(c: Any, running: float, p: Any) -> float:
    """`loop_cycles` as a function of its own."""
    return float(loop_cycles(c, running, p))


@jit
def tcdm_words(c: Any) -> float:
    """`tcdm_accesses` as a function of its own."""
    return float(tcdm_accesses(c))


@part
def fetch_stall(c: Any, op: Any, i: int, p: Any) -> float:
    """Instruction-cache stalls of loop `i`: its own body and, in emulation, the routines that it calls."""
    fetched, code = op.passes[i] * op.body_bytes[i], op.code_bytes[i]
    if p.emulated > 0:
        fetched += fetched_bytes(c, p)
        code += library_bytes(c, p)
    return icache_stall_cycles(fetched, code, op.cold[i], p)


@jit
def price(op: Any, p: Any, out: Any) -> None:
    """Fill the slots of one operator: its loops one after another, then barriers and forks, then what transfers take beyond them."""
    compute = imbalance = tcdm = fpu = icache = sequential = 0.0
    busy = accesses = instructions = shared = 0.0
    for i in range(int(op.loops)):
        c = op.counts[i]
        running = op.running[i]
        issue = loop_cycles(c, running, p)
        words = tcdm_accesses(c)
        bank = tcdm_stall_cycles(words, issue, running, op.pattern[i], op.stride_words[i], p)
        unit = fpu_stall_cycles(c, issue, running, min(1.0, op.balance[i] * op.cores / running), p)
        fetch = fetch_stall(c, op, i, p)
        if op.sequential[i] > 0:
            sequential += issue + bank + unit + fetch
            team = 1.0
        else:
            compute += issue * op.balance[i]
            imbalance += issue * (1.0 - op.balance[i])
            tcdm += bank
            fpu += unit
            icache += fetch
            shared += words
            team = op.cores * op.balance[i]
        busy += team * (issue + bank + unit + fetch)
        accesses += team * words
        instructions += team * issued(c)
    moved = op.dma_in_bytes + op.dma_out_bytes
    tcdm += op.more_stalls + dma_conflicts(shared, compute + imbalance, moved, p)
    busy += op.cores * op.more_stalls
    out.fork = op.forks * p.fork_cycles
    out.compute, out.imbalance, out.tcdm_stall, out.fpu_stall, out.icache_stall, out.sequential = compute, imbalance, tcdm, fpu, icache, sequential
    out.barrier = op.barriers * p.barrier_cycles
    cores = out.fork + compute + imbalance + tcdm + fpu + icache + sequential + out.barrier
    out.dma_busy, out.l3_busy = dma_busy_cycles(op, p), l3_busy_cycles(op, p)
    out.dma = dma_exposed_cycles(op, cores, p)
    out.l3 = out.l3_busy if op.l3_blocking > 0 else max(0.0, out.l3_busy - cores - out.dma)
    whole = cores + out.dma + out.l3
    out.cores_j = scaled(core_active_j(busy, op.cores * whole - busy, p), p)
    out.tcdm_j = scaled(accesses * p.tcdm_access_j * p.physical, p)
    out.transfers_j = scaled((moved * p.dma_byte_j + op.l3_bytes * p.l3_byte_j) * p.physical, p)
    out.l1_bytes = max(accesses * p.tcdm_word_bytes, op.compulsory_bytes)
    out.l2_bytes = moved
    out.l3_moved_bytes = op.l3_bytes
    out.roofline = op.roofline
    out.instructions = instructions
