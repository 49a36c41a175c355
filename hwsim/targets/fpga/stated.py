"""Resources of designs that publish what they take rather than how: counts in the design file."""

from __future__ import annotations

from dataclasses import replace

from hwsim.core.chip import Chip
from hwsim.targets.fpga.mapping import Options
from hwsim.targets.fpga.resources import Resources


def stated_resources(chip: Chip, options: Options) -> Resources:
    """Return the counts of the design file; a design of several `cores` states those of one. The option ``dsp`` replaces the count of slices."""
    lut, ff, bram, uram, dsp = (chip.number(f"design_{name}") for name in ("lut", "ff", "bram", "uram", "dsp"))
    whole = Resources(lut, ff, bram, uram, dsp).times(chip.number("cores") if "cores" in chip.params else 1.0)
    return whole if options.dsp is None else replace(whole, dsp=float(options.dsp))
