"""What a design takes of a device: LUT, FF, BRAM36, URAM and DSP slices, and whether that fits."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible
from hwsim.targets.fpga.spec import RESOURCES

BRAM_BITS = 36 * 1024  # BRAM36, 72 bits wide at most (simple dual port)
BRAM_WIDTH = 72
BRAM_DEPTH = 512
URAM_BITS = 288 * 1024
URAM_WIDTH = 72
URAM_DEPTH = 4096
UNITS = {"lut": "LUT", "ff": "FF", "bram": "BRAM36", "uram": "URAM", "dsp": "DSP slices"}


@dataclass(frozen=True)
class Resources:
    """Resources of a design without the device's shell. `cores` equal parts must each lie within one die."""

    lut: float = 0.0
    ff: float = 0.0
    bram: float = 0.0
    uram: float = 0.0
    dsp: float = 0.0
    cores: int = 1

    def __add__(self, other: Resources) -> Resources:
        sums = {name: getattr(self, name) + getattr(other, name) for name in RESOURCES}
        return Resources(**sums, cores=max(self.cores, other.cores))

    def times(self, count: float) -> Resources:
        """Return `count` copies of the same."""
        return Resources(**{name: getattr(self, name) * count for name in RESOURCES}, cores=self.cores)

    @property
    def figures(self) -> dict[str, float]:
        """The counts by name, as reports show them."""
        return {name: float(getattr(self, name)) for name in RESOURCES}

    def must_fit(self, chip: Chip) -> None:
        """Raise `Infeasible` (resource, demand, bound) when the device's user budget, or one die's for a core, is exceeded."""
        for name in RESOURCES:
            demand, bound = getattr(self, name), chip.number(name) - chip.number(f"shell_{name}")
            levers = ("a larger device", "fewer cores or less parallelism")
            if demand > bound:
                raise Infeasible(f"design '{chip.text('design')}' on {chip.name}", demand=demand, bound=bound, unit=UNITS[name], levers=levers)
            die = chip.number(name) / chip.number("dies")
            if self.cores > 1 and demand / self.cores > die:
                raise Infeasible(f"one core of design '{chip.text('design')}' on one die of {chip.name}", demand=demand / self.cores, bound=die,
                                 unit=UNITS[name], levers=levers)  # fmt: skip


def bram_of(width_bits: float, depth: float, banks: float = 1) -> float:
    """BRAM36 of `banks` memories of `width_bits` x `depth`: ``ceil(width / 72) x ceil(depth / 512)`` each (half ones for up to 36 bits)."""
    halves = math.ceil(width_bits / (BRAM_WIDTH / 2))
    return banks * halves / 2 * math.ceil(depth / BRAM_DEPTH)


def uram_of(width_bits: float, depth: float, banks: float = 1) -> float:
    """URAM of `banks` memories of `width_bits` x `depth`: ``ceil(width / 72) x ceil(depth / 4096)`` each."""
    return banks * math.ceil(width_bits / URAM_WIDTH) * math.ceil(depth / URAM_DEPTH)


def bram_of_bytes(size_bytes: float) -> float:
    """BRAM36 that hold `size_bytes` with no regard to ports."""
    return math.ceil(size_bytes * 8 / BRAM_BITS)
