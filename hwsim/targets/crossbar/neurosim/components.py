"""Components by their published names, areas and static power of the chip."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.program import Table
from hwsim.targets.crossbar.family import Floats

MOVED = ("buffer_energy", "interconnect_energy")
PARTS: Mapping[str, tuple[str, ...]] = {
    "array": ("cells",),
    "adc": ("adc", "adc_energy", "array_energy", "converters"),  # the printed figure contains the array's current and charge
    "accumulation": ("accumulation", "accumulation_energy", "adders"),
    "interconnect": ("interconnect", "interconnect_energy", "wires"),
    "buffer": ("buffer", "buffer_energy"),
    "other": ("buffer", "interconnect", "digital", "driver_energy", "digital_energy", *MOVED, "periphery"),
    "dynamic": ("adc_energy", "array_energy", "accumulation_energy", "driver_energy", "digital_energy", *MOVED),
    "leakage": ("leakage",),
}


def area_mm2(p: Table) -> Mapping[str, Floats]:
    """Areas that `prepare` worked out."""
    names = {"cells": "cells", "converters": "adc", "adders": "adders", "periphery": "periphery", "wires": "wires"}
    return {name: p[f"ns_{column}_mm2"] for name, column in names.items()}


def array_area_mm2(p: Table) -> Mapping[str, Floats]:
    """Areas of an array with its converters, adders and row periphery; no wires beyond it."""
    return {name: area for name, area in area_mm2(p).items() if name != "wires"}


def static_w(p: Table) -> Mapping[str, Floats]:
    """Leakage; after layout, the same margin on it as on dynamic energy."""
    margin = (p["layout_energy"] - 1.0) * p["post_layout_factors"]
    return {"leakage": p["ns_leak_w"], "leakage_margin": p["ns_leak_w"] * margin}
