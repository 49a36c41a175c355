"""Ring oscillators as a primitive."""

from __future__ import annotations

from hwsim.core.target import Primitive
from hwsim.targets.stdcell.ring import ring_oscillator

OPTIONAL = ("load_um_front", "load_um_back", "iso_power_of", "iso_frequency_of")
RING_PRIMITIVES = (
    Primitive(
        "ring_oscillator", "rate of a stage and power of a ring of inverters", ring_oscillator,
        {"stages": 15, "fanout": 3, "vdd_v": None, "beol_load": "none", **dict.fromkeys(OPTIONAL)}, frozenset(OPTIONAL),
    ),
)  # fmt: skip
