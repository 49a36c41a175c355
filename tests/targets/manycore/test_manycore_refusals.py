"""What a user may get wrong: every mistake is an error that says why, never a figure."""

from __future__ import annotations

from typing import Any

import pytest

from hwsim import api
from hwsim.core.errors import HwsimError, Infeasible, InvalidChip, InvalidMapping, InvalidTrace
from hwsim.readers.chip_file import load_chip
from hwsim.readers.load import graph_of_workload
from hwsim.targets.manycore.primitives import PRIMITIVES

CHIP = load_chip("et-soc-1")
TILE = {"m": 16, "n": 16, "k": 16}
SLAB = {"medium": "dram", "bytes_per_shire": 2**20}
REFUSED: list[tuple[str, dict[str, Any], type[HwsimError], str]] = [
    ("tensor_fma", {**TILE, "n": 17}, InvalidTrace, "n must be"),
    ("tensor_fma", {**TILE, "k": 6, "dtype": "int8"}, InvalidTrace, "whole 32-bit words"),
    ("tensor_fma", {**TILE, "scope": "unit", "b_line_interval": 1}, InvalidTrace, "b_line_interval"),
    ("tensor_fma", {**TILE, "b_source": "l1scp", "a_loaded": False, "tiles": "shared"}, InvalidTrace, "loads none"),
    ("tensor_load", {"level": "remote_scp", "hops": 11}, InvalidTrace, "1..10"),
    ("tensor_load", {"level": "l3", "hops": 40}, InvalidTrace, "0..10"),
    ("memory_latency", {"level": "remote_scp", "hops": 11}, InvalidTrace, "1..10"),
    ("memory_latency", {"level": "l3", "hops": 99}, InvalidTrace, "0..10"),
    ("memory_latency", {"level": "dram_row_conflict_extra", "hops": 3}, InvalidTrace, "change nothing"),
    ("memory_latency", {"level": "dram", "working_set_bytes": 1e15}, Infeasible, "DRAM"),
    ("memory_latency", {"level": "remote_scp", "hops": 3, "working_set_bytes": 9e9}, Infeasible, "remote_scp"),
    ("memory_bandwidth", {"level": "dram", "working_set_bytes": 1e15}, Infeasible, "DRAM"),
    ("memory_bandwidth", {"level": "l2", "bytes_per_load": 100}, InvalidTrace, "whole lines"),
    ("memory_bandwidth", {"level": "l2", "bytes_per_load": 4096}, InvalidTrace, "64..1024"),
    ("memory_transfer", {"level": "remote_scp", "hops": 50, "bytes": 1}, InvalidTrace, "1..10"),
    ("memory_transfer", {"level": "dram", "path": "vector", "bytes": 1}, InvalidTrace, "miss L1"),
    ("memory_transfer", {"level": "dram", "path": "vector_through_l1", "bytes": 1}, InvalidTrace, "stores to dram"),
    ("register_round_trip", {"where": "mesh", "hops": 99}, InvalidTrace, "1..10"),
    ("credit", {"scope": "mesh", "hops": 99}, InvalidTrace, "1..10"),
    ("relay", {**SLAB, "bytes_per_shire": 10}, InvalidTrace, "at least 64"),
    ("host_transfer", {"direction": "host_to_card", "bytes": 1e15}, Infeasible, "card's memory"),
]


@pytest.mark.parametrize(("name", "arguments", "error", "why"), REFUSED)
def test_a_primitive_refuses(name: str, arguments: dict[str, Any], error: type[HwsimError], why: str) -> None:
    with pytest.raises(error, match=why):
        PRIMITIVES[name](CHIP, arguments, {})


def test_hops_end_where_the_mesh_ends() -> None:
    small = CHIP.replace(shires=4)  # 2 x 2
    assert PRIMITIVES["memory_latency"](small, {"level": "remote_scp", "hops": 2}, {})["cycles"] > 0
    with pytest.raises(InvalidTrace, match=r"1\.\.2"):
        PRIMITIVES["memory_latency"](small, {"level": "remote_scp", "hops": 3}, {})
    with pytest.raises(InvalidTrace, match="no shire"):
        PRIMITIVES["credit"](CHIP.replace(shires=1), {"scope": "mesh", "hops": 1}, {})


@pytest.mark.parametrize(("name", "arguments"), [("relay", SLAB), ("kernel_launch", {}), ("peak_rate", {"dtype": "fp32"}), ("spin", {})])
def test_left_out_all_of_a_smaller_chip_takes_part(name: str, arguments: dict[str, Any]) -> None:
    half = CHIP.replace(shires=16)
    stated = {"shires": 16} if name in ("relay", "kernel_launch") else {"minions": 512}
    assert PRIMITIVES[name](half, arguments, {}) == PRIMITIVES[name](half, {**arguments, **stated}, {})


@pytest.mark.parametrize("clock", [600, 1e12])
def test_a_clock_in_another_unit_is_refused(clock: float) -> None:
    with pytest.raises(InvalidMapping, match="frequency_hz"):
        PRIMITIVES["peak_rate"](CHIP, {"dtype": "fp32"}, {"frequency_hz": clock})


@pytest.mark.parametrize(
    ("constants", "why"),
    [
        ({"lanes": 0.5}, "lanes"),
        ({"tile_rows": 16.5}, "tile_rows"),
        ({"harts_per_minion": 4}, "1 or 2"),
        ({"shires": 7.5}, "shires"),
        ({"tile_cols": 32}, "two vectors"),
        ({"macs_per_cycle_fp16": 32}, "macs_per_cycle_fp16 is 16"),
        ({"tile_rows": 32}, "vector registers"),
    ],
)
def test_a_chip_of_broken_parts_is_refused(constants: dict[str, float], why: str) -> None:
    with pytest.raises(InvalidChip, match=why):
        api.load_chip("et-soc-1", **constants)


def test_k_is_not_split_over_more_minions_than_there_are() -> None:
    graph = graph_of_workload({"op": "matmul", "m": 16, "k": 65536, "n": 16, "dtype": "fp32"})
    assert api.simulate(graph, CHIP, {"k_split": 1024}).latency_s > 0
    with pytest.raises(InvalidMapping, match="1024 minions"):
        api.simulate(graph, CHIP, {"k_split": 2048})
    with pytest.raises(InvalidMapping, match="32 minions"):
        api.simulate(graph, CHIP, {"k_split": 64, "shires": 1})
