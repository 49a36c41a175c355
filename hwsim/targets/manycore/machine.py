"""What encoding needs of a chip and a mapping: structure, capacities, who takes part. Everything here is structural: a sweep over it maps again."""

from __future__ import annotations

import math
from dataclasses import dataclass

from hwsim.core.chip import Chip
from hwsim.targets.manycore.mapping import Options, Workers, workers
from hwsim.targets.manycore.spec import MAP_SIZE

STRUCTURAL = frozenset({
    "shires", "minions_per_shire", "harts_per_minion", "tile_rows", "tile_cols", "tile_words", "lanes", "line_bytes", "register_bytes",
    "scratchpad_bytes", "l2_bytes", "l3_bytes", "dram_bytes", "l1_bytes_per_hart", "l1_scratchpad_lines", "quant_float_cycles", "vector_registers",
    "neighbourhoods_per_shire", "shire_x", "shire_y", "memory_shire_x", "memory_shire_y", "send_far_hops",
})  # fmt: skip


@dataclass(frozen=True)
class Machine:
    """Structure and capacities (bytes; scratchpad and L2 of one shire, L3 of all) that a layout depends on, and the mapping's choices."""

    workers: Workers
    options: Options
    kernels: bool
    rows: int
    cols: int
    words: int
    lanes: int
    line: int
    register_bytes: int
    registers: int
    scratchpad: float
    l2: float
    l3: float
    dram: float
    l1_lines: int
    quant_depth: float
    neighbourhood: int
    shire_minions: int
    at: tuple[tuple[float, float], ...]
    far_hops: float

    @property
    def on_chip(self) -> float:
        """Scratchpad bytes of the shires that take part."""
        return self.scratchpad * self.workers.shires

    @property
    def flash(self) -> bool:
        """True when attention keeps its scores on the minion: the default of a compiled graph, not of a kernel per operator."""
        return not self.kernels if self.options.flash_attention is None else self.options.flash_attention


def machine(chip: Chip, options: Options, kernels: bool) -> Machine:
    """Read the structure of `chip`. Raises `InvalidMapping` when the options ask for more than it has."""

    def count(name: str) -> int:
        return int(chip.number(name))

    return Machine(
        workers=workers(options, chip), options=options, kernels=kernels, rows=count("tile_rows"), cols=count("tile_cols"), words=count("tile_words"),
        lanes=count("lanes"), line=count("line_bytes"), register_bytes=count("register_bytes"), registers=count("vector_registers"),
        scratchpad=chip.number("scratchpad_bytes"), l2=chip.number("l2_bytes"), l3=chip.number("l3_bytes") * chip.number("shires"),
        dram=chip.number("dram_bytes"), l1_lines=count("l1_scratchpad_lines"), quant_depth=chip.number("quant_float_cycles"),
        neighbourhood=count("minions_per_shire") // count("neighbourhoods_per_shire"),
        shire_minions=count("minions_per_shire"), at=positions(chip), far_hops=chip.number("send_far_hops"),
    )  # fmt: skip


def positions(chip: Chip) -> tuple[tuple[float, float], ...]:
    """(column, row) of every shire by ID: of the map, or on a near-square grid row by row."""
    shires = int(chip.number("shires"))
    if shires == MAP_SIZE:
        return tuple(zip(chip.vector("shire_x"), chip.vector("shire_y"), strict=True))
    width = math.ceil(math.sqrt(shires))
    return tuple((float(s % width), float(s // width)) for s in range(shires))
