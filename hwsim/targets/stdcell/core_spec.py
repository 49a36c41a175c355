"""What a chip file states that runs operator graphs: a core or an array out of `hwsim block`, memories beside it.

`core` is ``scalar`` (a RISC-V core with instruction and data SRAM) or ``mac_array`` (an array with a buffer; with the constants of a core, that core
runs what the array cannot). `scripts/make_core_chip.py` makes such files.
"""

from __future__ import annotations

from collections.abc import Iterator

from hwsim.core.chip import Chip
from hwsim.core.parameters import Constant, ParameterTable, constants
from hwsim.targets.stdcell.core_layout import CLASSES, CORES, MAC_ARRAY, MEMORY_TIMINGS, SCALAR

LIBRARY = Constant("library", text=True)  # chip of the cell library
PROCESSOR = (
    # the block by itself: its fastest clock, joules of a cycle without leakage, leakage, core area
    *constants("core_clock_hz core_cycle_j core_area_mm2", optional=True),
    Constant("core_leakage_w", zero=True, optional=True),
    Constant("cpi", size=len(CLASSES), optional=True),  # cycles of each class of instructions, in the order of `core_layout.CLASSES`
    Constant("multiply_cycles", optional=True),  # of MUL; left out: the core has no multiplier
    # software products: share of ones in a multiplier, and its length up to the highest one over its format's bits
    Constant("multiplier_ones", most=1.0, optional=True),
    Constant("multiplier_length", most=1.0, optional=True),
    # SRAM: joules of an access of a word, seconds
    *constants("imem_bytes imem_read_j imem_access_s imem_area_mm2 dmem_bytes dmem_read_j dmem_write_j dmem_access_s dmem_area_mm2", optional=True),
    *constants("imem_leakage_w dmem_leakage_w", zero=True, optional=True),
)
ARRAY = (
    *constants("rows cols operand_bits accumulator_bits", optional=True, least=1, whole=True),
    # of one element: its fastest clock, joules of a product beyond those of a clock cycle, leakage, core area
    *constants("array_clock_hz element_mac_j element_clock_j element_area_mm2", optional=True),
    Constant("element_leakage_w", zero=True, optional=True),
    # scaling, rounding and clamping a result, a lane a row: energy and area in elements
    Constant("output_stage_macs", zero=True, optional=True),
    # SRAM: joules of an access of port_bytes, seconds
    *constants("buffer_bytes buffer_port_bytes buffer_read_j buffer_write_j buffer_access_s buffer_area_mm2", optional=True),
    Constant("buffer_leakage_w", zero=True, optional=True),
)
DRAM = constants("dram_bytes_per_s dram_j_per_bit", optional=True)
WORDS = (
    Constant("core", text=True, words=CORES), LIBRARY,
    Constant("core_block", text=True, optional=True), Constant("array_block", text=True, optional=True),  # RTL of the blocks
    Constant("memory_timing", text=True, words=MEMORY_TIMINGS, optional=True),  # memories are read within an instruction's cycle, or in their own
    Constant("dataflows", text=True, optional=True),  # of os, ws, is: those that the array can run; the first is the default
)  # fmt: skip
NUMBERS = ("clock_hz", "core_ratio", "has_core", "has_array", "same_cycle", "method")
PARAMETERS = ParameterTable((*WORDS, *PROCESSOR, *ARRAY, *DRAM), numbers=NUMBERS)
STRUCTURAL = frozenset(
    {c.name for c in WORDS}
    | {"rows", "cols", "operand_bits", "accumulator_bits", "dmem_bytes", "buffer_bytes", "multiply_cycles", "dram_bytes_per_s"}
)


def runs_graphs(chip: Chip) -> bool:
    """Whether the chip is a core or an array, not a cell library."""
    return "core" in chip.params


def check_chip(chip: Chip) -> None:
    """Refuse a chip that lacks a constant or states an impossible one. Raises `InvalidChip`, `MissingParameter`."""
    PARAMETERS.check(chip, _together)
    if chip.text("core") == SCALAR or "core_clock_hz" in chip.params:
        for name in (*(c.name for c in PROCESSOR if c.name != "multiply_cycles"), "memory_timing"):
            chip.param(name)
    if chip.text("core") == MAC_ARRAY:
        for name in (*(c.name for c in ARRAY), "dataflows"):
            chip.param(name)


def _together(chip: Chip) -> Iterator[str]:
    if ("dram_bytes_per_s" in chip.params) != ("dram_j_per_bit" in chip.params):
        yield "a DRAM states both dram_bytes_per_s and dram_j_per_bit"
    strange = sorted({*(chip.text("dataflows").split() if "dataflows" in chip.params else ())} - {"os", "ws", "is"})
    if strange:
        yield f"dataflows are words of os, ws and is, got {', '.join(strange)}"
    if chip.text("core") == SCALAR and (array := [c.name for c in ARRAY if c.name in chip.params]):
        yield f"a scalar core states no {', '.join(array)}"
