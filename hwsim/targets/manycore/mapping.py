"""Which choices a manycore mapping has, what each means when it is left out, and which harts take part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidMapping
from hwsim.core.graph import Graph
from hwsim.readers.options import check_options
from hwsim.tech.arithmetic import Multiplier

PRODUCTS = ("matmul", "conv2d", "attention", "lstm", "gru")
REGISTERS = 32  # registers of the scalar float and of the vector file


class Options(BaseModel):
    """Mapping options; None leaves the choice to the target.

    `runtime`: one program for the whole graph with chip barriers between dependent operators (``compiled_graph``), or a queued launch per kernel
    (``kernel_per_op``). `unit` forces what computes products. `minions`, `harts`, `shires` limit who takes part. `operand_level`: operands of
    products in ordinary memory (``dram``: through the caches) or resident in the scratchpads (``l2scp``). `register_block`: rows x columns of C
    that a hart keeps in registers. `double_buffer`: A tiles are loaded under the running tensor operation. `k_split`: minions over which K is split;
    `reduce`: how their partial sums meet. `flash_attention`: scores stay on the minion (true) or pass through memory. `include_launch`: the time
    contains one synchronous launch. `frequency_hz`: the minion clock, 1 MHz to 10 GHz. `data`: pattern of the operands, for energy.
    `multiplier: lmul`: integer additions stand for floating-point products in the joules of arithmetic.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    runtime: Literal["compiled_graph", "kernel_per_op"] | None = None
    unit: Literal["scalar", "simd", "tensor"] | None = None
    minions: int | None = Field(default=None, ge=1)
    harts: int | None = Field(default=None, ge=1)
    shires: int | None = Field(default=None, ge=1)
    operand_level: Literal["dram", "l2scp"] | None = None
    register_block: tuple[int, int] | None = None
    double_buffer: bool | None = None
    k_split: int | None = Field(default=None, ge=1)
    reduce: Literal["tensor_reduce"] | None = None
    flash_attention: bool | None = None
    include_launch: bool | None = None
    frequency_hz: float | None = Field(default=None, ge=1e6, le=1e10, allow_inf_nan=False)
    die_temperature_c: float | None = Field(default=None, ge=-40, le=125)
    card: Literal["aifoundry2", "aifoundry3", "aifoundry1-c1"] | None = None
    idle_power_w: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    power_scope: Literal["board", "board_above_idle", "as_published"] | None = None
    data: Literal["zeros", "ones", "random", "unspecified"] | None = None
    energy_mode: Literal["activity"] | None = None
    multiplier: Multiplier | None = None

    @field_validator("register_block", mode="before")
    @classmethod
    def _block(cls, given: Any) -> Any:
        """Accept 2x16 as the command line writes it."""
        return tuple(given.lower().split("x")) if isinstance(given, str) else given


def parse_options(mapping: Mapping[str, Any]) -> Options:
    """Check mapping options. Raises `InvalidMapping` for an unknown one, a bad value, and for options that mean nothing together."""
    options = check_options(Options, mapping, "manycore")
    vector = options.unit in ("scalar", "simd")
    if options.register_block is not None:
        _check_block(options.register_block, options.unit)
    for name in ("double_buffer", "k_split", "reduce"):
        if vector and getattr(options, name) is not None:
            raise InvalidMapping(f"{name} is a choice of the tensor unit's loop; with unit={options.unit} it has no meaning")
    if options.k_split and options.k_split & (options.k_split - 1):
        raise InvalidMapping(f"k_split={options.k_split} is no power of two: the reduction tree pairs minions")
    if options.include_launch and options.runtime == "kernel_per_op":
        raise InvalidMapping("include_launch adds one synchronous launch; with runtime=kernel_per_op every kernel has its queued launch already")
    if options.runtime == "kernel_per_op" and options.operand_level == "l2scp":
        raise InvalidMapping("operand_level=l2scp keeps operands in the scratchpads; runtime=kernel_per_op passes them through memory")
    if options.harts and options.minions and options.harts not in (options.minions, 2 * options.minions):
        raise InvalidMapping(f"harts {options.harts} are neither one nor two on each of {options.minions} minions")
    return options


