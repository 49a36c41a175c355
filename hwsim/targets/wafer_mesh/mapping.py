"""Which choices a mapping has, and how they reach the price function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from hwsim.core.chip import Chip
from hwsim.core.errors import Infeasible, InvalidMapping
from hwsim.readers.options import check_options
from hwsim.readers.technology import ARITHMETIC, technology
from hwsim.targets.wafer_mesh import layout as L
from hwsim.tech.arithmetic import Multiplier, saved_numbers


def _pair(value: Any) -> Any:
    """Accept 420, "420x420", "420,420", (420, 420)."""
    if isinstance(value, str):
        value = [part.strip() for part in value.lower().replace(",", "x").split("x")]
    if isinstance(value, int):
        return (value, value)
    if isinstance(value, list | tuple) and len(value) == 1:
        return (value[0], value[0])
    return value


Grid = Annotated[tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]], BeforeValidator(_pair)]
SUMS = {"fp16": "fp16", "fp32": "fp32"}  # formats in which products are added up: accumulators have the operator's
Algorithm = Literal[
    "meshgemm", "meshgemm_t", "summa", "cannon", "allgather_gemm", "meshgemv", "gemv_pipeline", "gemv_ring", "shift_kv", "concat_kv",
    "reduce_star", "reduce_chain", "reduce_tree", "reduce_two_phase", "broadcast_flood", "allreduce_reduce_broadcast", "allreduce_ring",
    "vendor_allreduce",
]  # fmt: skip


class WaferMapping(BaseModel):
    """Mapping options; what is left out is the mapper's own choice."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grid: Grid | None = None
    prefill_grid: Grid | None = None
    decode_grid: Grid | None = None
    algorithm: Algorithm | None = None
    reduce: Literal["reduce_star", "reduce_chain", "reduce_tree", "reduce_two_phase"] | None = None
    groups: Annotated[int, Field(gt=0)] | None = None
    rounds: Annotated[int, Field(gt=0)] = 1
    system: Literal["waferllm", "t10", "ladder"] = "waferllm"
    workload_mode: Literal["exact", "paper_faithful"] = "exact"
    energy_mode: Literal["nameplate", "activity"] = "nameplate"
    kv_cache: Literal["shift", "concat"] = "shift"
    clock_hz: Annotated[float, Field(gt=0)] | None = None
    multiplier: Multiplier = "standard"


def parse_mapping(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Check options by name and value; returns those that were given, normalised. Raises `InvalidMapping`."""
    options = check_options(WaferMapping, mapping, "wafer_mesh")
    given = options.model_dump(exclude_unset=True)
    if options.grid and (options.prefill_grid or options.decode_grid):
        raise InvalidMapping("give either grid, or prefill_grid and decode_grid")
    if options.multiplier == "lmul" and options.energy_mode == "nameplate":
        raise InvalidMapping("multiplier=lmul changes joules of arithmetic, nameplate energy is power times time: state energy_mode=activity")
    if options.algorithm in ("shift_kv", "concat_kv") and given.get("kv_cache", options.algorithm[:-3]) != options.algorithm[:-3]:
        raise InvalidMapping(f"algorithm={options.algorithm} contradicts kv_cache={options.kv_cache}")
    return given


def check_grid(chip: Chip, grid: tuple[int, int]) -> None:
    """Raise `Infeasible` when a program rectangle (width, height) lies outside the usable fabric."""
    width, height = (int(v) for v in chip.vector("grid_usable"))
    for asked, bound, name in ((grid[0], width, "width"), (grid[1], height, "height")):
        if asked > bound:
            raise Infeasible(
                f"grid {grid[0]} x {grid[1]} on {chip.name}, {name}", demand=asked, bound=bound, unit="PEs",
                levers=(f"a grid of at most {width} x {height}",),
            )  # fmt: skip


def candidate_grids(chip: Chip, smallest: int = 1) -> list[tuple[int, int]]:
    """Square grids that the mapper tries when none is given: multiples of 30 up to the usable side, and powers of two."""
    side = int(min(chip.vector("grid_usable")))
    sizes = {p for p in (*range(60, side + 1, 30), 4, 8, 16, 32, 64, 128, 256, 512) if smallest <= p <= side}
    return [(p, p) for p in sorted(sizes)]


def cache_policy(options: Mapping[str, Any]) -> str:
    """shift or concat: how new keys and values are kept."""
    if options.get("algorithm") in ("shift_kv", "concat_kv"):
        return str(options["algorithm"]).removesuffix("_kv")
    return str(options.get("kv_cache", "shift"))


def codes(options: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of the parameter record that options set."""
    algorithm = options.get("algorithm") or ""
    reduce = options.get("reduce") or (algorithm if algorithm in L.REDUCE_CODES else "")
    return {
        "gemm": L.GEMM_CODES.get(algorithm, 0),
        "gemv": L.GEMV_CODES.get(algorithm, 0),
        "collective": L.ALLREDUCE_CODES.get(algorithm, 0),
        "reduce": L.REDUCE_CODES.get(reduce, 0),
        "groups": options.get("groups") or 0,
        "rounds": options.get("rounds", 1),
        "system": L.SYSTEM_CODES[options.get("system", "waferllm")],
        "concat": 1.0 if cache_policy(options) == "concat" else 0.0,
        "activity": 1.0 if options.get("energy_mode") == "activity" else 0.0,
        **saved_numbers(technology(ARITHMETIC), options.get("multiplier"), SUMS),
    }
