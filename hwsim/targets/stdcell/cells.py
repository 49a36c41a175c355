"""The cell library of a chip: its characterised cells, or a user's own Liberty file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from hwsim.core.chip import Chip
from hwsim.core.errors import MissingParameter
from hwsim.core.resources import shipped
from hwsim.readers.cell_csv import read_cells
from hwsim.tech.cell_library import Library

CELLS = "cells.csv"


@lru_cache(maxsize=64)
def load_library(chip: Chip) -> Library:
    """The cell library of `chip`. Raises `MissingParameter` for a chip without one, `InvalidChip` for a file that cannot be read."""
    if "cells" not in chip.params:
        raise MissingParameter("cells", chip.name, chip.params)
    return read_cells(cells_path(chip))


def cells_path(chip: Chip) -> Path:
    """Where the characterised cells of `chip` are: a folder of models/ by its name, or a .csv beside the chip file."""
    stated = chip.text("cells")
    return Path(chip.origin).parent / stated if stated.endswith(".csv") else shipped("models") / stated / CELLS
