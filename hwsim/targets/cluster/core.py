"""Issue of one core: cycles of the instructions of a loop, hazards included, contention left out.

T = sum_i n_i c_i + n_load_use + extra cycles of taken branches and jumps (in-order, one issue a cycle; RI5CY / CV32E40P pipeline documentation,
confirmed with GVSoC). Floating-point operations cost what `softfloat.set_operations` filled in: one issue natively, a routine in emulation.
"""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import part
from hwsim.targets.cluster import layout as L

WORD_BITS = 32


@part
def integer_cycles(c: Any, p: Any) -> float:
    """Cycles of integer instructions, control, loads and stores, and of hazards; `c` counts by class."""
    return float(
        c[L.ALU] * p.alu_cycles + c[L.MUL] * p.mul_cycles + c[L.MULH] * p.mulh_cycles + c[L.DIV] * p.div_cycles
        + c[L.LOAD] * p.load_cycles + c[L.STORE] * p.store_cycles + c[L.JUMP] * p.jump_cycles + c[L.BRANCH] * p.branch_cycles
        + c[L.TAKEN] * p.taken_cycles + c[L.MAC] * p.mac_cycles + c[L.SDOT] * p.sdot_cycles + c[L.EVENT] * p.event_load_cycles
        + c[L.LOAD_USE] * p.load_use_cycles + c[L.MUL_USE] * p.mul_use_cycles + c[L.MISALIGNED] * p.misaligned_cycles
        + c[L.CALL] * p.call_cycles + c[L.CYCLE]
        + c[L.TILE] * p.tile_control_cycles + c[L.OUTPUT] * p.autotiler_output_cycles + c[L.FLASH] * p.flash_cycles_per_byte
    )  # fmt: skip


@part
def float_cycles(c: Any, p: Any) -> float:
    """Cycles of floating-point operations: instructions, or routines with their calls. A fused multiply-add is two routines."""
    if p.emulated > 0:
        calls = (
            c[L.FADD] + c[L.FSUB] + c[L.FMUL] + 2.0 * c[L.FMA] + c[L.FCMP] + c[L.FEQ] + c[L.I2F] + c[L.F2I] + c[L.FDIV]
            + c[L.DADD] + c[L.DMUL] + c[L.DDIV] + c[L.F2D]
        )  # fmt: skip
        return float(
            c[L.FADD] * p.fadd_cycles + c[L.FSUB] * p.fsub_cycles + c[L.FMUL] * p.fmul_cycles + c[L.FMA] * (p.fmul_cycles + p.fadd_cycles)
            + c[L.FCMP] * p.fcmp_cycles + c[L.FEQ] * p.feq_cycles + c[L.I2F] * p.i2f_cycles + c[L.F2I] * p.f2i_cycles
            + c[L.FMOVE] * p.alu_cycles + c[L.FDIV] * p.fdiv_soft_cycles + c[L.DADD] * p.dadd_cycles + c[L.DMUL] * p.dmul_cycles
            + c[L.DDIV] * p.ddiv_cycles + c[L.F2D] * p.f2d_cycles + calls * p.call_cycles
        )  # fmt: skip
    return float(simple_float(c) * p.fp_cycles + c[L.FMA] * p.fma_cycles + c[L.FDIV] * p.fdiv_cycles + c[L.FDIV_HALF] * p.fdiv_half_cycles)


@part
def simple_float(c: Any) -> float:
    """Native floating-point instructions of one issue, fused multiply-adds left out."""
    return float(c[L.FADD] + c[L.FSUB] + c[L.FMUL] + c[L.FCMP] + c[L.FEQ] + c[L.I2F] + c[L.F2I] + c[L.FMOVE] + c[L.FVEC])


@part
def issued(c: Any) -> float:
    """Instructions of the loop itself; those of routines are not counted."""
    total = 0.0
    for i in range(len(L.INSTRUCTIONS)):
        total += c[i]
    return float(total + c[L.CYCLE])


def divide_cycles(divisor: int, least: float) -> float:
    """Cycles of a 32-bit integer division: `least` + leading zeros of the divisor. Source: CV32E40P pipeline documentation.

    >>> divide_cycles(3, 3.0), divide_cycles(2**31, 3.0)
    (33.0, 3.0)
    """
    return least + (WORD_BITS - divisor.bit_length())
