"""The tensor unit: busy cycles against closed forms and limits, loops with their operand loads, tensor loads, refusals."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.errors import InvalidTrace
from hwsim.readers.chip_file import load_chip
from hwsim.targets.manycore import tensor
from hwsim.targets.manycore.primitives import PRIMITIVES
from hwsim.targets.manycore.primitives_common import record

CHIP = load_chip("et-soc-1")
P = record(CHIP, {})[0]
PER_WORD = {"fp32": 1, "fp16": 2, "int8": 4}
ROWS, WORDS, INTERVALS = st.integers(1, 16), st.integers(1, 16), st.floats(2, 64)


def fma(clock_hz: float = 600e6, **arguments: Any) -> Any:
    return PRIMITIVES["tensor_fma"](CHIP, arguments, {"frequency_hz": clock_hz})


def unit(m: int, words: int, dtype: str, source: str, **more: Any) -> float:
    k = words * PER_WORD[dtype]
    return float(fma(scope="unit", m=m, n=16, k=k, dtype=dtype, b_source=source, **more)["cycles"])


def busy(m: int, words: int, int8: bool, tenb: bool, interval: float = 2.0) -> float:
    return float(tensor.fma_busy(float(m), float(words), int8, tenb, interval, P))


@pytest.mark.parametrize("words", [1, 3, 6, 16])
@pytest.mark.parametrize("m", [3, 4, 6, 9, 16])
def test_many_rows_take_two_uops_a_row_and_a_port_cycle_a_word(m: int, words: int) -> None:
    assert unit(m, words, "fp32", "l1scp") == 9 + words * (2 * m + 1)
    assert unit(m, words, "fp16", "l1scp") == unit(m, words, "fp32", "l1scp")


@pytest.mark.parametrize("m", [1, 2, 3])
def test_few_rows_wait_for_the_accumulator(m: int) -> None:
    assert unit(m, 16, "fp32", "l1scp") - unit(m, 15, "fp32", "l1scp") == 7


@pytest.mark.parametrize("m", [3, 6, 9, 11, 14])
def test_int8_takes_one_uop_a_row_and_three_port_cycles_a_word(m: int) -> None:
    for words in (2, 5, 16):
        assert unit(m, words, "int8", "l1scp") == 5 + words * (m + 3)


def test_full_tiles() -> None:
    assert [unit(16, 16, d, "l1scp") for d in ("fp32", "fp16", "int8")] == [537, 537, 309]
    assert [unit(16, 16, d, "tenb") for d in ("fp32", "fp16", "int8")] == [520, 520, 261]


@pytest.mark.parametrize("dtype", ["fp32", "int8"])
def test_slow_lines_set_the_pace(dtype: str) -> None:
    slow = [unit(4, 16, dtype, "tenb", b_line_interval=x) for x in (200, 400)]
    assert slow[1] - slow[0] == (2 * 16 - 1) * 100


@pytest.mark.parametrize("n", [4, 8, 12])
def test_narrow_tiles_save_nothing(n: int) -> None:
    for source in ("l1scp", "tenb"):
        wide, narrow = (fma(scope="unit", m=8, n=x, k=16, b_source=source)["cycles"] for x in (16, n))
        assert wide == narrow


@given(m=ROWS, words=WORDS, int8=st.booleans(), tenb=st.booleans(), interval=INTERVALS)
def test_more_work_or_slower_lines_never_take_less_time(m: int, words: int, int8: bool, tenb: bool, interval: float) -> None:
    now = busy(m, words, int8, tenb, interval)
    if not (int8 and tenb and m == 1):  # one int8 row waits for its accumulator, two rows do not: 51 and 39 cycles in the RTL
        assert busy(min(16, m + 1), words, int8, tenb, interval) >= now
    assert busy(m, min(16, words + 1), int8, tenb, interval) >= now
    assert busy(m, words, int8, tenb, interval + 1) >= now


@given(m=ROWS, words=WORDS, int8=st.booleans(), tenb=st.booleans())
def test_no_operation_beats_the_peak(m: int, words: int, int8: bool, tenb: bool) -> None:
    per_word = 4 if int8 else 1
    peak = float(P["macs_per_cycle_int8"] if int8 else P["macs_per_cycle_fp32"])
    assert m * 16 * words * per_word / busy(m, words, int8, tenb) < peak


@pytest.mark.parametrize(("dtype", "tiles", "cycles"), [("fp32", "shared", 529), ("int8", "private", 512), ("int8", "shared", 280.4)])
def test_a_loop_takes_the_longer_of_compute_and_operands(dtype: str, tiles: str, cycles: float) -> None:
    found = fma(m=16, n=16, k=16 * PER_WORD[dtype], dtype=dtype, tiles=tiles)
    assert found["cycles"] == pytest.approx(cycles, abs=0.1)


def test_tiles_from_dram_come_at_the_rate_of_its_channels() -> None:
    found = fma(m=16, n=16, k=16, tiles="dram")
    assert found["cycles"] == pytest.approx(2048 * 1024 / 76.002e9 * 600e6)
    faster = PRIMITIVES["tensor_fma"](CHIP.replace(dram_channels=32.0), {"k": 16, "tiles": "dram"}, {})
    assert faster["cycles"] == pytest.approx(found["cycles"] / 2)


def test_few_readers_are_held_by_their_own_lines_in_flight() -> None:
    alone = fma(m=1, n=16, k=64, dtype="int8", tiles="private", minions=1)
    assert alone["cycles"] == 16 / 4 * 40
    assert fma(m=1, n=16, k=64, dtype="int8", tiles="private", minions=32)["cycles"] == 17 * 64 * 32 / 128


def test_rate_grows_with_minions_and_clock_and_masked_rows_change_nothing() -> None:
    one, all_of_them = fma(k=16, minions=1), fma(k=16, minions=1024)
    assert all_of_them["tops"] == pytest.approx(1024 * one["tops"])
    assert fma(k=16, clock_hz=800e6)["tops"] == pytest.approx(8 / 6 * all_of_them["tops"])
    assert fma(k=16, rows_masked=True, data="zeros")["cycles"] == fma(k=16, data="random")["cycles"]


def test_power_is_left_out_where_no_voltage_is_known() -> None:
    assert set(fma(k=16, clock_hz=1e9)) == {"cycles", "tops"}
    assert set(fma(k=16)) == {"cycles", "tops", "power_w", "tops_per_w", "energy_per_mac_j"}
    assert set(fma(k=16, scope="unit")) == {"cycles"}


@given(rows=st.integers(1, 15), level=st.sampled_from(["l2", "own_scp", "l3", "dram"]))
def test_more_rows_never_load_faster(rows: int, level: str) -> None:
    now, more = (PRIMITIVES["tensor_load"](CHIP, {"rows": r, "level": level}, {})["cycles"] for r in (rows, rows + 1))
    assert more >= now - P["load_extra_cycles"]  # the end of a lone group is not hidden by a next one


def test_tensor_loads_by_level_and_company() -> None:
    def load(**arguments: Any) -> float:
        return float(PRIMITIVES["tensor_load"](CHIP, arguments, {})["cycles"])

    assert [load(rows=r, level="l2") for r in (4, 16)] == [45, 160]
    assert load(rows=4, level="remote_scp", hops=3) - load(rows=4, level="remote_scp", hops=2) == pytest.approx(12)
    assert load(rows=16, level="l2", minions=32) == 1024 * 32 / 128
    assert load(rows=16, level="l2") < load(rows=16, level="l3") < load(rows=16, level="dram")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"m": 17, "k": 16}, "m must be"), ({"n": 6, "k": 16}, "multiple of 4"), ({"k": 17}, "k must be"),
        ({"k": 3, "dtype": "fp16"}, "multiple of 2"),
        ({"k": 16, "dtype": "bf16"}, "dtype"), ({"k": 16, "b_line_interval": 4}, "b_line_interval"),
        ({"k": 16, "scope": "unit", "tiles": "shared"}, "tiles"),
        ({"k": 16, "tiles": "l3"}, "tiles"), ({"k": 16, "minions": 1025}, "minions"), ({"k": 16, "rows_masked": "yes"}, "rows_masked"),
        ({"k": 16, "data": "noise"}, "data"), ({}, "needs k"), ({"k": 16, "source": "l1scp"}, "no argument"),
    ],
)  # fmt: skip
def test_what_the_unit_does_not_take_is_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidTrace, match=says):
        fma(**arguments)


def test_tensor_loads_without_a_distance_are_refused() -> None:
    for arguments in ({"level": "remote_scp"}, {"level": "l2", "hops": 2}, {"level": "l2", "rows": 0}, {"level": "l1"}):
        with pytest.raises(InvalidTrace):
            PRIMITIVES["tensor_load"](CHIP, arguments, {})


def test_peak_counts_every_minion_on_the_die_but_no_more() -> None:
    def peak(**arguments: Any) -> float:
        return float(PRIMITIVES["peak_rate"](CHIP, arguments, {})["tops"])

    assert peak(dtype="int8", minions=1088) == pytest.approx(2 * 64 * 1088 * 600e6 / 1e12)
    assert peak(dtype="int8") == 8 * peak(dtype="fp32") == 4 * peak(dtype="fp16")
    with pytest.raises(InvalidTrace, match="minions"):
        peak(dtype="fp32", minions=1089)
