"""Leakage and area by component of chips that run operator graphs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwsim.core.program import Table
from hwsim.core.target import Around

Floats = NDArray[np.float64]


def surroundings(p: Table) -> Around:
    """(static watts, mm2) by component, arrays of shape (n,) for n parameter records; components that the chip lacks are left out."""
    elements = p["rows"] * p["cols"]
    output = p["rows"] * p["output_stage_macs"]
    power = {
        "core": p["core_leakage_w"], "instruction_memory": p["imem_leakage_w"], "data_memory": p["dmem_leakage_w"],
        "array": elements * p["element_leakage_w"], "output_stage": output * p["element_leakage_w"], "buffer": p["buffer_leakage_w"],
    }  # fmt: skip
    area = {
        "core": p["core_area_mm2"], "instruction_memory": p["imem_area_mm2"], "data_memory": p["dmem_area_mm2"],
        "array": elements * p["element_area_mm2"], "output_stage": output * p["element_area_mm2"], "buffer": p["buffer_area_mm2"],
    }  # fmt: skip
    return _stated(power), _stated(area)


def _stated(parts: dict[str, Floats]) -> dict[str, Floats]:
    return {name: np.array(values) for name, values in parts.items() if not np.isnan(values).any() and values.any()}
