"""Make a chip that runs operator graphs out of a block on a cell library: a scalar core with its memories, or an array with a core beside it.

    python scripts/make_core_chip.py --name rv32-ffet --library ffet-3p5t --node 5 -o models/rv32-ffet/chip.yaml
    python scripts/make_core_chip.py --name mac16-ffet --library ffet-3p5t --node 5 --array 16x16 -o models/mac16-ffet/chip.yaml

(the shipped ones besides with `--bit-cell ffet-2p5t:sram_bitcell_bipolar_mm2`, those in CFET cells with `sram_bitcell_unipolar_mm2`).
Blocks are those of `hwsim block`, laid out at 70 % utilisation, three placements each (minutes). Memories are CACTI's, scaled to the node.
"""

from __future__ import annotations

import argparse
from functools import cache
from pathlib import Path

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.readers.chip_file import load_chip
from hwsim.readers.technology import technology
from hwsim.targets.stdcell import core_file
from hwsim.targets.stdcell.block_report import block_report
from hwsim.targets.stdcell.core_file import Figures, Line, memory_lines, words

SINGLE, PICO = (1.0,) * 8, (3.0, 5.0, 5.0, 5.0, 3.0, 5.0, 3.0, 6.0)
CORES = {
    "rv32i_single": (SINGLE, "stdcell_rv32i_single.v: one instruction a cycle", True),
    "picorv32": (PICO, "PicoRV32 README, dual-ported registers, memory of one cycle; shifts by one", False),
}
GRID, GRID_ELEMENTS = "mac_grid", 16  # the shipped block is 4 x 4


@cache
def laid_out(design: str, library: Chip) -> Figures:
    """The figures of a block on a library."""
    return core_file.figures_of(block_report(design, library, {}).block, f"hwsim block {design} --chip {library.name}")


def bit_cell(args: argparse.Namespace) -> tuple[float, str]:
    """The bit cell that a chip states, else that of the node."""
    if not args.bit_cell:
        return core_file.bit_cell_of(technology("bit-cells"), f"n{args.node:g}_mm2")
    chip, _, name = args.bit_cell.partition(":")
    return core_file.bit_cell_of(load_chip(chip), name)


def made(args: argparse.Namespace) -> list[Line]:
    """All constants of the chip."""
    library = load_chip(args.library)
    cell = bit_cell(args) if args.node < core_file.LEAST_SRAM_NM else None
    lines = [words("core", "mac_array" if args.array else "scalar", "what runs operators"), words("library", library.name, "its cells")]
    if args.core:
        cpi, source, same = CORES[args.core]
        lines += core_file.core_lines(laid_out(args.core, library), args.core, cpi, source, same)
        lines += memory_lines("imem", args.imem * 1024, 64, args.node, cell)
        lines += memory_lines("dmem", args.dmem * 1024, 64, args.node, cell)
    if args.array:
        rows, cols = (int(n) for n in args.array.split("x"))
        lines += core_file.array_lines(laid_out(GRID, library), GRID, GRID_ELEMENTS, rows, cols)
        lines += memory_lines("buffer", args.buffer * 1024, 512, args.node, cell)
    if not args.no_dram:
        lines += core_file.dram_lines("lpddr5_6400", 16, 6.4e9)
    return lines


def main() -> None:
    """Write the chip file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", required=True)
    parser.add_argument("--library", required=True, help="chip of a cell library")
    parser.add_argument("--node", type=float, required=True, help="node of its memories, nm; below 22 they are scaled")
    parser.add_argument("--bit-cell", default="", metavar="CHIP:NAME", help="constant of a chip that is the area of a bit cell (default: the node's)")
    parser.add_argument("--core", default="rv32i_single", choices=[*CORES, ""], help="scalar core ('': none)")
    parser.add_argument("--array", default="", help="ROWSxCOLS: an array of multiply-accumulate elements")
    parser.add_argument("--imem", type=int, default=16, help="instruction memory, KiB")
    parser.add_argument("--dmem", type=int, default=32, help="data memory, KiB")
    parser.add_argument("--buffer", type=int, default=256, help="buffer of the array, KiB")
    parser.add_argument("--no-dram", action="store_true")
    parser.add_argument("-o", "--out", type=Path, required=True)
    args = parser.parse_args()
    if not args.core and not args.array:
        raise InvalidTrace("a chip needs a core or an array")
    what = " and ".join(filter(None, (f"a {args.array} array of int8 multiply-accumulate elements" if args.array else "",
                                      f"the core {args.core}" if args.core else "")))  # fmt: skip
    note = "Made by scripts/make_core_chip.py: nothing of it is measured. Memories are CACTI's planar ones, scaled below 22 nm."
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(core_file.chip_text(args.name, f"{what[0].upper()}{what[1:]} in cells of {args.library}", note, made(args)))


if __name__ == "__main__":
    main()
