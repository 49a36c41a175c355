"""Joules by event: MACs by dtype and data, bytes by level, instructions, messages, waiting minions."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.errors import InvalidTrace
from hwsim.readers.chip_file import load_chip
from hwsim.targets.manycore import energy, energy_issue
from hwsim.targets.manycore.power import power_record
from hwsim.targets.manycore.primitives_energy import PRIMITIVES, instruction_energy, register_transfer_energy, relay_energy
from hwsim.targets.manycore.primitives_sync import PRIMITIVES as SYNC

CHIP = load_chip("et-soc-1")
PATTERNS = ("zeros", "ones", "unspecified", "random")
RELAY = {"shires": 32, "bytes_per_shire": 2**20, "stages": 4, "adds_per_element": 1, "dtype": "fp32", "id_offset": None}


def record(data: str = "random", **mapping: Any) -> Any:
    return power_record(CHIP, mapping, data)[0]


def moved(level: str, data: str = "random", **more: Any) -> float:
    return PRIMITIVES["memory_transfer"](CHIP, {"level": level, "bytes": 64.0, "data": data, **more}, {})["energy_j"]


def instruction(name: str, data: str = "random") -> float:
    return instruction_energy(CHIP, name, data, {})["energy_j"]


@pytest.mark.parametrize("column", ["mac_fp32_j", "mac_fp16_j", "mac_int8_j", "own_load_j", "l1_store_j", "dram_store_j", "vector_j", "remote_hop_j"])
def test_more_switching_operands_take_more_energy(column: str) -> None:
    found = [float(record(data)[column]) for data in PATTERNS]
    assert found == sorted(found)
    assert found[0] < found[-1]


def test_fp16_takes_half_of_fp32_and_int8_less() -> None:
    for data in ("zeros", "ones"):
        p = record(data)
        assert p["mac_fp16_j"] == pytest.approx(p["mac_fp32_j"] / 2)
        assert p["mac_int8_j"] < p["mac_fp16_j"]


def test_int8_by_its_clocked_bits() -> None:
    sequencer = 1.81e-3 / 600e6 * 318
    accumulators, operands = 256 * 16 * 32 * 3.18e-15, 256 * 16 * 64 * 3.18e-15
    assert record("zeros")["mac_int8_j"] == pytest.approx((sequencer + accumulators) / 16384)
    assert record("ones")["mac_int8_j"] == pytest.approx((sequencer + accumulators + operands) / 16384)


@given(st.floats(1, 1e12), st.sampled_from([1, 2, 3]), st.sampled_from(PATTERNS))
def test_tensor_energy_is_linear_in_the_macs(macs: float, dtype: int, data: str) -> None:
    p = record(data)
    assert energy.tensor_j(macs, dtype, p) == pytest.approx(macs * energy.tensor_j(1.0, dtype, p))
    assert energy.tensor_j(macs, dtype, p) > 0


@pytest.mark.parametrize("data", PATTERNS)
def test_farther_levels_take_more_energy(data: str) -> None:
    near = [moved("l1", data, path="vector"), moved("read_buffer", data), moved("own_scp", data), moved("remote_scp", data, hops=1)]
    levels = [*near, moved("remote_scp", data, hops=2), moved("l3", data), moved("dram", data)]
    assert levels[1:] == sorted(levels[1:])
    assert levels[0] < levels[2]
    assert moved("l2", data) == moved("own_scp", data)


@given(st.integers(1, 9))
def test_a_hop_costs_the_same_everywhere(hops: int) -> None:
    step = moved("remote_scp", hops=hops + 1) - moved("remote_scp", hops=hops)
    assert step == pytest.approx(64 * float(record()["remote_hop_j"]))


def test_an_l3_line_passes_the_own_l2_and_goes_to_its_home() -> None:
    assert moved("l3", hops=3) == pytest.approx(moved("l2") + moved("remote_scp", hops=3))
    mean = float(record()["home_hops"])
    assert moved("l3") == pytest.approx(moved("l3", hops=mean))


def test_a_store_through_l1_costs_more_than_the_read_and_the_write() -> None:
    through = moved("dram", access="store", path="vector_through_l1")
    assert through > moved("dram") + moved("dram", access="store")


def test_a_line_filled_into_l1_costs_less_than_a_waiting_load() -> None:
    assert 0 < moved("l1_fill_from_own_scp", path="vector") < moved("own_scp")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"level": "remote_scp"}, "needs hops"),
        ({"level": "dram", "hops": 2}, "hops mean nothing"),
        ({"level": "l1"}, "path=vector"),
        ({"level": "own_scp", "access": "store", "path": "vector_through_l1"}, "dram only"),
        ({"level": "l1_fill_from_own_scp", "access": "store"}, "is a load"),
        ({"level": "l4"}, "did you mean"),
        ({"level": "dram", "data": "noise"}, "data is one of"),
    ],
)
def test_transfers_without_a_meaning_are_refused(arguments: dict[str, Any], why: str) -> None:
    with pytest.raises(InvalidTrace, match=why):
        PRIMITIVES["memory_transfer"](CHIP, {"bytes": 1, **arguments}, {})


def test_vector_instructions_by_lanes() -> None:
    for name in ("fadd", "fmul", "fmadd"):
        base = instruction(f"{name}.s", "zeros")
        assert instruction(f"{name}.ps", "zeros") == pytest.approx(base)
        assert instruction(f"{name}.ps") - base == pytest.approx(8 * (instruction(f"{name}.s") - base))


def test_order_of_instructions() -> None:
    for data in ("zeros", "random"):
        found = [instruction(name, data) for name in ("nop", "add", "mulw", "mul", "divw", "div")]
        assert found == sorted(found)
        assert instruction("fadd.ps", data) < instruction("fmul.ps", data) < instruction("fmadd.ps", data)
        assert instruction("frcp.ps", data) < instruction("fexp.ps", data)


def test_vector_loads_are_l1_bytes() -> None:
    assert instruction("flw.ps") == pytest.approx(moved("l1", path="vector") / 2)
    assert instruction("fsw.ps", "zeros") == pytest.approx(moved("l1", "zeros", path="vector", access="store") / 2)


def test_an_instruction_without_a_known_energy_has_none() -> None:
    assert instruction_energy(CHIP, "flwl.ps", "random", {}) == {}


@pytest.mark.parametrize("name", sorted(energy_issue.NAMES))
def test_columns_agree_with_the_instruction(name: str) -> None:
    p = record()
    columns = {energy_issue.NAMES["add"]: "scalar_j", energy_issue.NAMES["fmadd.ps"]: "vector_j", energy_issue.NAMES["fexp.ps"]: "exponential_j",
               energy_issue.NAMES["frcp.ps"]: "reciprocal_j"}  # fmt: skip
    kind = energy_issue.NAMES[name]
    assert instruction(name) > 0
    if kind in columns:
        assert instruction(name) == pytest.approx(float(p[columns[kind]]))


def test_messages_by_distance() -> None:
    def sent(pattern: str, offset: int = 0) -> float:
        return register_transfer_energy(CHIP, pattern, offset, 1e9, {})["energy_j"]

    assert sent("pair") < sent("shire_ring") == sent("neighbourhood_ring") < sent("mesh_ring", 8) < sent("mesh_ring", 1) < sent("mesh_ring", 2)


@pytest.mark.parametrize("medium", ["own_scp", "remote_scp", "dram"])
def test_relay_energy_adds_up(medium: str) -> None:
    relay = {**RELAY, "medium": medium}
    once = relay_energy(CHIP, relay, {}, 0.0)["energy_j"]
    assert relay_energy(CHIP, {**relay, "stages": 8}, {}, 0.0)["energy_j"] == pytest.approx(2 * once)
    assert relay_energy(CHIP, relay, {}, 1.0)["energy_j"] > once
    more = relay_energy(CHIP, {**relay, "adds_per_element": 9}, {}, 0.0)["energy_j"] - once
    elements = 32 * 2**20 * 4 / 4
    quarter = power_record(CHIP, {})[0]
    energy.prepare_activity(CHIP.number("counter_activity"), quarter)
    assert more == pytest.approx(elements / 8 * 8 * energy_issue.one_instruction_j(energy_issue.NAMES["fadd.ps"], quarter))


def test_waiting_and_spinning_minions() -> None:
    p = record()
    assert energy.waiting_w(1024, 0, p) < energy.waiting_w(1024, 1, p) < energy.waiting_w(1024, 2, p)
    spin = PRIMITIVES["spin"](CHIP, {"harts_per_minion": 1, "minions": 512}, {"power_scope": "board_above_idle"})["power_w"]
    assert spin == pytest.approx(2.19 / 2, rel=1e-3)
    with pytest.raises(InvalidTrace, match="harts_per_minion"):
        PRIMITIVES["spin"](CHIP, {"harts_per_minion": 3}, {})


@pytest.mark.parametrize(("contention", "measured"), [("one_line", 19.8e-9), ("spread_32_lines", 1.16e-9), ("none", 1.4e-9)])
def test_energy_of_an_atomic_is_mostly_waiting(contention: str, measured: float) -> None:
    found = SYNC["atomic"](CHIP, {"contention": contention}, {})["energy_j"]
    assert found == pytest.approx(measured, rel=0.3)
    assert "energy_j" not in SYNC["atomic"](CHIP, {"contention": contention}, {"frequency_hz": 1e9})
