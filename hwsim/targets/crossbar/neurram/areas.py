"""Areas of NeuRRAM cores, and components by the names that published tables use."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.program import Table
from hwsim.targets.crossbar.family import Floats

PARTS: Mapping[str, tuple[str, ...]] = {
    "neuron": ("adc_energy", "sample_hold_energy", "neuron_adc", "neuron_shift_add", "neuron_integrator", "neuron_sample"),
    "adc": ("adc_energy", "adc", "neuron_adc"),
    "shift_add": ("neuron_shift_add",),
    "wl_switching": ("driver_energy",),
    "input_pulses": ("array_energy",),
    "array_drivers": ("driver_energy", "array_drivers"),
    "core": (
        "adc_energy", "sample_hold_energy", "driver_energy", "array_energy",
        "neuron_adc", "neuron_shift_add", "neuron_integrator", "neuron_sample", "array_drivers", "array", "core_other",
    ),
}  # fmt: skip


def core_area_mm2(p: Table) -> Mapping[str, Floats]:
    """Areas of one core: neurons per column of cells, drivers per row, cells of `cell_f2` F^2 (F: `feature_m`), and the rest."""
    columns = p["array_columns"]
    found = {f"neuron_{name}": columns * p[f"neuron_{name}_mm2"] for name in ("adc", "shift_add", "integrator", "sample")}
    found["array_drivers"] = p["array_rows"] * p["row_driver_mm2"]
    found["array"] = p["array_rows"] * columns * p["cell_f2"] * (p["feature_m"] * 1e3) ** 2
    found["core_other"] = p["core_other_mm2"]
    return found


def area_mm2(p: Table) -> Mapping[str, Floats]:
    """Areas of all cores; pads and what is between the cores are not published."""
    return {name: p["arrays"] * area for name, area in core_area_mm2(p).items()}
