"""Map the blocks of models/blocks onto the open cell libraries again: the netlists that travel with the package.

Needs Yosys (pip install 'hwsim[rtl]'); half a minute a library. Prints cells and area of each netlist.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from hwsim import load_chip
from hwsim.readers.blocks import find_rtl
from hwsim.targets.stdcell.cells import load_library
from hwsim.targets.stdcell.synthesis import mapped_document, packed, recipe

BLOCKS = Path(__file__).resolve().parent.parent / "models" / "blocks"
DESIGNS = ("rv32i_single", "mac_grid")
LIBRARIES = {"asap7": "asap7", "gt2n": "gt2n_w31_lvt", "nangate45": "nangate45", "probe3-5t": "probe3_5t", "sky130hd": "sky130hd"}


def main() -> None:
    """Write the netlists."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--folder", type=Path, default=BLOCKS, help="where to write")
    arguments.add_argument("--library", action="append", choices=[*LIBRARIES], help="only this one")
    given = arguments.parse_args()
    for library in given.library or LIBRARIES:
        chip = load_chip(library)
        areas = {cell.name: cell.area_um2 for cell in load_library(chip).cells}
        for design in DESIGNS:
            for buffered in (False, True):
                document = mapped_document(chip, find_rtl(f"stdcell_{design}.v", design), recipe(chip, buffered))
                name = f"stdcell_{design}_{LIBRARIES[library]}{'_buffered' if buffered else ''}.json.gz"
                (given.folder / name).write_bytes(packed(document))
                cells = document["modules"][design]["cells"].values()
                print(f"{name:60s} {len(cells):6d} cells {sum(areas[cell['type']] for cell in cells):10.2f} um2")


if __name__ == "__main__":
    main()
