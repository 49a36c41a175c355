"""Components of a chip of tiles: how many there are, their power at full activity and area, and totals of unit, core, tile and chip, added up.

Every figure is worked out from the parameter table, an array of shape (n,) for n records.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidTrace, nearest
from hwsim.core.program import Table
from hwsim.targets.crossbar.adc.sar import bits_scaling
from hwsim.targets.crossbar.tiled.spec import ADC, ARRAY, CHIP, CORE, LEVEL_OF, ROUTER, TILE, UNIT

Floats = NDArray[np.float64]
TILES = "tiles"
NESTED = {UNIT: (), CORE: (UNIT,), TILE: (CORE,), CHIP: (TILES,)}  # what a level holds besides its own components
TOTALS = {"ima": CORE, "matrix_unit": UNIT, CORE: CORE, TILE: TILE, TILES: TILES, CHIP: CHIP, "node": CHIP}
ALIASES = {  # the authors' names for the same parts
    "output_register": "output_register_ima", "alu": "vector_unit", "vfu": "vector_unit", "act": "activation_unit", "data_mem": "data_memory",
    "instr_mem": "instruction_memory", "xbar_in_mem": "input_register", "xbar_out_mem": "output_register_ima", "bus": "edram_bus",
    "tile_instr": "tile_instruction_memory", "counter": "attribute_buffer", "counter_buffer": "attribute_buffer", "crossbar": ARRAY,
}  # fmt: skip


def _number(p: Table, name: str) -> Floats:
    """A constant, 0 where the chip leaves it out."""
    return np.nan_to_num(np.asarray(p[name], dtype=np.float64))


def count(p: Table, name: str) -> Floats:
    """Instances of a component in one instance of its level."""
    if name == ADC:
        return np.asarray(p["array_count"] * p["array_columns"] / p["columns_per_adc"])
    if name == ARRAY:
        return _number(p, "array_count")
    if name == ROUTER:
        return np.asarray(1.0 / p["tiles_per_router"])
    return _number(p, f"{name}_count")


def _scale(p: Table, name: str, share: str) -> Floats:
    """What the resolution makes of a converter's figure at the published bits; 1 for anything else."""
    if name != ADC:
        return np.ones(len(p))
    return np.asarray(bits_scaling(1.0, p[share], p["adc_published_bits"], p["adc_bits"]))


def dynamic_w(p: Table, name: str) -> Floats:
    """Power of one instance at full activity, without leakage."""
    return _number(p, f"{name}_w") * _scale(p, name, "adc_dac_energy_share")


def leakage_w(p: Table, name: str) -> Floats:
    """Leakage of one instance."""
    return _number(p, f"{name}_leak_w") * _scale(p, name, "adc_dac_energy_share")


def area(p: Table, name: str) -> Floats:
    """Area of one instance, mm2."""
    return _number(p, f"{name}_mm2") * _scale(p, name, "adc_dac_area_share")


def levels(p: Table) -> Mapping[str, Floats]:
    """Instances of each level on all chips."""
    chips = p["chips"]
    tiles = chips * p["chip_tiles"]
    cores = tiles * p["cores_per_tile"]
    return {CHIP: chips, TILE: tiles, CORE: cores, UNIT: cores * p["units_per_core"]}


def everywhere(p: Table, name: str) -> Floats:
    """Instances of a component on all chips."""
    return levels(p)[LEVEL_OF[name]] * count(p, name)


def area_mm2(p: Table) -> dict[str, Floats]:
    """Area by component, all instances."""
    return {name: everywhere(p, name) * area(p, name) for name in LEVEL_OF}


def static_w(p: Table) -> dict[str, Floats]:
    """Leakage by component, all instances: it flows in every tile whatever runs."""
    return {name: everywhere(p, name) * leakage_w(p, name) for name in LEVEL_OF}


def total(p: Table, level: str) -> tuple[Floats, Floats]:
    """(watts at full activity, mm2) of one unit, core, tile or chip, or of all tiles of a chip: its parts added up."""
    if level == TILES:
        watts, mm2 = total(p, TILE)
        return watts * p["chip_tiles"], mm2 * p["chip_tiles"]
    inner = {CORE: p["units_per_core"], TILE: p["cores_per_tile"], CHIP: np.ones(len(p))}
    watts, mm2 = np.zeros(len(p)), np.zeros(len(p))
    for name, at in LEVEL_OF.items():
        if at == level:
            watts = watts + count(p, name) * (dynamic_w(p, name) + leakage_w(p, name))
            mm2 = mm2 + count(p, name) * area(p, name)
    for below in NESTED[level]:
        inside_w, inside_mm2 = total(p, below)
        watts, mm2 = watts + inner[level] * inside_w, mm2 + inner[level] * inside_mm2
    return watts, mm2


def known(p: Table) -> list[str]:
    """Names of the components that this chip has."""
    return [name for name in LEVEL_OF if count(p, name)[0] > 0]


def named(p: Table, name: str) -> str:
    """Return the component of this name or alias that the chip has; a level's name is returned as it is. Raises `InvalidTrace`."""
    if name in TOTALS:
        return name
    found = ALIASES.get(name, name)
    if found == "sigmoid_unit" and found not in known(p):
        found = "activation_unit"
    if found not in known(p):
        names = [*known(p), *TOTALS]
        raise InvalidTrace(f"this chip has no component '{name}'{nearest(name, names)}; it has {', '.join(names)}")
    return found
