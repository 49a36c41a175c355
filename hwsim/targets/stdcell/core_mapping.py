"""Mapping options of chips that run operator graphs, apart from those of blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping
from hwsim.readers.options import check_options
from hwsim.targets.stdcell.core_layout import HARDWARE, LIBGCC, SHIFT_ADD
from hwsim.targets.stdcell.mapping import Options as BlockOptions


class CoreOptions(BaseModel):
    """Mapping options; None leaves the choice to the target.

    `dataflow`: what stays in the array (``os``: results, ``ws``: weights, ``is``: inputs). `multiply`: how a core computes products (``hardware``
    where it can, else ``shift_add``, unrolled; ``libgcc`` calls a routine). `outputs_at_once`: results that a core computes side by side on one load
    of an activation (1: a plain loop). `stream`: weights and maps come from DRAM even where they would fit the SRAM.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataflow: Literal["os", "ws", "is"] | None = None
    multiply: Literal["hardware", "shift_add", "libgcc"] | None = None
    outputs_at_once: Literal[1, 2, 4, 8] | None = None
    stream: bool | None = None


OWN = frozenset(CoreOptions.model_fields)


class Everything(CoreOptions, BlockOptions):
    """All options of the target: those of blocks, and those of chips that run graphs."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def stated_options(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are stated, checked. Raises `InvalidMapping`."""
    return {k: v for k, v in check_options(Everything, mapping, "stdcell").model_dump(exclude_unset=True).items() if v is not None}


def core_options(mapping: Mapping[str, Any], chip: Chip) -> CoreOptions:
    """The options of a chip that runs graphs. Raises `InvalidMapping` for those of blocks, and for what the chip cannot serve."""
    stated = stated_options(mapping)
    if strange := sorted(stated.keys() - OWN):
        raise InvalidMapping(f"{', '.join(strange)}: options of a block's layout; {chip.name} is made: 'hwsim block' makes another")
    options = CoreOptions(**stated)
    has_core = "core_clock_hz" in chip.params
    if options.dataflow is not None and options.dataflow not in (known := chip.text("dataflows").split() if "dataflows" in chip.params else ()):
        raise InvalidMapping(f"dataflow={options.dataflow}: {chip.name} {'runs ' + ', '.join(known) if known else 'has no array'}")
    if options.multiply == HARDWARE and "multiply_cycles" not in chip.params:
        raise InvalidMapping(f"multiply=hardware: the core of {chip.name} has no multiplier; use {SHIFT_ADD} or {LIBGCC}")
    if not has_core and (options.multiply or options.outputs_at_once):
        raise InvalidMapping(f"multiply, outputs_at_once: {chip.name} has no core")
    if options.outputs_at_once not in (None, 1) and options.multiply == LIBGCC:
        raise InvalidMapping("outputs_at_once shares the tests of a multiplier's bits; libgcc's routine cannot")
    if options.stream and "dram_bytes_per_s" not in chip.params:
        raise InvalidMapping(f"stream: {chip.name} has no DRAM")
    return options
