"""Watts of DPU cores at work, and what clock gating leaves."""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.targets.fpga.mapping import Options


def clocked(chip: Chip, options: Options) -> float:
    """Share of the clocking power that stays: none with gated clocks (an engine's clock runs while it works, which its work is charged with)."""
    return 0.0 if options.clock_gating else 1.0


def core_w(chip: Chip) -> float:
    """Watts that one busy core adds: ``PP ICP OCP x f x joules per slot`` of the array, its share of memory included."""
    slots = chip.number("dpu_pp") * chip.number("dpu_icp") * chip.number("dpu_ocp")
    return slots * chip.number("design_clock_hz") * chip.number("dpu_active_j_per_slot")


def running_w(chip: Chip, options: Options) -> float:
    """Watts that all cores add at work."""
    return chip.number("cores") * core_w(chip)
