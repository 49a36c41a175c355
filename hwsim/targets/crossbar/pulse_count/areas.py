"""Areas of a pulse-count macro, and components by the names that published tables use."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.program import Table
from hwsim.targets.crossbar.family import Floats

NAMES = ("adc", "array", "weighting_capacitors")
PARTS: Mapping[str, tuple[str, ...]] = {
    "adc": ("adc_energy", "adc"),
    "array": ("array_energy", "array"),
    "drivers": ("driver_energy",),
    "weighting_capacitors": ("sample_hold_energy", "weighting_capacitors"),
    "idle": ("digital_energy",),
    "macro": ("adc_energy", "array_energy", "driver_energy", "sample_hold_energy", "digital_energy", *NAMES),
}


def macro_area_mm2(p: Table) -> Mapping[str, Floats]:
    """Areas of one macro."""
    return {name: p[f"{name}_mm2"] for name in NAMES}


def area_mm2(p: Table) -> Mapping[str, Floats]:
    """Areas of all macros."""
    return {name: p["arrays"] * area for name, area in macro_area_mm2(p).items()}
