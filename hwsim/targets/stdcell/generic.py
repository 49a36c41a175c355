"""Generic cell names (INVD1, NAND2D2, MUX2D1, DFF, DFFRS) and the cells that a library has for them."""

from __future__ import annotations

import re

from hwsim.core.errors import InvalidTrace, nearest
from hwsim.tech.cell_library import Cell, Library

_GENERIC = re.compile(r"([A-Z]+\d*)D(\d+)$")  # DFFD2: DFF, drive 2
FLOPS = {
    "DFF": ("dff", "dfxtp", "dffhqn", "dffhq"), "DFFR": ("dffr", "dffrnq", "dfrtp"), "DFFS": ("dffs", "dfstp"),
    "DFFRS": ("dffrs", "dffasync", "dfbbp"),
}  # fmt: skip
_AND_OR = re.compile(r"(AOI|OAI|AO|OA)(\d)(\d)$")


def find_cell(library: Library, name: str) -> Cell:
    """The cell called `name` in the library, or the one that a generic name means. Raises `InvalidTrace`, naming the nearest."""
    if name in library.index:
        return library.cell(name)
    lower = {own.lower(): own for own in library.index}
    for wanted in candidates(name):
        if wanted in lower:
            return library.cell(lower[wanted])
    raise InvalidTrace(f"library '{library.name}' has no cell '{name}'{nearest(name, library.index)}")


def candidates(name: str) -> list[str]:
    """Names, in lower case, that libraries give to a generic cell.

    >>> candidates("NAND2D1")[:3]
    ['nand2_x1', 'nand2x1', 'nand2_1']
    """
    found = _GENERIC.match(name)
    base, drive = (found.group(1), found.group(2)) if found else (name, "1")
    bases = FLOPS.get(base) or (base.lower(), *_sky130(base))
    return [f"{own}{joint}{drive}" for own in bases for joint in ("_x", "x", "_")]


def _sky130(base: str) -> list[str]:
    """The and-or cells of sky130 spell their inputs first: AOI22 is a22oi, OA21 o21a."""
    found = _AND_OR.match(base)
    if found is None:
        return []
    kind, first, second = found.groups()
    return [f"{kind[0].lower()}{first}{second}{kind[1:].lower()}"]
