"""Resistance and capacitance of wires and vias from their pitch: a size-effect model of damascene copper with a barrier.

Source: Ciofi et al., "Impact of wire geometry on interconnect RC and circuit delay" (IEEE TED 2016), with the constants and geometry of
EPFL-LAP/fpga21-scaled-tech @46d6fb7. Lengths in nm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hwsim.core.errors import InvalidChip

__all__ = ["Geometry", "Metal", "conductor_ohm_per_um", "via_ohm", "wire_f_per_um", "wire_ohm_per_um"]

EPSILON_0_F_PER_UM = 8.854e-18


@dataclass(frozen=True)
class Metal:
    """A conductor: bulk resistivity, and the coefficients of its rise near surfaces (ohm nm, ohm nm) over a length `surface_length_nm`.

    `rho_bulk` and `rho_surface` are in 1e-9 ohm m times nm / um: 32.05 and 82 for copper, so that ``R [ohm/um] = 1e3 rho_tot / (w h)^2``.
    `via_barrier` is the specific resistance of a barrier that a via crosses, per nm of it (ohm nm).
    """

    rho_bulk: float
    rho_surface: float
    surface_length_nm: float
    via_barrier: float


@dataclass(frozen=True)
class Geometry:
    """A wire: pitch, barrier thickness, height over width, and drawn width over half the pitch."""

    pitch_nm: float
    barrier_nm: float
    aspect_ratio: float
    width_factor: float

    def __post_init__(self) -> None:
        if min(self.pitch_nm, self.aspect_ratio, self.width_factor) <= 0 or self.barrier_nm < 0 or self.width_factor >= 2:
            raise InvalidChip("a wire needs a positive pitch, aspect ratio and width factor (below 2: it leaves room between wires)")
        if self.width_nm <= 2 * self.barrier_nm or self.height_nm <= self.barrier_nm:
            raise InvalidChip(f"a barrier of {self.barrier_nm:g} nm fills a wire of {self.pitch_nm:g} nm pitch")

    @property
    def width_nm(self) -> float:
        """Drawn width, barrier included."""
        return self.pitch_nm / 2 * self.width_factor

    @property
    def height_nm(self) -> float:
        """Height, barrier included."""
        return self.aspect_ratio * self.width_nm


def wire_ohm_per_um(wire: Geometry, metal: Metal) -> float:
    """Resistance per um: a core of bulk resistivity, raised at the surfaces by exp-decaying scattering.

    >>> copper = Metal(rho_bulk=32.05, rho_surface=82, surface_length_nm=82, via_barrier=40)
    >>> narrow, wide = (wire_ohm_per_um(Geometry(pitch, 1.5, 2.0, 1.0), copper) for pitch in (28, 56))
    >>> narrow > 4 * wide
    True
    """
    return conductor_ohm_per_um(wire.width_nm - 2 * wire.barrier_nm, wire.height_nm - wire.barrier_nm, metal)


def conductor_ohm_per_um(width_nm: float, height_nm: float, metal: Metal) -> float:
    """Resistance per um of bare metal: ``1e3 rho_tot / (w h)^2``.

    >>> copper = Metal(rho_bulk=32.05, rho_surface=82, surface_length_nm=82, via_barrier=40)
    >>> conductor_ohm_per_um(14, 28, copper) > 4 * conductor_ohm_per_um(28, 56, copper)
    True
    """
    twice = 2 * metal.surface_length_nm
    across = height_nm * twice * math.tanh(width_nm / twice)
    upright = width_nm * twice * math.tanh(height_nm / twice)
    total = metal.rho_bulk * width_nm * height_nm + metal.rho_surface * (across + upright)
    return 1e3 * total / (width_nm * height_nm) ** 2


def wire_f_per_um(wire: Geometry, relative_permittivity: float, neighbours: float = 1.0) -> float:
    """Capacitance per um to planes above and below and to the neighbours (farads): ``2 (C_ground + neighbours C_coupling)``.

    `neighbours` is the share of the neighbouring tracks that hold a wire: 1 in a dense array, as the source states it.

    >>> alone, dense = (wire_f_per_um(Geometry(28, 1.5, 2.0, 1.0), 2.5, share) for share in (0.0, 1.0))
    >>> 0 < alone < dense < 1e-15
    True
    """
    w, s, t = wire.width_nm, wire.pitch_nm - wire.width_nm, wire.height_nm
    h = w  # dielectric below and above, as high as the wire is wide
    ground: float = w / h + 2.04 * (s / (s + 0.54 * h)) ** 1.77 * (t / (t + 4.53 * h)) ** 0.07
    near: float = 1.41 * (t / s) * math.exp(-4 * s / (s + 8.01 * h))
    fringe: float = 2.37 * (w / (w + 0.31 * s)) ** 0.28 * (h / (h + 8.96 * s)) ** 0.76 * math.exp(-2 * s / (s + 6 * h))
    return 2 * EPSILON_0_F_PER_UM * relative_permittivity * (ground + neighbours * (near + fringe))


def via_ohm(below: Geometry, above: Geometry, metal: Metal, taper_deg: float) -> float:
    """Resistance of a via between two layers: its tapered core, and the barriers at its top and bottom. Its height over width is `below`'s.

    >>> copper = Metal(rho_bulk=32.05, rho_surface=82, surface_length_nm=82, via_barrier=40)
    >>> layer = Geometry(28, 1.5, 2.0, 1.0)
    >>> via_ohm(layer, layer, copper, 85) > 0
    True
    """
    bottom = below.width_nm - 2 * below.barrier_nm
    top = above.width_nm - 2 * above.barrier_nm
    tall = below.height_nm
    wide = bottom + tall * math.tan(math.radians(taper_deg))
    core = 1e-3 * conductor_ohm_per_um(top, (bottom + wide) / 2, metal) * (tall - below.barrier_nm)
    return core + metal.via_barrier * (above.barrier_nm / (top * wide) + below.barrier_nm / (top * bottom))
