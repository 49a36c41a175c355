"""What ``hwsim block`` says of a block: its figures with their spread, the comparison point, where time and energy go, the critical path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidTrace
from hwsim.core.resources import shipped
from hwsim.readers.blocks import CORES, FOLDER
from hwsim.targets.stdcell.block import Point
from hwsim.targets.stdcell.block_netlist import ARGUMENTS
from hwsim.targets.stdcell.block_search import Block, figures, run_block, spread
from hwsim.targets.stdcell.mapping import parse_options
from hwsim.targets.stdcell.sta import Step

RTL, NETLIST = (".v", ".sv"), (".json", ".json.gz")
OWN = ("utilisation", "target_frequency_hz", "core_area_of", "seed", "top")  # arguments of a block that the command takes beside mapping options
DEFAULTS: Mapping[str, Any] = {"target_frequency_hz": 1.5e9, "utilisation": 0.7, "core_area_of": None, "seed": None}
SCHEMA = "hwsim.block/1"


def is_block(name: str) -> bool:
    """True for the name of a core or a shipped block, and for a file of Verilog or a Yosys netlist."""
    return name in CORES or name.endswith((*RTL, *NETLIST)) or _shipped(name) is not None


def _shipped(name: str) -> str | None:
    for stem in (name, f"stdcell_{name}"):
        if (shipped("models") / FOLDER / f"{stem}.v").is_file():
            return f"{stem}.v"
    return None


def design_arguments(name: str, top: str | None = None) -> dict[str, Any]:
    """The arguments `rtl`, `netlist` and `top` of a design by name. Raises `InvalidTrace`."""
    if name.endswith(NETLIST):
        return {**ARGUMENTS, "netlist": name, "top": top}
    if name in CORES or name.endswith(RTL):
        own = Path(name).stem.removeprefix("stdcell_") if _shipped(Path(name).stem) else None
        return {**ARGUMENTS, "rtl": name, "top": top or own}
    found = _shipped(name)
    if found is None:
        known = sorted({*CORES, *(p.name.removeprefix("stdcell_")[:-2] for p in (shipped("models") / FOLDER).iterdir() if p.name.endswith(".v"))})
        raise InvalidTrace(f"no block '{name}': name one of {', '.join(known)}, a Verilog file (with --map top=MODULE) or a Yosys JSON netlist")
    return {**ARGUMENTS, "rtl": found, "top": top or found.removeprefix("stdcell_")[:-2]}


@dataclass(frozen=True, eq=False)
class BlockReport:
    """A block on a chip. `metrics` are means over its layouts, `interval` the least and most of them."""

    name: str
    block: Block
    wanted: Any

    @property
    def chip(self) -> Chip:
        """The library that the block is built with."""
        return self.block.design.chip

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Means over the layouts, SI units, area in mm2."""
        return figures(self.block)

    @cached_property
    def interval(self) -> dict[str, tuple[float, float]]:
        """Least and most over utilisations and seeds."""
        return spread(self.block)

    @property
    def middle(self) -> Point:
        """The layout of the median period: the one that is shown in detail."""
        order = np.argsort([p.timing.min_period_s for p in self.block.points], kind="stable")
        return self.block.points[int(order[len(order) // 2])]

    @property
    def path(self) -> tuple[Step, ...]:
        """Its critical path."""
        return self.middle.timing.path()

    @property
    def comparison_point(self) -> str:
        """At which utilisation, clock and seeds the figures hold, in words."""
        u = {p.utilisation for p in self.block.points}
        span = f"{min(u):.1%}" if max(u) - min(u) < 5e-4 else f"{min(u):.1%} to {max(u):.1%}"
        how = "the largest that routes" if self.wanted == "max" else "mean of a sweep" if isinstance(self.wanted, list | tuple) else "as asked"
        clock = "the target clock" if self.block.options.power_at == "equal_frequency" else "its own highest clock"
        seeds = len({p.seed for p in self.block.points})
        return f"utilisation {span} ({how}); power and energy at {clock}; {len(self.block.points)} layouts, {seeds} seed{'s' if seeds > 1 else ''}"

    def at_clock(self, clock_hz: float) -> dict[str, float]:
        """Power and energy per cycle at a clock, means over the layouts."""
        power = self.block.design.study.size * float(np.mean([p.power.power_w(clock_hz) for p in self.block.points]))
        return {"power_w": power, "energy_j": power / clock_hz}

    @property
    def stands_for(self) -> str:
        """What the figures are scaled by when the design stands for a study's core; empty otherwise."""
        study = self.block.design.study
        if study.size == study.depth == 1.0:
            return ""
        return f"stands for the core of a study: {study.size:.3g} times its gates, {study.depth:.3g} times its longest path (study_core_size, _depth)"

    def shares(self) -> dict[str, float]:
        """Where the energy of a cycle goes in the middle layout, and the wires' part of the critical path."""
        p = self.middle
        total = p.power.energy_j(p.frequency_hz)
        found = {"nets": p.power.nets_j, "cells": p.power.cells_j, "clock": p.power.clock_j, "leakage": p.power.leakage_w / p.frequency_hz}
        return {name: value / total for name, value in found.items()}

    def wire_share(self) -> float:
        """Part of the critical path that is spent on wires and repeaters."""
        steps = self.path
        spent = sum(b.arrival_s - a.arrival_s for a, b in pairwise(steps) if a.cell != b.cell)
        return spent / steps[-1].arrival_s if steps else 0.0

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as JSON takes it."""
        return {
            "schema": SCHEMA, "design": self.name, "chip": self.chip.name, "mapping": self.block.options.model_dump(), "utilisation": self.wanted,
            "target_frequency_hz": self.block.target_hz, "comparison_point": self.comparison_point,
            "stands_for": self.stands_for, "metrics": self.metrics,
            "interval": {name: list(pair) for name, pair in self.interval.items()}, "energy_shares": self.shares(),
            "wire_share_of_path": self.wire_share(), "cells": self.block.design.netlist.cells, "critical_path": [vars(step) for step in self.path],
        }  # fmt: skip


def block_report(name: str, chip: Chip, mapping: Mapping[str, Any]) -> BlockReport:
    """Run a block by name. `mapping` holds mapping options, and a block's own arguments (`OWN`). Raises `HwsimError`."""
    own = {k: v for k, v in mapping.items() if k in OWN}
    options = parse_options({k: v for k, v in mapping.items() if k not in OWN})
    top = own.pop("top", None)
    arguments = {**DEFAULTS, **design_arguments(name, None if top is None else str(top)), **own}
    return BlockReport(name, run_block(chip, arguments, options), arguments["utilisation"])


def equal_clock_hz(reports: Iterable[BlockReport]) -> float:
    """The clock of the slowest block: where power is compared at equal frequency."""
    return min(r.metrics["frequency_hz"] for r in reports)
