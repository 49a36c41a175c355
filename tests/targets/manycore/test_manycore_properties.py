"""Laws that hold for any operator: more work, faster parts, sums of parts, and the two fidelities."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import Infeasible
from hwsim.core.graph import single_op
from hwsim.targets.manycore import layout as L
from hwsim.targets.manycore import refine
from hwsim.targets.manycore.machine import positions

CHIP = hwsim.load_chip("et-soc-1")
SIZES = st.integers(1, 3000)
FORMATS = st.sampled_from(["fp32", "fp16", "int8"])
STEP = 0.2  # of operators of a microsecond: one level less of a reduction tree, one operation less per minion (layouts move in steps)
quiet = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def operators(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    kind = draw(st.sampled_from(["matmul", "attention", "conv2d", "norm", "softmax", "elementwise", "rope", "pool", "lstm", "topk"]))
    small, dtype = st.integers(1, 64), draw(FORMATS)
    sizes: dict[str, dict[str, Any]] = {
        "matmul": {"m": SIZES, "k": SIZES, "n": SIZES},
        "attention": {"batch": st.integers(1, 4), "heads": st.sampled_from([4, 8, 32]), "q": small, "kv": st.integers(64, 4096),
                      "head_dim": st.sampled_from([64, 96, 128]), "causal": st.integers(0, 1)},
        "conv2d": {"n": st.integers(1, 4), "c": small, "h": st.integers(3, 56), "w": st.integers(3, 56), "k": small, "r": st.just(3),
                   "s": st.just(3), "pad": st.just(1)},
        "norm": {"rows": SIZES, "cols": SIZES, "function": st.sampled_from(["rms", "layer"])},
        "softmax": {"rows": SIZES, "cols": SIZES},
        "elementwise": {"rows": SIZES, "cols": SIZES, "function": st.sampled_from(["add", "gelu", "div", "silu_mul"])},
        "rope": {"rows": SIZES, "heads": small, "head_dim": st.just(64)},
        "pool": {"n": st.integers(1, 4), "c": small, "h": st.integers(3, 56), "w": st.integers(3, 56), "r": st.just(3), "s": st.just(3)},
        "lstm": {"input_size": SIZES, "hidden_size": st.integers(1, 1024), "steps": st.integers(1, 8)},
        "topk": {"rows": small, "cols": SIZES, "top": st.just(1)},
    }  # fmt: skip
    return kind, {"dtype": dtype, **{name: draw(s) for name, s in sizes[kind].items()}}


GROWS = {
    "matmul": ("m", "k", "n"), "attention": ("batch", "kv"), "conv2d": ("n", "c", "k", "h"), "norm": ("rows", "cols"), "softmax": ("rows", "cols"),
    "elementwise": ("rows", "cols"), "rope": ("rows", "heads"), "pool": ("n", "c"), "lstm": ("hidden_size", "steps"), "topk": ("rows", "cols"),
}  # fmt: skip


def run(op: tuple[str, dict[str, Any]], mapping: dict[str, Any] | None = None, chip: Any = CHIP, **options: Any) -> Any:
    kind, bounds = op
    return hwsim.simulate(single_op(kind, **bounds), chip, mapping or {}, interval=False, **options)


@quiet
@given(operators(), st.data())
def test_four_times_the_work_never_takes_less_time(op, data):
    kind, bounds = op
    axis = data.draw(st.sampled_from(GROWS[kind]))
    assert run((kind, {**bounds, axis: 4 * bounds[axis]})).cycles >= run(op).cycles * (1 - STEP)


@quiet
@given(st.integers(1, 8), st.integers(1, 8), st.integers(1, 2000), st.integers(1, 2000), FORMATS)
def test_more_k_never_takes_less_time_on_a_full_chip(high, wide, k, more, dtype):
    m, n = 512 * high, 512 * wide
    assert run(("matmul", {"m": m, "n": n, "k": k + more, "dtype": dtype})).cycles >= run(("matmul", {"m": m, "n": n, "k": k, "dtype": dtype})).cycles


@quiet
@given(operators(), st.sampled_from(["clock_hz", "noc_clock_hz", "dram_channels", "outstanding_lines", "issue_alu", "issue_vector", "dram_efficiency",
                                     "shire_bytes_per_cycle", "scp_store_bytes_per_cycle"]), st.floats(1.01, 1.3))  # fmt: skip
def test_a_faster_part_never_slows_the_whole(op, part, factor):
    value = CHIP.number(part)
    faster = CHIP.replace(**{part: value + 1 if part in ("dram_channels", "outstanding_lines") else value * factor})
    assert run(op, chip=faster).latency_s <= run(op).latency_s * (1 + 1e-12)


@quiet
@given(operators(), st.sampled_from(["l2_latency_cycles", "l3_latency_s", "hop_round_trip_s", "dram_latency_s", "send_shire_cycles",
                                     "tensor_issue_cycles", "fma_hazard_cycles", "barrier_chip_cycles"]), st.floats(1.01, 2))  # fmt: skip
def test_a_slower_part_never_speeds_up_the_whole(op, part, factor):
    assert run(op, chip=CHIP.replace(**{part: CHIP.number(part) * factor})).latency_s >= run(op).latency_s * (1 - 1e-12)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(256, 4096), FORMATS)
def test_twice_the_shires_halve_a_product_that_divides(high, wide, k, dtype):
    product = ("matmul", {"m": 512 * high, "n": 1024 * wide, "k": k, "dtype": dtype})
    half, whole = run(product), run(product, chip=CHIP.replace(shires=64))
    assert whole.cycles < half.cycles
    compute = [r.cost.by_component("cycles")["compute"] for r in (half, whole)]
    assert compute[0] == pytest.approx(2 * compute[1])


@quiet
@given(operators())
def test_energy_adds_up_and_the_fidelities_agree(op):
    report = run(op)
    parts = report.breakdown()["energy_j"]
    assert sum(parts.values()) == pytest.approx(report.energy_j)
    assert sum(report.cost.joules_by_rail().values()) == pytest.approx(report.energy_j)
    assert run(op, fidelity="event").cycles >= report.cycles * (1 - 1e-12)


@quiet
@given(operators(), st.sampled_from([{"data": "zeros"}, {"data": "ones"}]))
def test_quiet_operands_save_energy_and_no_time(op, mapping):
    quiet_run, loud = run(op, mapping), run(op, {"data": "random"})
    assert quiet_run.cycles == loud.cycles
    assert quiet_run.cost.dynamic_j <= loud.cost.dynamic_j


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 600), st.integers(1, 600), st.integers(1, 600), st.sampled_from([1, 2, 8, 32]))
def test_fewer_shires_are_no_faster(m, k, n, shires):
    op = ("matmul", {"m": m, "k": k, "n": n, "dtype": "fp32"})
    for unit in ("simd", "scalar"):
        assert run(op, {"unit": unit, "shires": shires}).cycles >= run(op, {"unit": unit}).cycles * (1 - 1e-9)


def test_units_come_in_their_order():
    op = ("matmul", {"m": 512, "k": 512, "n": 512, "dtype": "fp32"})
    scalar, simd, tensor = (run(op, {"unit": unit}).cycles for unit in ("scalar", "simd", "tensor"))
    assert scalar > 7 * simd > 7 * 20 * tensor


def crowded(link: float) -> tuple[Any, Any]:
    """A product whose shires read their panels over links of that width, at both fidelities."""
    chip = CHIP.replace(mesh_link_bytes_per_noc_cycle=link)
    op = ("matmul", {"m": 4096, "k": 2048, "n": 2048, "dtype": "int8"})
    return run(op, chip=chip), run(op, chip=chip, fidelity="event")


def test_narrow_links_are_contended_for():
    wide, narrow = crowded(256.0), crowded(64.0)
    assert wide[1].cycles == pytest.approx(wide[0].cycles)
    assert narrow[1].cycles > 1.5 * narrow[0].cycles


@pytest.mark.parametrize("readers", [1, 3, 16, 32])
def test_lone_windows_take_their_time(readers):
    p = run(("matmul", {"m": 64, "k": 64, "n": 64, "dtype": "fp32"})).cost.program.params[0]
    window = refine.window_of(p["l3_cycles"], readers, 1, 32, positions(CHIP), p)
    assert refine.stretch(window) == 1.0


def test_a_shire_alone_keeps_its_closed_form():
    op = ("matmul", {"m": 512, "k": 512, "n": 512, "dtype": "fp16"})
    assert run(op, {"shires": 1}, fidelity="event").cycles == pytest.approx(run(op, {"shires": 1}).cycles)


@settings(max_examples=40, deadline=None)
@given(operators(), st.integers(1, 32))
def test_bytes_and_times_are_figures(op, shires):
    assume(op[0] != "lstm")
    try:
        report = run(op, {"shires": shires})
    except Infeasible:
        return
    assert sum(report.cost.bytes_by_level().values()) >= report.cost.program.representatives[0].compulsory_bytes * (1 - 1e-9)
    assert {s.name for s in L.SLOTS} == {s.name for s in report.cost.program.slots}
