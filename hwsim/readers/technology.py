"""Technology files: ``models/tech/<name>.yaml``, constants in the form of a chip file that belong to no chip."""

from __future__ import annotations

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip, nearest
from hwsim.core.resources import shipped
from hwsim.readers.chip_file import read_chip

__all__ = ["technology"]

ARITHMETIC = "arithmetic-45nm"  # energies of single operations (`hwsim.tech.arithmetic`)


def technology(name: str) -> Chip:
    """Return the constants of a technology file. Raises `InvalidChip` for an unknown name.

    >>> technology("arithmetic-45nm").number("mul_fp32_j")
    3.7e-12
    """
    path = shipped("models") / "tech" / f"{name}.yaml"
    if not path.is_file():
        known = sorted(found.stem for found in path.parent.glob("*.yaml"))
        raise InvalidChip(f"no technology file '{name}'{nearest(name, known)}; there are {', '.join(known)}")
    return read_chip(path)
