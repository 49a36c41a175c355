"""`price`: what one operator costs; each family fills its slots. `prepare` fills derived columns."""

from __future__ import annotations

from typing import Any

from hwsim.engine.kinds import ByKind, nothing
from hwsim.targets.crossbar.bitserial.price import prepare_bitserial, price_bitserial
from hwsim.targets.crossbar.bitserial.spec import CODE as BITSERIAL
from hwsim.targets.crossbar.c2c.price import prepare_c2c, price_c2c
from hwsim.targets.crossbar.c2c.spec import CODE as C2C
from hwsim.targets.crossbar.charge import charge_bytes, charge_write
from hwsim.targets.crossbar.charge_domain.price import prepare_charge_domain, price_charge_domain
from hwsim.targets.crossbar.charge_domain.spec import CODE as CHARGE_DOMAIN
from hwsim.targets.crossbar.imc.price import prepare_imc, price_imc
from hwsim.targets.crossbar.imc.spec import CODE as IMC
from hwsim.targets.crossbar.neurosim.price import prepare_neurosim, price_neurosim
from hwsim.targets.crossbar.neurosim.spec import CODE as NEUROSIM
from hwsim.targets.crossbar.neurram.price import price_neurram
from hwsim.targets.crossbar.neurram.spec import CODE as NEURRAM
from hwsim.targets.crossbar.pulse_count.price import prepare_pulse_count, price_pulse_count
from hwsim.targets.crossbar.pulse_count.spec import CODE as PULSE_COUNT
from hwsim.targets.crossbar.ramp_array.price import price_ramp_array
from hwsim.targets.crossbar.ramp_array.spec import CODE as RAMP_ARRAY
from hwsim.targets.crossbar.tiled.price import price_tiled
from hwsim.targets.crossbar.tiled.spec import CODE as TILED

prepare_family: Any = nothing  # stand-ins: each family's functions take these names
price_family: Any = nothing


def _prepare(p: Any) -> None:
    """Fill the columns that follow from constants."""
    prepare_family(p)


def _price(op: Any, p: Any, out: Any) -> None:
    """Fill the slots of one operator (one execution); one without a model (kind 0) only moves its compulsory bytes."""
    if op.kind > 0:
        price_family(op, p, out)
        charge_write(op, p, out)
    charge_bytes(op, out)


prepare = ByKind(
    _prepare, 0, "family_code", "prepare_family",
    {RAMP_ARRAY: nothing, IMC: prepare_imc, BITSERIAL: prepare_bitserial, C2C: prepare_c2c, NEURRAM: nothing, CHARGE_DOMAIN: prepare_charge_domain,
     NEUROSIM: prepare_neurosim, PULSE_COUNT: prepare_pulse_count, TILED: nothing},
)  # fmt: skip
price = ByKind(
    _price, 1, "family_code", "price_family",
    {RAMP_ARRAY: price_ramp_array, IMC: price_imc, BITSERIAL: price_bitserial, C2C: price_c2c, NEURRAM: price_neurram,
     CHARGE_DOMAIN: price_charge_domain, NEUROSIM: price_neurosim, PULSE_COUNT: price_pulse_count, TILED: price_tiled},
)  # fmt: skip
