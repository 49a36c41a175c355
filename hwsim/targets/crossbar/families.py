"""All families by name."""

from __future__ import annotations

from hwsim.targets.crossbar.family import Family
from hwsim.targets.crossbar.ramp_array.family import FAMILY as RAMP_ARRAY

FAMILIES: dict[str, Family] = {family.name: family for family in (RAMP_ARRAY,)}
