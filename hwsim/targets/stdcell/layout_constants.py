"""The constants of a chip that laying out a block reads."""

from __future__ import annotations

from typing import Any

from hwsim.core.parameters import Constant, constants

OPEN: dict[str, Any] = {"optional": True, "priced": False}
LAYOUT = (
    # the core: power taps, and the share of the tracks that a router can fill
    Constant("tap_width_cpp", zero=True, whole=True, **OPEN),
    *constants("tap_pitch_cpp", whole=True, **OPEN),
    *constants("track_use", most=1.0, **OPEN),
    # metals: highest ones in use unless the mapping says so; first layer and direction of stated tables
    *constants("front_metals_default first_metal lowest_signal_metal", zero=True, whole=True, **OPEN),
    Constant("back_metals_default", zero=True, whole=True, **OPEN),
    Constant("first_metal_horizontal", zero=True, most=1.0, whole=True, **OPEN),
    *constants("upper_metal_pitch_m", **OPEN),
    Constant("layer_pitches_m", size=0, **OPEN),
    Constant("layer_ohm_per_m", size=0, **OPEN),
    Constant("layer_f_per_m", size=0, **OPEN),
    Constant("layer_via_ohm", size=0, zero=True, **OPEN),
    # lengths of change to the next pair of layers, in rows; pin access; violations that a finished block may have
    *constants("layer_change_rows layer_change_shape", **OPEN),
    *constants("access_closed_crossings access_points", **OPEN),
    Constant("drv_limit", zero=True, **OPEN),
)
