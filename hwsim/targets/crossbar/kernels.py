"""`price`: what one operator costs; each family fills its slots. `prepare` fills derived columns."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit
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


@jit
def prepare(p: Any) -> None:
    """Fill the columns that follow from constants."""
    if p.family_code == IMC:
        prepare_imc(p)
    elif p.family_code == BITSERIAL:
        prepare_bitserial(p)
    elif p.family_code == C2C:
        prepare_c2c(p)
    elif p.family_code == CHARGE_DOMAIN:
        prepare_charge_domain(p)
    elif p.family_code == NEUROSIM:
        prepare_neurosim(p)
    elif p.family_code == PULSE_COUNT:
        prepare_pulse_count(p)


@jit
def price(op: Any, p: Any, out: Any) -> None:
    """Fill the slots of one operator (one execution); one without a model (kind 0) only moves its compulsory bytes."""
    if op.kind > 0:
        if p.family_code == RAMP_ARRAY:
            price_ramp_array(op, p, out)
        elif p.family_code == IMC:
            price_imc(op, p, out)
        elif p.family_code == BITSERIAL:
            price_bitserial(op, p, out)
        elif p.family_code == C2C:
            price_c2c(op, p, out)
        elif p.family_code == NEURRAM:
            price_neurram(op, p, out)
        elif p.family_code == CHARGE_DOMAIN:
            price_charge_domain(op, p, out)
        elif p.family_code == NEUROSIM:
            price_neurosim(op, p, out)
        elif p.family_code == PULSE_COUNT:
            price_pulse_count(op, p, out)
        elif p.family_code == TILED:
            price_tiled(op, p, out)
        charge_write(op, p, out)
    charge_bytes(op, out)
