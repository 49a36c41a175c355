"""Write models/tech/sram-macros.yaml: area per byte of SRAM macros, by the array model and, below its nodes, from the bit cell.

    python scripts/make_sram_macros.py            # writes the file; --check only compares

Chips take these figures by name (``from_tables``): the search of the array model takes seconds, too long for the reading of a chip.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hwsim.readers.technology import technology
from hwsim.tech.interconnect import macro_mm2
from hwsim.tech.sram import sram
from hwsim.tech.sram_process import process

FILE = Path(__file__).parent.parent / "models" / "tech" / "sram-macros.yaml"
NODES, DEVICE, SIZE_BYTES, PORT_BITS, KELVIN = (90, 55, 40, 22), "itrs-lstp", 65536, 32, 300.0
CELL_NODES = (45, 7)
HEAD = """schema: hwsim.chip/1
name: sram-macros
target: tech
title: Area per byte of SRAM macros
note: >-
  Written by scripts/make_sram_macros.py from sram-process.yaml (array model) and bit-cells.yaml over macro_efficiency of interconnect.yaml. The array
  model has no range of its own; those of cells are the ranges of cell and efficiency.
params:
"""


def array_line(node: int) -> str:
    """Area of a low-power macro by the array model."""
    made = sram(process(technology("sram-process"), node, DEVICE, KELVIN), SIZE_BYTES, PORT_BITS)
    return line(f"n{node}_lstp_mm2_per_byte", (made.area_mm2 / SIZE_BYTES,), "derived",
                f"sram-process: {SIZE_BYTES // 1024} KiB with a port of {PORT_BITS} bit at {node} nm, {DEVICE}")  # fmt: skip


def cell_line(node: int) -> str:
    """Area from the bit cell: eight cells over the share of cells in a macro."""
    cells, wires = technology("bit-cells"), technology("interconnect")
    cell, efficiency = cells.param(f"n{node}_mm2"), wires.param("macro_efficiency")

    def per_byte(area: float | None, share: float | None) -> float:
        return 8 * (cell.number if area is None else area) / (efficiency.number if share is None else share)

    value = 8 * macro_mm2(wires, cells, 1, node)
    return line(f"n{node}_cell_mm2_per_byte", (value, per_byte(cell.low, efficiency.high), per_byte(cell.high, efficiency.low)), "assumed",
                f"bit-cells: n{node}_mm2 ({cell.source}) over the efficiency of macros")  # fmt: skip


def line(name: str, figures: tuple[float, ...], status: str, source: str) -> str:
    """One constant as the file states it: value, low and high (or the value alone), four digits."""
    ends = ", ".join(f"{word}: {figure:.4g}" for word, figure in zip(("value", "low", "high"), figures, strict=False))
    return f'  {name}: {{{ends}, unit: mm2/B, status: {status}, source: "{source}"}}\n'


def text() -> str:
    """The whole file."""
    return HEAD + "".join([*map(array_line, NODES), *map(cell_line, CELL_NODES)])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--check", action="store_true", help="compare instead of writing; exit code 1 when they differ")
    check = arguments.parse_args().check
    made = text()
    if check:
        sys.exit(0 if FILE.read_text() == made else 1)
    FILE.write_text(made)


if __name__ == "__main__":
    main()
