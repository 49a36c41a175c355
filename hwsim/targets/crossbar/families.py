"""All families by name."""

from __future__ import annotations

from hwsim.targets.crossbar.bitserial.family import FAMILY as BITSERIAL
from hwsim.targets.crossbar.c2c.family import FAMILY as C2C
from hwsim.targets.crossbar.charge_domain.family import FAMILY as CHARGE_DOMAIN
from hwsim.targets.crossbar.family import Family
from hwsim.targets.crossbar.imc.family import FAMILY as IMC
from hwsim.targets.crossbar.neurosim.family import FAMILY as NEUROSIM
from hwsim.targets.crossbar.neurram.family import FAMILY as NEURRAM
from hwsim.targets.crossbar.pulse_count.family import FAMILY as PULSE_COUNT
from hwsim.targets.crossbar.ramp_array.family import FAMILY as RAMP_ARRAY
from hwsim.targets.crossbar.tiled.family import FAMILY as TILED

FAMILIES: dict[str, Family] = {
    family.name: family for family in (RAMP_ARRAY, IMC, BITSERIAL, C2C, NEURRAM, CHARGE_DOMAIN, PULSE_COUNT, TILED, NEUROSIM)
}
