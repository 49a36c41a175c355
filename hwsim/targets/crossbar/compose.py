"""From a chip and mapping options to the chip that runs: constants replaced by options, and the family that models it."""

from __future__ import annotations

from dataclasses import replace

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip, InvalidMapping
from hwsim.core.param import Param
from hwsim.targets.crossbar.families import FAMILIES
from hwsim.targets.crossbar.family import Family
from hwsim.targets.crossbar.mapping import FIXED, Options, refuse_strange
from hwsim.targets.crossbar.spec import TABLES, check_chip, family_name


def family_of(chip: Chip) -> Family:
    """Return the family of a chip. Raises `InvalidChip`, `MissingParameter`."""
    return FAMILIES[family_name(chip)]


def composed(chip: Chip, options: Options) -> Chip:
    """Return `chip` with the constants that options replace (a constant of the family that it leaves out is added).

    Raises `InvalidMapping` for an option that the chip's family does not read, or a value that its constants rule out.
    """
    name = family_name(chip)
    own = {c.name for c in TABLES[name].constants} - FIXED
    refuse_strange(options, FAMILIES[name].options | own, chip.name)
    if not options.constants:
        return chip
    params = dict(chip.params)
    for constant, value in options.constants.items():
        known = params.get(constant, Param(value, "as in mapping options", "set by the user", "derived"))
        params[constant] = known.with_value(value)
    whole = replace(chip, params=params)
    try:
        check_chip(whole)
    except InvalidChip as bad:
        raise InvalidMapping(f"mapping options {', '.join(options.constants)}: {bad}") from None
    return whole
