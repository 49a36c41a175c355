"""`price`: what one operator costs; each family fills its slots. `prepare` fills derived columns."""

from __future__ import annotations

from typing import Any

from hwsim.engine.jit import jit
from hwsim.targets.crossbar.charge import charge_bytes, charge_write
from hwsim.targets.crossbar.ramp_array.price import price_ramp_array
from hwsim.targets.crossbar.ramp_array.spec import CODE as RAMP_ARRAY


@jit
def prepare(p: Any) -> None:
    """Fill the columns that follow from constants."""


@jit
def price(op: Any, p: Any, out: Any) -> None:
    """Fill the slots of one operator (one execution); one without a model (kind 0) only moves its compulsory bytes."""
    if op.kind > 0:
        if p.family_code == RAMP_ARRAY:
            price_ramp_array(op, p, out)
        charge_write(op, p, out)
    charge_bytes(op, out)