def _check_block(block: tuple[int, int], unit: str | None) -> None:
    """Refuse register blocks that no unit or register file holds."""
    rows, cols = block
    if unit not in ("scalar", "simd"):
        raise InvalidMapping("register_block is a choice of the scalar and SIMD loops: state unit=scalar or unit=simd (the tensor unit's is 16x16)")
    lanes = 8 if unit == "simd" else 1
    if rows < 1 or cols < 1 or cols % lanes:
        raise InvalidMapping(f"register_block {rows}x{cols}: rows and columns are positive, columns a multiple of {lanes} with unit={unit}")
    held = rows * cols // lanes + 2
    if held > REGISTERS:
        raise InvalidMapping(f"register_block {rows}x{cols} needs {held} of {REGISTERS} registers (accumulators, one of A, one of B)")


@dataclass(frozen=True)
class Workers:
    """Who takes part: `shires` with `per_shire` minions each (the last may have fewer), `minions` in all, harts on each minion."""

    shires: int
    per_shire: int
    minions: int
    harts_per_minion: int

    @property
    def harts(self) -> int:
        """Harts in all."""
        return self.minions * self.harts_per_minion


def workers(options: Options, chip: Chip) -> Workers:
    """Return who takes part; left out, all compute shires with both harts. Raises `InvalidMapping` for more than the chip has.

    `harts` counts harts in the order of their numbers, both of a minion before the next, unless `minions` says how many minions hold them; with
    unit=tensor it counts minions, since only hart 0 has tensor operations.
    """
    have, width, both = (int(chip.number(n)) for n in ("shires", "minions_per_shire", "harts_per_minion"))
    shires = options.shires or have
    if shires > have:
        raise InvalidMapping(f"shires={shires}: {chip.name} has {have} compute shires")
    minions, each = shires * width, both
    if options.harts:
        most = shires * width * (1 if options.unit == "tensor" else both)
        if options.harts > most:
            raise InvalidMapping(f"harts={options.harts}: {shires} shires have {most} that can take part")
        each = 1 if options.unit == "tensor" or options.harts == 1 else both
        minions = -(-options.harts // each)
    if options.minions:
        if options.minions > shires * width:
            raise InvalidMapping(f"minions={options.minions}: {shires} shires have {shires * width}")
        minions = options.minions
        each = options.harts // options.minions if options.harts else both
    if options.k_split and options.k_split > minions:
        raise InvalidMapping(f"k_split={options.k_split}: K is split over at most the {minions} minions that take part")
    used = min(shires, minions) if options.shires else min(shires, -(-minions // width))
    return Workers(used, -(-minions // used), minions, each)


def check_serves(options: Options, graph: Graph) -> None:
    """Refuse options that none of the graph's operators uses. Raises `InvalidMapping`."""
    kinds = {op.kind for op in graph.ops}
    listed = ", ".join(sorted(kinds))
    for name in ("unit", "register_block", "double_buffer", "k_split", "reduce", "operand_level"):
        if getattr(options, name) is not None and not kinds & set(PRODUCTS):
            raise InvalidMapping(f"{name} serves none of this graph's operators ({listed}); products use it")
    if options.flash_attention is not None and "attention" not in kinds:
        raise InvalidMapping(f"flash_attention serves none of this graph's operators ({listed})")


def stated(options: Options, found: Workers, runtime: str) -> dict[str, Any]:
    """The mapping as used: what was asked for and what was chosen."""
    asked = options.model_dump(exclude_none=True)
    return {"shires": found.shires, "minions": found.minions, "harts": found.harts, **asked, "runtime": runtime}
