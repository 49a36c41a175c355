"""Memory streams against closed formulas, limits and published figures."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import InvalidMapping, InvalidTrace, UnsupportedOp
from hwsim.targets.fpga import spec
from hwsim.targets.fpga.memory import burst_efficiency, ddr_aligned_efficiency, ddr_rate, hbm_crossing_rate, hbm_rate


def stream(chip: str, mapping: dict[str, Any] | None = None, **arguments: Any) -> dict[str, float]:
    return hwsim.primitive("memory_stream", hwsim.load_chip(chip), arguments, mapping)


def rate(chip: str, mapping: dict[str, Any] | None = None, **arguments: Any) -> float:
    return stream(chip, mapping, **arguments)["bandwidth_bytes_per_s"]


def test_long_streams_scale_with_channels_up_to_the_total() -> None:
    one = rate("u280", memory="hbm", channels=1)
    assert one == pytest.approx(14.375e9 * 0.916, rel=1e-6)
    assert rate("u280", memory="hbm") == pytest.approx(32 * one)
    assert rate("u50", memory="hbm") == 316e9  # the card's own limit
    half = hwsim.load_chip("u280", hbm_channels=16)
    assert hwsim.primitive("memory_stream", half, {"memory": "hbm"})["bandwidth_bytes_per_s"] == pytest.approx(16 * one)


def test_a_gap_after_each_burst_halves_the_rate_when_it_is_as_long_as_the_burst() -> None:
    assert burst_efficiency(100.0, 10.0, 10.0) == 0.5
    assert burst_efficiency(100.0, 10.0, 0.0) == 1.0


def test_few_requests_in_flight_are_bound_by_latency() -> None:
    latency = hwsim.load_chip("u280").number("hbm_latency_s")
    assert rate("u280", memory="hbm", channels=1, access="random", burst_bytes=64, outstanding=1) == pytest.approx(64 / latency)
    plenty = rate("u280", memory="hbm", channels=1, access="random", burst_bytes=64, outstanding=64)
    assert plenty == rate("u280", memory="hbm", channels=1, access="random", burst_bytes=64)


def test_ports_on_one_channel_share_it() -> None:
    assert rate("u280", memory="hbm", channels=1, read_channels=2, write_channels=1) == pytest.approx(11.19e9, rel=1e-3)
    assert rate("u280", memory="hbm", channels=3, read_channels=2, write_channels=1) > 2.5 * 11.19e9


def test_crossing_the_switches_costs() -> None:
    p = spec.PARAMETERS.record(hwsim.load_chip("u280"))[0]
    assert hbm_crossing_rate(4.0, p) == pytest.approx(4 * 14.375e9 * 0.35)
    assert hbm_crossing_rate(4.0, p) < hbm_rate(4.0, 4.0, 1e9, 0.0, p)
    assert rate("u280", memory="hbm", placement="crossing") == pytest.approx(460e9 * 0.35)


def test_axi_ports_bound_ddr_until_there_are_enough() -> None:
    ports = [rate("kv260", {"axi_ports": n, "clock_hz": 300e6}, memory="ddr") for n in (1, 2, 4)]
    assert ports[:2] == [4.8e9, 9.6e9] and ports[2] == pytest.approx(0.842 * 19.2e9)
    assert rate("kv260", {"axi_ports": 4, "port_bits": 32, "clock_hz": 300e6}, memory="ddr") == pytest.approx(4.8e9)


def test_aligned_transfers_pay_refresh_and_one_row_switch() -> None:
    aligned = {"axi_ports": 4, "clock_hz": 300e6, "column_aligned": True}
    kept = 1 - 350e-9 / 7.8e-6
    for size in (4096, 8192, 16384):
        wanted = kept * size / (size / 19.2e9 + 28e-9)
        assert rate("kv260", {**aligned, "bytes_per_transfer": size}, memory="ddr") == pytest.approx(min(wanted, 19.2e9))
    assert rate("kv260", aligned, memory="ddr") == rate("kv260", {**aligned, "bytes_per_transfer": 16384}, memory="ddr")
    beyond = rate("kv260", {**aligned, "bytes_per_transfer": 32768}, memory="ddr")
    assert beyond == rate("kv260", {**aligned, "column_aligned": False}, memory="ddr")  # the ports meet in different rows again


def test_the_time_of_bytes_is_bytes_over_bandwidth() -> None:
    found = stream("u200", memory="ddr", bytes=1e9, channels=2)
    assert found["latency_s"] * found["bandwidth_bytes_per_s"] == pytest.approx(1e9)


@given(channels=st.integers(1, 32), burst=st.floats(16, 1e6), factor=st.floats(1, 100))
def test_more_channels_and_longer_bursts_never_slow_a_stream(channels: int, burst: float, factor: float) -> None:
    p = spec.PARAMETERS.record(hwsim.load_chip("u280"))[0]
    now = hbm_rate(float(channels), float(channels), burst, 0.0, p)
    assert hbm_rate(float(channels), float(channels), burst * factor, 0.0, p) >= now
    assert hbm_rate(float(channels + 1), float(channels + 1), burst, 0.0, p) >= now
    assert now <= channels * p["hbm_channel_bytes_per_s"]


@given(size=st.floats(64, 65536))
def test_ddr_never_exceeds_its_peak(size: float) -> None:
    p = spec.PARAMETERS.record(hwsim.load_chip("kv260"))[0]
    assert 0 < ddr_aligned_efficiency(size, p["ddr_channel_bytes_per_s"], p) < 1
    assert ddr_rate(1.0, 0.0, 128.0, 3e8, size, p) <= p["ddr_channel_bytes_per_s"]


@pytest.mark.parametrize(
    ("chip", "arguments", "mapping", "error"),
    [
        ("zcu102", {"memory": "hbm"}, {}, UnsupportedOp),
        ("u50", {"memory": "ddr"}, {}, UnsupportedOp),
        ("u280", {"memory": "hbm", "channels": 33}, {}, InvalidTrace),
        ("u280", {"memory": "hbm", "access": "random"}, {}, InvalidTrace),
        ("u280", {"memory": "hbm", "channels": 2, "read_channels": 0, "write_channels": 0}, {}, InvalidTrace),
        ("u280", {"memory": "hbm", "channels": 2, "compute_units": 3}, {}, InvalidTrace),
        ("u280", {"memory": "flash"}, {}, InvalidTrace),
        ("u280", {"memory": "hbm", "channels": 4, "placement": "crossing"}, {}, InvalidTrace),
        ("kv260", {"memory": "ddr"}, {"axi_ports": 5}, InvalidTrace),
        ("kv260", {"memory": "ddr"}, {"axi_ports": 0}, InvalidMapping),
    ],
)
def test_what_a_device_has_not_is_refused(chip: str, arguments: dict[str, Any], mapping: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        stream(chip, mapping, **arguments)
