"""Which choices a block has, and what each means when it is left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hwsim.readers.options import check_options

Metals = Annotated[int, Field(ge=0, le=15)] | Literal["best"]
BeolCase = Literal["I", "II", "III", "IV", "V"]


class Options(BaseModel):
    """Mapping options; None leaves the choice to the chip.

    `front_metals` and `back_metals` are the highest metal that carries signals on each side (M0 and M1 stay inside cells; 0 or 1 on the back:
    no back signals). `front_pin_fraction` is the share of input pins on the front (x of FPxBPy). `best` takes the choice of the highest
    frequency among those searched. `back_pitch_factor` multiplies the pitches of BM1 and above. `beol_case` names the metals and dielectrics
    (F3D table 4), `pin_policy` how pins get their side, `power_at` the clock that two designs' power is compared at.
    """

    model_config = ConfigDict(extra="forbid")

    front_metals: Metals | None = None
    back_metals: Metals | None = None
    front_pin_fraction: Annotated[float, Field(ge=0, le=1)] | Literal["best"] | None = None
    back_pitch_factor: Annotated[float, Field(gt=0, le=20)] = 1.0
    beol_case: BeolCase = "I"
    pin_policy: Literal["random", "geometric"] = "geometric"
    power_at: Literal["own_frequency", "equal_frequency"] = "own_frequency"


def parse_options(mapping: Mapping[str, Any]) -> Options:
    """Check mapping options. Raises `InvalidMapping`."""
    return check_options(Options, mapping, "stdcell")
