"""The metal stacks of a chip's two sides, from its constants and the mapping options.

Chips of the Flip FET family state pitches and take resistance and capacitance from the wire model (`hwsim.targets.stdcell.beol`); open libraries
state the figures of their own layers.
"""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping
from hwsim.targets.stdcell.access import Access
from hwsim.targets.stdcell.beol import BACK, FRONT, routing_layer
from hwsim.targets.stdcell.floorplan import Rows
from hwsim.targets.stdcell.layout import Technology
from hwsim.targets.stdcell.mapping import Options
from hwsim.targets.stdcell.routing import LayerChoice, Stack, make_stack

UM = 1e-6


def row_height_um(chip: Chip) -> float:
    """Height of a row: stated, or tracks times their pitch."""
    return (chip.number("row_height_m") if "row_height_m" in chip.params else chip.number("tracks") * chip.number("track_m")) / UM


def row_geometry(chip: Chip) -> Rows:
    """Rows, sites and power taps of a chip's library."""
    taps = int(chip.number("tap_width_cpp")) if "tap_width_cpp" in chip.params else 0
    return Rows(row_height_um(chip), chip.number("cpp_m") / UM, taps, int(chip.number("tap_pitch_cpp")) if taps else 0)


def pin_access(chip: Chip) -> Access:
    """The constants of pin access."""
    return Access(chip.number("access_closed_crossings"), chip.number("access_points"))


def device_sides(chip: Chip) -> int:
    """Sides of the wafer that carry wires inside cells."""
    return int(chip.number("sides")) if "sides" in chip.params else 1


def metals(chip: Chip, options: Options) -> tuple[int, int]:
    """Highest signal metals (front, back) of the mapping, or else of the chip. Raises `InvalidMapping` for ``best``, which a search must settle."""
    found = []
    for stated, name, default in ((options.front_metals, "front_metals", None), (options.back_metals, "back_metals", 0)):
        if stated == "best":
            raise InvalidMapping(f"{name} 'best' is settled by a search over blocks; give a number here")
        known = f"{name}_default" in chip.params
        found.append(int(stated) if stated is not None else int(chip.number(f"{name}_default")) if known or default is None else default)
    return found[0], found[1]


def stacks(chip: Chip, options: Options) -> tuple[Stack, Stack | None]:
    """The front stack, and the back one where signals run there (two metals or more on a chip with two sides).

    Raises `InvalidMapping` for metals that the chip does not have, and for back signals on a chip of one side.
    """
    front, back = metals(chip, options)
    if front < 2:
        raise InvalidMapping(f"front_metals is {front}; signals need metals 1 and 2 of a side")
    if back >= 2 and device_sides(chip) < 2:
        raise InvalidMapping(f"chip '{chip.name}' has pins on the front only: back_metals must be 0 or 1, got {back}")
    if "layer_pitches_m" in chip.params:
        return _stated(chip, front), None
    return _modelled(chip, FRONT, front, options), _modelled(chip, BACK, back, options) if back >= 2 else None


def _choice(chip: Chip) -> LayerChoice:
    return LayerChoice(chip.number("layer_change_rows") * row_height_um(chip), chip.number("layer_change_shape"))


def _modelled(chip: Chip, side: str, highest: int, options: Options) -> Stack:
    whole = _extended(chip, highest)
    layers = [routing_layer(whole, side, k, options.beol_case, options.back_pitch_factor) for k in range(highest + 1)]
    return make_stack(
        [f"{'F' if side == FRONT else 'B'}M{k}" for k in range(highest + 1)],
        [layer.pitch_nm * 1e-3 for layer in layers],
        [layer.ohm_per_um for layer in layers],
        [layer.f_per_um for layer in layers],
        [layer.via_ohm for layer in layers],
        True,
        _choice(chip),
        usable=chip.number("track_use"),
    )


def _extended(chip: Chip, highest: int) -> Chip:
    """The chip with pitches up to metal `highest`: those above the published ones are all `upper_metal_pitch_m`."""
    pitches = chip.vector("metal_pitches_m")
    more = highest + 1 - len(pitches)
    return chip if more <= 0 else chip.replace(metal_pitches_m=(*pitches, *[chip.number("upper_metal_pitch_m")] * more))


def _stated(chip: Chip, highest: int) -> Stack:
    first, lowest = int(chip.number("first_metal")), int(chip.number("lowest_signal_metal"))
    pitches = chip.vector("layer_pitches_m")
    if highest > first + len(pitches) - 1 or highest <= lowest:
        raise InvalidMapping(f"chip '{chip.name}' routes on metals {lowest} to {first + len(pitches) - 1}, got front_metals {highest}")
    count = highest - first + 1
    return make_stack(
        [f"M{first + k}" for k in range(count)],
        [p / UM for p in pitches[:count]],
        [r * UM for r in chip.vector("layer_ohm_per_m")[:count]],
        [c * UM for c in chip.vector("layer_f_per_m")[:count]],
        chip.vector("layer_via_ohm")[:count],
        chip.number("first_metal_horizontal") == 1,
        _choice(chip),
        lowest=lowest - first,
        usable=chip.number("track_use"),
    )


def technology_of(chip: Chip, options: Options) -> Technology:
    """What a layout needs of a chip under a mapping. Raises `MissingParameter` and `InvalidMapping`."""
    front, back = stacks(chip, options)
    return Technology(row_geometry(chip), front, back, pin_access(chip), chip.number("drv_limit"))
