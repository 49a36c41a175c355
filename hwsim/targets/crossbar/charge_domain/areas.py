"""Areas of a charge-domain macro, and components by the names that published tables use."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.program import Table
from hwsim.targets.crossbar.family import Floats

NAMES = ("adc", "array", "datapath", "sparsity_controller")
PARTS: Mapping[str, tuple[str, ...]] = {
    "adc": ("adc_energy", "adc"),
    "array": ("array_energy", "array"),
    "datapath": ("accumulation_energy", "datapath"),
    "accumulation": ("accumulation_energy", "accumulation", "datapath"),
    "sparsity_controller": ("sparsity_controller",),
    "array_and_adc": ("adc_energy", "array_energy", "adc", "array"),
    "macro": ("adc_energy", "array_energy", "accumulation_energy", *NAMES),
}


def macro_area_mm2(p: Table) -> Mapping[str, Floats]:
    """Areas of one macro."""
    return {name: p[f"{name}_mm2"] for name in NAMES}


def area_mm2(p: Table) -> Mapping[str, Floats]:
    """Areas of all macros."""
    return {name: p["arrays"] * area for name, area in macro_area_mm2(p).items()}
