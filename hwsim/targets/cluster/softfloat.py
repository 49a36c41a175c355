"""Emulated floating point: cycles, fetched bytes and code size of each routine of the chosen library.

Cycles are those of a call without its call and return, and without instruction-cache stalls: these follow from the code sizes (`icache`). The libgcc
of a PULP compiler uses p.mac, find-first-one and hardware loops: its cycles are those of the plain one times `libgcc_xpulp_factor`.
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.cluster import layout as L


@part
def routine(p: Any, i: int) -> Any:
    """(cycles, fetched bytes of a call, code bytes) of routine `i` (`layout.SOFT`) in the library of the record."""
    if p.library == L.LIBGCC:
        factor = p.libgcc_xpulp_factor if p.xpulp_library > 0 else 1.0
        return p.libgcc_cycles[i] * factor, p.libgcc_instructions[i] * p.soft_instruction_bytes * factor, p.libgcc_code_bytes[i] * factor
    if p.library == L.RVFPLIB:
        return p.rvfplib_cycles[i], p.rvfplib_instructions[i] * p.soft_instruction_bytes, p.rvfplib_code_bytes[i]
    return p.rvfplib_size_cycles[i], p.rvfplib_size_instructions[i] * p.soft_instruction_bytes, p.rvfplib_size_code_bytes[i]


@part
def set_operations(p: Any) -> None:
    """Fill the derived columns of floating-point operations."""
    p.emulated = 0.0 if p.library == L.NATIVE else 1.0
    if p.emulated > 0:
        p.fadd_cycles, p.fadd_fetch_bytes, p.fadd_code_bytes = routine(p, 0)
        p.fsub_cycles, p.fsub_fetch_bytes, p.fsub_code_bytes = routine(p, 1)
        p.fmul_cycles, p.fmul_fetch_bytes, p.fmul_code_bytes = routine(p, 2)
        p.fdiv_soft_cycles, p.fdiv_fetch_bytes, p.fdiv_code_bytes = routine(p, 3)
        p.fcmp_cycles, p.fcmp_fetch_bytes, p.fcmp_code_bytes = routine(p, 4)
        p.feq_cycles, p.feq_fetch_bytes, p.feq_code_bytes = routine(p, 5)
        p.i2f_cycles, p.i2f_fetch_bytes, p.i2f_code_bytes = routine(p, 6)
        p.f2i_cycles, p.f2i_fetch_bytes, p.f2i_code_bytes = routine(p, 7)
        p.dadd_cycles, p.dadd_fetch_bytes, p.dadd_code_bytes = routine(p, 8)
        p.dmul_cycles, p.dmul_fetch_bytes, p.dmul_code_bytes = routine(p, 9)
        p.ddiv_cycles, p.ddiv_fetch_bytes, p.ddiv_code_bytes = routine(p, 10)
        p.f2d_cycles, p.f2d_fetch_bytes, p.f2d_code_bytes = routine(p, 11)


@part
def fetched_bytes(c: Any, p: Any) -> float:
    """Bytes of routines that the calls of a loop run through, all passes together."""
    return float(
        (c[L.FADD] + c[L.FMA]) * p.fadd_fetch_bytes + c[L.FSUB] * p.fsub_fetch_bytes + (c[L.FMUL] + c[L.FMA]) * p.fmul_fetch_bytes
        + c[L.FDIV] * p.fdiv_fetch_bytes + c[L.FCMP] * p.fcmp_fetch_bytes + c[L.FEQ] * p.feq_fetch_bytes + c[L.I2F] * p.i2f_fetch_bytes
        + c[L.F2I] * p.f2i_fetch_bytes + c[L.DADD] * p.dadd_fetch_bytes + c[L.DMUL] * p.dmul_fetch_bytes + c[L.DDIV] * p.ddiv_fetch_bytes
        + c[L.F2D] * p.f2d_fetch_bytes
    )  # fmt: skip


@part
def library_bytes(c: Any, p: Any) -> float:
    """Code bytes of the routines that a loop calls; an addition and a subtraction are one routine."""
    size = 0.0
    if c[L.FADD] + c[L.FSUB] + c[L.FMA] > 0:
        size += max(p.fadd_code_bytes, p.fsub_code_bytes)
    if c[L.FMUL] + c[L.FMA] > 0:
        size += p.fmul_code_bytes
    if c[L.FDIV] > 0:
        size += p.fdiv_code_bytes
    if c[L.FCMP] > 0:
        size += p.fcmp_code_bytes
    if c[L.FEQ] > 0:
        size += p.feq_code_bytes
    if c[L.I2F] > 0:
        size += p.i2f_code_bytes
    if c[L.F2I] > 0:
        size += p.f2i_code_bytes
    if c[L.DADD] > 0:
        size += p.dadd_code_bytes
    if c[L.DMUL] > 0:
        size += p.dmul_code_bytes
    if c[L.DDIV] > 0:
        size += p.ddiv_code_bytes
    if c[L.F2D] > 0:
        size += p.f2d_code_bytes
    return float(size)
