"""Joules of switching, bytes moved and the arithmetic roofline of one operator; static power and silicon area of the wafer.

`energy_mode: nameplate` is power x time of the whole chip, whatever it does (how the published tables were made). `activity` counts events:
MACs, bytes of core SRAM, wavelet hops and active core-cycles, with assumed energies that meet two anchors (30 mW peak per core; fp32 SGEMM).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.program import Table
from hwsim.engine.jit import part

Floats = NDArray[np.float64]

WAVELET_BITS = 32


@part
def charge(op: Any, p: Any, out: Any, macs: float, calls: float, wavelet_hops: float, cores: float) -> None:
    """Fill roofline, bytes and joules from counts over all cores.

    A MAC reads the accumulator and one operand and writes the accumulator (three elements); a call reads its scalar; a wavelet hop moves four bytes.
    """
    width = p.fp32_mac_per_cycle if op.fp32 > 0 else p.fp16_mac_per_cycle
    out.roofline = op.macs / (cores * width)
    out.sram_bytes = max((3 * macs + calls) * op.element_bytes, op.compulsory_bytes)
    out.fabric_bytes = wavelet_hops * 4
    if p.activity > 0:
        kept = 1.0 - op.fp16_product * p.saved_fp16 - op.fp32_product * p.saved_fp32  # L-Mul in place of the multipliers
        out.mac = macs * (p.mac_fp32_j if op.fp32 > 0 else p.mac_fp16_j) * kept
        out.sram = out.sram_bytes * p.sram_j_per_byte
        out.fabric = wavelet_hops * WAVELET_BITS * p.link_j_per_bit


@part
def charge_issue(p: Any, out: Any, cores: float) -> None:
    """Joules of instruction issue and clocking while the program's cores are busy (lockstep: all of them, for the whole operator)."""
    if p.activity > 0:
        busy = out.switch + out.align + out.step + out.multiply + out.vector + out.transfer + out.allreduce
        out.issue = busy * cores * p.core_active_j_per_cycle


def static_power_w(p: Table) -> Mapping[str, Floats]:
    """Power that flows whatever the program does: the nameplate's, or the idle power of every core on the wafer. One figure per record."""
    active = p["activity"] > 0
    idle = p["cores_marketed"] * p["core_idle_w"]
    return {"nameplate": np.where(active, 0.0, p["chip_power_w"]), "idle cores": np.where(active, idle, 0.0)}


def area_mm2(p: Table) -> Mapping[str, Floats]:
    """The die by what occupies it: cores of the largest program rectangle (SRAM and logic), the other cores, the rest. One figure per record."""
    used = np.maximum(p["prefill_w"] * p["prefill_h"], p["decode_w"] * p["decode_h"])
    used = np.minimum(used, p["cores_marketed"])
    core, share = p["core_area_mm2"], p["sram_area_share"]
    return {
        "program cores, SRAM": used * core * share,
        "program cores, logic": used * core * (1 - share),
        "other cores": (p["cores_marketed"] - used) * core,
        "fabric edge, I/O, spare": p["die_area_mm2"] - p["cores_marketed"] * core,
    }
