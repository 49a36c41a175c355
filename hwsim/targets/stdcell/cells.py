"""The cell library of a chip: its characterised cells, a user's own Liberty file, or a family library on the cells of another."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip, MissingParameter
from hwsim.core.resources import shipped
from hwsim.readers.cell_csv import read_cells
from hwsim.readers.liberty import read_liberty
from hwsim.targets.stdcell.views import UM, family_library
from hwsim.tech.cell_library import Library

CELLS = "cells.csv"
DEVICE = "device_k_ohm"


@lru_cache(maxsize=64)
def load_library(chip: Chip) -> Library:
    """The cell library of `chip`. Raises `MissingParameter` for a chip without one, `InvalidChip` for a file that cannot be read.

    `liberty` names a user's Liberty file beside the chip file. `cells` names characterised cells; a chip that states a device takes them as the
    base of its own (`hwsim.targets.stdcell.views`).
    """
    if "liberty" in chip.params:
        inverter = chip.text("unit_inverter") if "unit_inverter" in chip.params else None
        sizes = [chip.number(name) / UM if name in chip.params else None for name in ("cpp_m", "row_height_m")]
        return read_liberty(Path(chip.origin).parent / chip.text("liberty"), cpp_um=sizes[0], row_um=sizes[1], unit_inverter=inverter)
    if "cells" not in chip.params:
        raise MissingParameter("cells", chip.name, chip.params)
    library = read_cells(cells_path(chip))
    if DEVICE in chip.params:
        return family_library(chip, library)
    if "vdd_v" in chip.params and chip.number("vdd_v") != library.vdd_v:
        raise InvalidChip(f"the cells of '{chip.name}' are characterised at {library.vdd_v:g} V only, not at {chip.number('vdd_v'):g} V")
    return library


def cells_path(chip: Chip) -> Path:
    """Where the characterised cells of `chip` are: a folder of models/ by its name, or a .csv beside the chip file."""
    stated = chip.text("cells")
    return Path(chip.origin).parent / stated if stated.endswith(".csv") else shipped("models") / stated / CELLS


def usable_cells(chip: Chip, library: Library) -> list[str]:
    """Names of the cells that synthesis may use: all but those that the chip's `dont_use` patterns name."""
    patterns = chip.text("dont_use").split() if "dont_use" in chip.params else []
    return [c.name for c in library.cells if not any(fnmatchcase(c.name, p) for p in patterns)]
