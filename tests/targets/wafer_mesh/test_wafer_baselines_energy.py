"""T10 and Ladder by their published forms; joules, watts and square millimetres; single mechanisms."""

from __future__ import annotations

import math

import pytest
from wafer_helpers import CHIPS, chip, decode, prefill, product, run_op

import hwsim
from hwsim.core.errors import InvalidTrace, MissingParameter

LAYERS = 32
PAPER = {"workload_mode": "paper_faithful"}


def sizes(p: int) -> tuple[int, int, int]:
    """Per-core model dimension, feed-forward dimension and positions of LLaMA3-8B at 4096 tokens."""
    return math.ceil(4096 / p), math.ceil(14336 / p), math.ceil(4096 / p)


def products(p: int) -> list[tuple[int, int, int]]:
    """(Mt, Kt, Nt) of the nine products of a prefill layer."""
    d, f, n = sizes(p)
    return [(n, d, d)] * 4 + [(n, d, n), (n, n, d), (n, d, f), (n, d, f), (n, f, d)]


def words(elements: int) -> int:
    return math.ceil(elements / 2)


@pytest.mark.parametrize("p", [420, 540, 660])
def test_decode_of_the_baselines(p):
    """T10: a relay in every core of ten allreduces. Ladder: ten collectives and every operand fetched."""
    number = chip().number
    d, f, n = sizes(p)
    macs = 4 * d * d + 2 * d * n + 3 * d * f
    t10, ladder = (decode(system=s, grid=(p, p), **PAPER).cycles / LAYERS for s in ("t10", "ladder"))
    assert t10 == pytest.approx(10 * p * number("t10_relay_cycles"))
    assert ladder == pytest.approx(10 * p * number("ladder_collective_cycles") + macs * number("ladder_cycles_per_mac"))


@pytest.mark.parametrize("p", [480, 600, 720])
def test_prefill_of_the_baselines(p):
    number = chip().number
    w = sum(words(k * n) for _, k, n in products(p))
    x = sum(words(m * k) for m, k, _ in products(p))
    t10, ladder = (prefill(system=s, grid=(p, p), **PAPER).cycles / LAYERS for s in ("t10", "ladder"))
    assert t10 == pytest.approx(p * p * (9 * number("t10_step_cycles") + w * number("t10_word_cycles")))
    assert ladder == pytest.approx(p * p * (18 * number("ladder_collective_cycles") + (x + w) * number("ladder_word_cycles")))


def test_a_baseline_is_no_faster_than_its_arithmetic():
    report = decode(system="t10", grid=(4, 4), **PAPER)
    program = report.cost.program
    assert report.cost.utilisation()["arithmetic"] <= 1 + 1e-12
    assert report.cycles >= program.rows["macs"] @ program.counts / (16 * chip().number("fp16_mac_per_cycle"))


def test_baselines_have_no_constants_on_the_wse3():
    with pytest.raises(MissingParameter, match="t10_relay_cycles"):
        decode("wse3", system="t10", grid=(420, 420), **PAPER)


@pytest.mark.parametrize("on", CHIPS)
def test_nameplate_energy_is_power_times_time(on):
    for report in (product(512, 512, 512, on, grid=(60, 60)), decode(on, grid=(420, 420)), prefill(on, prompt=512, grid=(360, 360))):
        assert report.energy_j == pytest.approx(15_000 * report.latency_s)
        assert report.power_w == pytest.approx(15_000) and report.cost.dynamic_j == 0


@pytest.mark.parametrize("on", CHIPS)
def test_activity_energy_adds_up_from_counted_events(on):
    number = chip(on).number
    report = product(1024, 1024, 1024, on, algorithm="meshgemm", grid=(64, 64), energy_mode="activity")
    joules = report.breakdown()["energy_j"]
    macs, calls, cores = 1024**3, 64 * 16 * 16 * 64 * 64, 64 * 64
    moved = 64 * 2 * (128 + 128) * cores
    assert joules["mac"] == pytest.approx(macs * number("mac_fp16_j"))
    assert joules["sram"] == pytest.approx(2 * (3 * macs + calls) * number("sram_j_per_byte"))
    assert joules["fabric"] == pytest.approx(moved * 32 * number("link_j_per_bit"))
    assert joules["issue"] == pytest.approx(report.cycles * cores * number("core_active_j_per_cycle"))
    assert joules["idle cores"] == pytest.approx(number("cores_marketed") * number("core_idle_w") * report.latency_s)
    assert sum(joules.values()) == pytest.approx(report.energy_j)
    assert report.cost.bytes_by_level()["fabric"] == 4 * moved


@pytest.mark.parametrize("on", CHIPS)
def test_no_slot_is_ever_negative(on):
    runs = [
        decode(on, grid=(420, 420), energy_mode="activity"), prefill(on, prompt=512, grid=(360, 360), energy_mode="activity"),
        run_op("fft", {"points": 64, "dims": 3, "dtype": "complex64"}, on, grid=(16, 16), energy_mode="activity"),
        run_op("allreduce", {"elements": 8}, on, grid=(16, 16), energy_mode="activity"),
        run_op("softmax", {"rows": 64, "cols": 640}, on, grid=(16, 16), energy_mode="activity"),
    ]  # fmt: skip
    for report in runs:
        assert (report.cost.values >= 0).all()
        assert 0 < report.energy_j < 25_000 * report.latency_s  # never above the system's published power
        assert report.cost.dynamic_j == pytest.approx(sum(report.cost.by_component("joules").values()))


