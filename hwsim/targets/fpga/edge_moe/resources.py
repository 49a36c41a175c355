"""What Edge-MoE takes of a device: products of the linear and attention units, staged weights, token buffers."""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.targets.fpga.mapping import Options
from hwsim.targets.fpga.resources import Resources, bram_of

WEIGHT_BITS = 16.0


def peak_macs(chip: Chip, mode: str) -> float:
    """MACs per cycle of the linear unit; matrix x vector runs on it just the same."""
    return chip.number("block_inputs") * chip.number("block_outputs")


def attention_macs(chip: Chip) -> float:
    """MACs per cycle of the units of Q K^T and of A V together."""
    return 2 * chip.number("parallel_queries") * chip.number("attention_lanes")


def resources(chip: Chip, options: Options) -> Resources:
    """``DSP = 2 x 256 + 4 x 2 x p x lanes + rest`` (a 32 x 16-bit product takes two slices, 32 x 32 bits four); weights twice (ping/pong), a block of
    16 x 16 read per cycle."""
    block = peak_macs(chip, "mm")
    dsp = block * chip.number("linear_slices_per_mac") + attention_macs(chip) * chip.number("attention_slices_per_mac") + chip.number("fixed_dsp")
    weights = 2 * bram_of(block * WEIGHT_BITS, chip.number("staged_weights") / block)
    return Resources(lut=chip.number("fixed_lut"), ff=chip.number("fixed_ff"), bram=weights + chip.number("fixed_bram"), dsp=dsp)
