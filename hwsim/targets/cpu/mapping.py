"""Which choices a processor's mapping has: cores, threads, the runtime's class, what the caches hold, and which power is counted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible, InvalidChip, InvalidMapping
from hwsim.readers.options import check_options
from hwsim.targets.cpu import spec


class Options(BaseModel):
    """Mapping options; None leaves the choice to the target.

    `cores` are those of one cluster, or all (default: the fastest cluster); `threads` run on the fastest of them first (default: one a core).
    `runtime` is the class of software by what a call costs: ahead-of-time ``compiled`` code, an ``interpreter`` of a compiled network (TensorFlow
    Lite, ncnn), or a training ``framework`` called operator by operator. The first two apply passes of one operand (batch normalisation,
    activations) to the result of the product before; a framework does not. `caches` are warm from the inference before, or cold.
    `power_scope` counts the board, the board and its supply (``wall``), or what lies above the idle board.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cores: Literal["prime", "big", "little", "all"] | None = None
    threads: int | None = Field(default=None, ge=1)
    runtime: Literal["compiled", "interpreter", "framework"] = "interpreter"
    caches: Literal["warm", "cold"] = "warm"
    power_scope: Literal["board", "wall", "above_idle"] = "board"

    @property
    def fused(self) -> bool:
        """True when passes of one operand are applied before a product's result is stored."""
        return self.runtime != "framework"


def parse_options(mapping: Mapping[str, Any]) -> Options:
    """Check mapping options (texts of the command line are converted). Raises `InvalidMapping`, naming the nearest known word."""
    return check_options(Options, mapping, "cpu")


def threads_of(options: Options, chip: Chip) -> dict[str, int]:
    """Threads on each cluster. Raises `InvalidMapping` for cores that the chip has not, `Infeasible` for more threads than cores, `InvalidChip`."""
    present = spec.clusters_of(chip)
    if not present:
        raise InvalidChip(f"chip '{chip.name}': no cluster has cores")
    if options.cores not in (None, "all", *present):
        raise InvalidMapping(f"{chip.name} has no {options.cores} cores; it has {', '.join(present)}")
    chosen = present if options.cores == "all" else (options.cores or present[0],)
    cores = {cluster: int(chip.number(f"{cluster}_cores")) for cluster in chosen}
    wanted = sum(cores.values()) if options.threads is None else options.threads
    if wanted > sum(cores.values()):
        levers = ("fewer threads", *(("cores=all",) if options.cores != "all" and len(present) > 1 else ()))
        raise Infeasible(f"threads on {' and '.join(chosen)} cores", demand=wanted, bound=sum(cores.values()), unit="cores", levers=levers)
    found = {}
    for cluster, count in cores.items():
        found[cluster] = min(count, wanted)
        wanted -= found[cluster]
    return found


def check_supply(options: Options, chip: Chip) -> None:
    """Refuse the wall's power where the chip states no supply. Raises `InvalidMapping`."""
    if options.power_scope == "wall" and "supply_slope" not in chip.params:
        raise InvalidMapping(f"power_scope=wall: {chip.name} states no supply (supply_fixed_w, supply_slope)")