def test_fp32_macs_cost_more_time_and_energy():
    def run(dtype: str):
        return run_op("matmul", {"m": 512, "k": 512, "n": 512, "dtype": dtype}, algorithm="meshgemm", grid=(64, 64), energy_mode="activity")

    half, single = run("fp16"), run("fp32")
    assert single.breakdown()["energy_j"]["mac"] == pytest.approx(3.5 * half.breakdown()["energy_j"]["mac"])
    assert single.breakdown()["energy_j"]["sram"] == pytest.approx(2 * half.breakdown()["energy_j"]["sram"])
    extra = single.breakdown()["latency_by_mechanism_s"]["multiply"] - half.breakdown()["latency_by_mechanism_s"]["multiply"]
    assert extra == pytest.approx(64 * 8**3 * 3 * chip().number("fmac_cycles_per_mac") / 1.1e9)


def test_a_busy_core_meets_its_published_peak_power():
    assert hwsim.primitive("core_at_peak", chip("wse2"))["power_w"] == pytest.approx(0.030, rel=0.1)


@pytest.mark.parametrize("on", CHIPS)
@pytest.mark.parametrize("grid", [(1, 1), (64, 32), (750, 750)])
def test_areas_add_up_to_the_die(on, grid):
    report = run_op("broadcast", {"elements": 4}, on, grid=grid)
    parts = report.breakdown()["area_mm2"]
    number = chip(on).number
    assert report.area_mm2 == pytest.approx(46_225) == pytest.approx(sum(parts.values()))
    program = grid[0] * grid[1] * number("core_area_mm2")
    assert parts["program cores, SRAM"] + parts["program cores, logic"] == pytest.approx(program)
    assert parts["program cores, SRAM"] == pytest.approx(program * number("sram_area_share"))
    assert min(parts.values()) >= 0


def primitive(name: str, on: str = "wse2", mapping: dict[str, object] | None = None, **arguments: object) -> dict[str, float]:
    return hwsim.primitive(name, chip(on), arguments, mapping)


def test_primitives_of_the_fabric():
    assert primitive("hop_latency", hops=7)["cycles"] == 7 and primitive("hop_latency", "wse3", hops=7)["cycles"] == 14
    assert primitive("ramp_latency")["cycles"] == 2 and primitive("ramp_latency", "wse3")["cycles"] == 4.5
    assert primitive("chain_stage")["cycles"] == 6 and primitive("chain_stage", "wse3")["cycles"] == 12
    assert primitive("chain_stage", program="meshgemv")["cycles"] == 11
    assert [primitive("multicast_arrival", "wse3", hops=h)["cycles"] for h in (1, 3, 7, 15)] == [30, 34, 42, 58]
    assert primitive("software_relay", hops=1, words=1)["cycles"] == pytest.approx(20.3)
    assert primitive("software_relay", hops=10, words=5)["cycles"] == pytest.approx(14 * 19.3 + 10)
    both = primitive("alignment_round", p=144, mt=8, kt=8)
    assert both["cycles"] == 77 + 64 and both["all_rounds_cycles"] == 73 * both["cycles"]
    assert primitive("fmac_call", length=8)["cycles"] == pytest.approx(1 + 8 * 0.579)


def test_primitives_of_the_whole_wafer():
    assert primitive("sram_total")["bytes"] == 850_000 * 49_152
    assert primitive("sram_total")["bandwidth_bytes_per_s"] == pytest.approx(22.4e15, rel=0.01)
    assert primitive("fabric_total")["bandwidth_bytes_per_s"] * 8 == pytest.approx(220e15, rel=0.1)
    assert primitive("offwafer_io")["bandwidth_bytes_per_s"] == 150e9
    die = primitive("die")
    assert (die["area_mm2"], die["count"], die["power_w"]) == (46_225, 850_000, 15_000) and die["tops"] == pytest.approx(7480)
    assert primitive("core") == {"area_mm2": 0.038, "power_w": 0.030, "tops": pytest.approx(2 * 4 * 1.1e9 / 1e12)}


def test_seconds_follow_the_clock_that_is_asked_for():
    slow = primitive("hop_latency", mapping={"clock_hz": 0.85e9}, hops=85)
    assert slow == {"cycles": 85, "latency_s": pytest.approx(100e-9)}


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("hop_latncy", {}, "no primitive 'hop_latncy' (did you mean hop_latency"),
        ("hop_latency", {"hop": 1}, "no argument 'hop' (did you mean hops?)"),
        ("hop_latency", {"hops": -1}, "hops must be a number of at least 1, got -1"),
        ("fmac_call", {"length": "x"}, "length must be a number of at least 1, got 'x'"),
        ("fmac_call", {"length": True}, "length must be a number of at least 1, got True"),
        ("chain_stage", {"program": "meshgem"}, "program is one of meshgemv, collective, got 'meshgem' (did you mean meshgemv?)"),
        ("meshgemm_loop", {"p": 3, "mt": 1, "kt": 8, "nt": 8, "communication": "maybe"}, "communication is true or false, got 'maybe'"),
        ("alignment_round", {}, "needs p"),
        ("meshgemm_loop", {"p": 3, "mt": 1}, "needs kt, nt"),
    ],
)
def test_primitives_refuse_what_they_do_not_know(name, arguments, message):
    with pytest.raises(InvalidTrace) as raised:
        primitive(name, "wse3", **arguments)
    assert message in str(raised.value)


def test_a_primitive_without_constants_says_so():
    with pytest.raises(MissingParameter, match="chip 'wse2' states no parameter 'loop_call_cycles'"):
        primitive("meshgemm_loop", p=3, mt=1, kt=8, nt=8)
    with pytest.raises(MissingParameter, match="core_peak_power_w"):
        primitive("core", "wse3")
