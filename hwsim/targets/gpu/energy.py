"""Joules of one operator, the clock under the board's power limit, power that flows whatever runs, and silicon area.

``energy_mode: nameplate`` charges the board's TDP for the whole time (how published comparisons are made). ``activity`` is
``P = P_active_idle + e_byte x DRAM bandwidth + e_flop x FLOP rate``, fitted to roofline kernels measured on an A100 (gpu-benches); a byte's energy
covers HBM, its PHY, L2, the on-chip network and registers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.program import Table
from hwsim.engine.jit import jit
from hwsim.targets.gpu import spec

Floats = NDArray[np.float64]
LOWEST_CLOCK = 0.25  # share of the stated clock below which no board is driven
BISECTIONS = 30
LEAST_J = 1e-300  # where an operator has no arithmetic

AREAS = {
    "cores": "area_cores_mm2", "on-chip network": "area_network_mm2", "L2": "area_l2_mm2", "memory PHY": "area_memory_phy_mm2",
    "memory control": "area_memory_control_mm2", "link PHY": "area_link_phy_mm2", "other": "area_other_mm2",
}  # fmt: skip


@jit
def flop_energy(arithmetic: float, p: Any) -> float:
    """Joules per operation (2 per MAC) of a kind of arithmetic."""
    if arithmetic == spec.VECTOR_FP64:
        return float(p.fp64_j_per_flop)
    if arithmetic == spec.TENSOR_FP8 or arithmetic == spec.TENSOR_INT8:  # noqa: PLR1714  (jitted)
        return float(p.tensor8_j_per_flop)
    return float(p.vector_j_per_flop if arithmetic <= spec.VECTOR_FP32 else p.tensor_j_per_flop)  # 0: no product


@jit
def saved_share(arithmetic: float, p: Any) -> float:
    """Share of the joules of a product that L-Mul saves, by its arithmetic; 0 with standard multipliers."""
    if arithmetic == spec.TENSOR_16:
        return float(p.saved_fp16)
    return float(p.saved_fp32) if arithmetic == spec.VECTOR_FP32 else 0.0


@jit
def capped_clock(watts_moved: float, watts_core: float, share: float, slack: float, p: Any) -> float:
    """Largest clock, as a share of the stated one, at which a board stays within its power limit: ``P_idle + P(s) <= TDP``.

    At the full clock memory draws `watts_moved` and the SMs `watts_core` over the operator's time; a SM's joules fall as ``s^e`` (voltage follows
    the clock) and the time grows as ``1 + share (1 / s - 1)`` once the `slack` of the SMs behind memory is used up. Bisection.
    """
    low, high = LOWEST_CLOCK, 1.0
    for _ in range(BISECTIONS):
        scale = 0.5 * (low + high)
        time = 1 + max(0.0, share * (1 / scale - 1) - slack)
        if p.active_idle_w + (watts_moved + watts_core * scale**p.throttle_exponent) / time > p.tdp_w:
            high = scale
        else:
            low = scale
    return low


@jit
def throttle(op: Any, p: Any, out: Any) -> None:
    """Lower the clock of an operator whose power exceeds the board's limit: longer arithmetic, fewer joules per operation.

    The limit is applied operator by operator, which is pessimistic for spikes shorter than the board's control loop.
    """
    bound = max(out.compute, out.memory, out.dispatch)
    cycles = out.launch + bound + out.exposed
    out.clock_scale = 1.0
    if cycles <= 0 or (out.dram_traffic + out.arithmetic) * p.clock_hz <= (p.tdp_w - p.active_idle_w) * cycles * op.gpus:
        return
    per_watt = cycles / p.clock_hz * op.gpus
    moved, core = out.dram_traffic / per_watt, out.arithmetic / per_watt
    out.clock_scale = capped_clock(moved, core, out.compute / cycles, (bound - out.compute) / cycles, p)
    out.compute /= out.clock_scale
    out.arithmetic *= out.clock_scale**p.throttle_exponent


@jit
def charge(op: Any, p: Any, executed: float, out: Any) -> None:
    """Fill bytes, joules and the clock, of all GPUs together; `executed` MACs (Winograd: fewer than the operator's).

    `out.dram_bytes` holds what a kernel reads again. An all-reduce moves ``2 (n - 1) / n`` of its bytes over each GPU's link. What L-Mul saves of the
    products comes off at the clock that the power limit leaves standard multipliers.
    """
    if op.kind == spec.ALLREDUCE:
        out.link_bytes = 2 * (op.gpus - 1) * op.bytes
        out.dram_bytes = max(2 * op.bytes * op.gpus, op.compulsory_bytes)
    else:
        out.on_chip_bytes += op.fused_bytes * op.gpus
        out.dram_bytes += max(op.bytes * op.gpus, op.compulsory_bytes) - out.on_chip_bytes + op.converted_bytes * op.gpus
    out.dram_traffic = out.dram_bytes * p.dram_j_per_byte
    products = 2 * executed * flop_energy(op.arithmetic, p)
    weights = op.expanded * op.batch * op.k * op.n * op.share * op.gpus
    expansions = weights * math.ceil(op.m / p.tile_rows[0]) * p.expand_instructions  # by every tile that reads them
    out.arithmetic = products + (op.flops + expansions) * p.vector_j_per_flop
    kept = 1.0 - saved_share(op.arithmetic, p) * (products / max(out.arithmetic, LEAST_J))
    out.link_traffic = out.link_bytes * p.link_j_per_byte
    out.engine_work = op.requests * p.request_j
    if op.kind != spec.ALLREDUCE:
        throttle(op, p, out)
    out.arithmetic *= kept
    if p.activity <= 0:
        out.dram_traffic, out.arithmetic, out.link_traffic, out.engine_work = 0.0, 0.0, 0.0, 0.0


def static_power_w(p: Table) -> Mapping[str, Floats]:
    """Watts of all GPUs that do not depend on the work: the nameplate's, or those of clocked but idle boards. One figure per record."""
    active = p["activity"] > 0
    return {"nameplate": np.where(active, 0.0, p["tdp_w"] * p["devices"]), "active idle": np.where(active, p["active_idle_w"] * p["devices"], 0.0)}


def area_mm2(p: Table) -> Mapping[str, Floats]:
    """Die area of all GPUs by what occupies it. One figure per record."""
    return {name: p[param] * p["devices"] for name, param in AREAS.items()}
