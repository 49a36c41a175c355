"""Back end of line of a chip: resistance and capacitance of its routing layers and vias, by side, layer, metal and dielectric.

Cases I to V (F3D, EDTM 2025, table 4) name the metal and relative permittivity of each side.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping
from hwsim.readers.technology import technology
from hwsim.tech.wires import Geometry, Metal, via_ohm, wire_f_per_um, wire_ohm_per_um

FRONT, BACK = "front", "back"
CASES = {  # (front metal, permittivity), (back metal, permittivity): F3D table 4
    "I": (("Cu", 3.0), ("W", 4.0)), "II": (("Cu", 3.0), ("Ru_dual_damascene", 4.0)), "III": (("Cu", 3.0), ("Ru_subtractive", 4.0)),
    "IV": (("Cu", 3.0), ("Cu", 3.0)), "V": (("Ru_subtractive", 3.0), ("Ru_subtractive", 3.0)),
}  # fmt: skip
MEDIUM_PITCH_NM, WIDE_PITCH_NM = 34.0, 70.0  # barriers grow from these pitches on
NM = 1e-9


@dataclass(frozen=True)
class Layer:
    """One routing layer: pitch, wire resistance and capacitance per um, and the resistance of a via to the layer below."""

    pitch_nm: float
    ohm_per_um: float
    f_per_um: float
    via_ohm: float


def routing_layer(chip: Chip, side: str, index: int, case: str = "I", back_pitch_factor: float = 1.0) -> Layer:
    """Layer M`index` of a side (0: inside cells) of a chip that states `metal_pitches_m`. Pitches of BM1 and above are multiplied by the factor.

    Raises `MissingParameter` for a chip without pitches, `InvalidMapping` for a layer that it does not have.
    """
    pitches = chip.vector("metal_pitches_m")
    if not 0 <= index < len(pitches):
        raise InvalidMapping(f"chip '{chip.name}' has metals 0 to {len(pitches) - 1} on a side, got {index}")
    metal, permittivity = CASES[case][side == BACK]

    def pitch(at: int) -> float:
        return pitches[at] / NM * (back_pitch_factor if side == BACK and at >= 1 else 1.0)

    return _layer(pitch(index), pitch(max(index - 1, 0)), metal, permittivity)


@lru_cache(maxsize=256)
def _layer(pitch_nm: float, below_nm: float, metal: str, permittivity: float) -> Layer:
    tech = technology("metals")
    bulk, surface, share, in_via = tech.vector(metal)
    made = Metal(bulk, surface, tech.number("surface_length_nm"), in_via)
    wire, below = _geometry(pitch_nm, share), _geometry(below_nm, share)
    square = tech.number("via_aspect_ratio")
    via = via_ohm(replace(below, aspect_ratio=square), replace(wire, aspect_ratio=square), made, tech.number("via_taper_deg"))
    capacitance = wire_f_per_um(wire, permittivity, tech.number("neighbour_occupancy"))
    return Layer(pitch_nm, wire_ohm_per_um(wire, made), capacitance, via)


def _geometry(pitch_nm: float, barrier_share: float) -> Geometry:
    tech = technology("metals")
    size = "wide" if pitch_nm >= WIDE_PITCH_NM else "medium" if pitch_nm >= MEDIUM_PITCH_NM else "fine"
    barrier = tech.number(f"barrier_{size}_nm") * barrier_share
    return Geometry(pitch_nm, barrier, tech.number("aspect_ratio"), tech.number("width_factor"))
