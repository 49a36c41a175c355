"""What designs publish of themselves: counts of resources, and the widest operands of their products."""

from __future__ import annotations

from dataclasses import replace

from hwsim.core.chip import Chip
from hwsim.core.dtype import dtype
from hwsim.core.op import Op
from hwsim.targets.fpga.mapping import Options
from hwsim.targets.fpga.resources import Resources


def stated_resources(chip: Chip, options: Options) -> Resources:
    """Return the counts of the design file; a design of several `cores` states those of one. The option ``dsp`` replaces the count of slices."""
    lut, ff, bram, uram, dsp = (chip.number(f"design_{name}") for name in ("lut", "ff", "bram", "uram", "dsp"))
    whole = Resources(lut, ff, bram, uram, dsp).times(chip.number("cores") if "cores" in chip.params else 1.0)
    return whole if options.dsp is None else replace(whole, dsp=float(options.dsp))


def too_wide(op: Op, widest: tuple[float, ...]) -> str:
    """Say why a product's operands do not fit the design's multipliers of `widest` (activation, weight, ...) bits; empty when they do."""
    for what, name, bits in (("activations", op.dtype, widest[0]), ("weights", op.weight_dtype, widest[1])):
        if dtype(name).bits > bits:
            return f"{what} of {name}: its products take up to {bits:g} bits (load the graph with a narrower dtype or weight_dtype)"
    return ""
