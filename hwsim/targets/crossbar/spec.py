"""What a chip file of the target states: every constant, declared once.

A chip states the common constants and those of its `family` (`CONSTANTS` of the family's own ``spec``). A constant that several families state is
declared alike in each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip, nearest
from hwsim.core.parameters import Constant, ParameterTable
from hwsim.targets.crossbar.bitserial import spec as bitserial
from hwsim.targets.crossbar.c2c import spec as c2c
from hwsim.targets.crossbar.charge_domain import spec as charge_domain
from hwsim.targets.crossbar.imc import spec as imc
from hwsim.targets.crossbar.neurosim import spec as neurosim
from hwsim.targets.crossbar.neurram import spec as neurram
from hwsim.targets.crossbar.pulse_count import spec as pulse_count
from hwsim.targets.crossbar.ramp_array import spec as ramp_array
from hwsim.targets.crossbar.tiled import spec as tiled

# The families' own declarations (CODE, CONSTANTS, NUMBERS, FIELDS), by family name
FAMILY_SPECS: dict[str, ModuleType] = {
    "ramp_array": ramp_array, "imc": imc, "bitserial": bitserial, "c2c": c2c, "neurram": neurram, "charge_domain": charge_domain,
    "pulse_count": pulse_count, "tiled": tiled, "neurosim": neurosim,
}  # fmt: skip

BOUNDARIES = ("array", "macro", "core", "chip")
COMMON = (
    Constant("family", text=True, words=tuple(FAMILY_SPECS)),
    Constant("boundary", text=True, words=BOUNDARIES),  # what energy and area of the chip take in
    Constant("input_encoding", text=True, optional=True, words=("pwm", "bit_serial", "pulse_count")),
    Constant("clock_hz", optional=True),  # left out: the family's `prepare` works it out (a critical path)
    # writing cells, for operands that do not stay: left out, operators that need it are refused
    Constant("write_row_s", optional=True),  # one row of one array
    Constant("write_cell_j", optional=True),
    Constant("write_arrays_at_once", optional=True, least=1),
)
NUMBERS = (  # of the parameter record, besides constants
    "family_code",
    "clock_fixed",  # 1: clock_hz is stated; 0: `prepare` fills it, anew each time
    "arrays_used",  # arrays that hold the graph's weights, copies included
    "cells_used",
)


def _merged(*groups: tuple[Constant, ...]) -> tuple[Constant, ...]:
    """All constants by name; one that several families declare is declared alike."""
    found: dict[str, Constant] = {}
    for constant in (c for group in groups for c in group):
        if found.setdefault(constant.name, constant) != constant:
            raise InvalidChip(f"constant '{constant.name}' is declared in two ways")
    return tuple(found.values())


TABLES = {name: ParameterTable(_merged(COMMON, module.CONSTANTS)) for name, module in FAMILY_SPECS.items()}
_ANY = tuple(replace(c, optional=True) for c in _merged(*(module.CONSTANTS for module in FAMILY_SPECS.values())) if c not in COMMON)
_OWN_NUMBERS = dict.fromkeys(n for module in FAMILY_SPECS.values() for n in module.NUMBERS)
PARAMETERS = ParameterTable((*COMMON, *_ANY), (*NUMBERS, *(n for n in _OWN_NUMBERS if n not in NUMBERS)))


def family_name(chip: Chip) -> str:
    """Return the name of the chip's family. Raises `InvalidChip`, `MissingParameter`."""
    name = chip.text("family")
    if name not in FAMILY_SPECS:
        raise InvalidChip(f"chip '{chip.name}': no family '{name}'{nearest(name, FAMILY_SPECS)}; there are {', '.join(FAMILY_SPECS)}")
    return name


def check_chip(chip: Chip) -> None:
    """Refuse a chip that lacks a constant of its family, or states an impossible or unknown one. Raises `MissingParameter`, `InvalidChip`."""
    name = family_name(chip)

    def together(whole: Chip) -> Iterator[str]:
        encodings = getattr(FAMILY_SPECS[name], "ENCODINGS", ())
        if "input_encoding" in whole.params and whole.text("input_encoding") not in encodings:
            yield f"input_encoding is one of {', '.join(encodings) or 'none'} on this chip, got '{whole.text('input_encoding')}'"
        yield from getattr(FAMILY_SPECS[name], "contradictions", _sound)(whole)

    TABLES[name].check(chip, together)


def _sound(chip: Chip) -> Iterator[str]:
    """Nothing is wrong with a chip whose family knows of no contradictions."""
    yield from ()
