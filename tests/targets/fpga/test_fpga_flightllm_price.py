"""Closed forms against the queues, and what must hold for any product: more work is never faster, a faster part never slows the whole."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.chip import Chip
from hwsim.core.graph import GraphBuilder, single_op
from hwsim.core.report import Report

CHIP = hwsim.load_chip("u280+flightllm")
REPLAY = {"timing": "authors_simulator"}
SIZES = st.integers(1, 300).map(lambda n: 16 * n)


def product(m: int, k: int, n: int, mapping: dict[str, Any] | None = None, fuse: str = "", chip: Chip = CHIP, fidelity: str = "analytic") -> Report:
    """A linear layer of INT4 weights, with an operation fused behind it."""
    b = GraphBuilder("int8", "int4")
    x = b.op("matmul", "fc", [b.tensor("x", (m, k), role="input")], m=m, k=k, n=n)
    if fuse == "rope":
        b.op("rope", "fused", [x], rows=m, heads=n // 16, head_dim=16)
    elif fuse:
        more = [b.tensor("y", (m, n), role="input")] if fuse == "add" else []
        b.op("elementwise", "fused", [x, *more], function=fuse, rows=m, cols=n, operands=1 + len(more))
    return hwsim.simulate(b.graph(trace="product"), chip, mapping or {}, interval=False, fidelity=fidelity)


FUSED = st.sampled_from(["", "silu", "add", "rope"])
RATES = st.floats(1e10, 5e12)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([1, 2, 7, 31]), SIZES, SIZES, FUSED, RATES, st.booleans())
def test_matrix_vector_forms_are_the_queues(m: int, k: int, n: int, fuse: str, rate: float, replay: bool) -> None:
    mapping = {**(REPLAY if replay else {}), "hbm_bandwidth_bytes_per_s": rate}
    closed, event = (product(m, k, n, mapping, fuse, fidelity=f).cycles for f in ("analytic", "event"))
    assert event >= closed * (1 - 1e-12)
    assert event == pytest.approx(closed, rel=1e-9 if m == 1 else 0.05)


@settings(max_examples=40, deadline=None)
@given(st.integers(32, 400), SIZES, st.integers(1, 100).map(lambda n: 16 * n), FUSED, RATES, st.booleans())
def test_matrix_matrix_forms_bound_the_queues(m: int, k: int, n: int, fuse: str, rate: float, replay: bool) -> None:
    mapping = {**(REPLAY if replay else {}), "hbm_bandwidth_bytes_per_s": rate}
    closed, event = (product(m, k, n, mapping, fuse, fidelity=f).cycles for f in ("analytic", "event"))
    assert event >= closed * (1 - 1e-12)
    assert event == pytest.approx(closed, rel=0.1)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 2048), st.sampled_from([1, 2]), RATES)
def test_decode_attention_is_the_queues(context: int, batch: int, rate: float) -> None:
    graph = hwsim.load_graph("gpt2-345m", phase="decode", context=min(context, 1024), batch=batch, layers=1)
    mapping = {"hbm_bandwidth_bytes_per_s": rate}
    closed, event = (
        hwsim.simulate(graph, CHIP, mapping, interval=False, fidelity=f).part("cycles", component="attention") for f in ("analytic", "event")
    )
    assert closed * (1 - 1e-12) <= event <= closed * (1 + 1e-9)


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 1024), st.sampled_from(["released_block_mask", "lambda", "none"]), RATES)
def test_prefill_attention_bounds_the_queues(prompt: int, mask: str, rate: float) -> None:
    graph = hwsim.load_graph("gpt2-345m", phase="prefill", prompt=prompt, layers=1)
    mapping = {"hbm_bandwidth_bytes_per_s": rate, "attention_mask": mask}
    closed, event = (
        hwsim.simulate(graph, CHIP, mapping, interval=False, fidelity=f).part("cycles", component="attention") for f in ("analytic", "event")
    )
    assert closed * (1 - 1e-12) <= event <= closed * 1.03


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([1, 2, 7, 31, 64, 200]), SIZES, SIZES, FUSED, st.integers(1, 3), st.integers(1, 3))
def test_more_work_never_takes_less_time(m: int, k: int, n: int, fuse: str, deeper: int, wider: int) -> None:
    base = product(m, k, n, fuse=fuse)
    more = product(m, k, n * wider, fuse=fuse)
    assert more.cycles >= base.cycles and more.energy_j >= base.energy_j
    assume(k % 2048 == 0 or deeper == 1)  # remainders of k stall the two-tile buffer: only whole pieces compare
    assert product(m, k * deeper, n, fuse=fuse).cycles >= base.cycles * (1 - 1e-12)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([1, 5, 100]), SIZES, SIZES, FUSED,
    st.sampled_from(["hbm_channel_bytes_per_s", "hbm_stream_efficiency", "core_efficiency", "sfu_elements_per_cycle", "mv_n", "mm_m"]),
)  # fmt: skip
def test_a_faster_part_never_slows_the_whole(m: int, k: int, n: int, fuse: str, constant: str) -> None:
    factor = 1.05 if "efficiency" in constant else 2
    faster = CHIP.replace(**{constant: CHIP.number(constant) * factor, "dsp": 1e6, "lut": 1e9, "ff": 1e9})
    assert product(m, k, n, fuse=fuse, chip=faster).cycles <= product(m, k, n, fuse=fuse).cycles * (1 + 1e-12)


def test_columns_are_padded_to_a_group() -> None:
    whole, more = product(1, 4096, 512, REPLAY).cycles, product(1, 4096, 513, REPLAY).cycles
    assert more > 1.5 * whole
    assert product(1, 4096, 1024, REPLAY).cycles == pytest.approx(more, rel=0.01)


def test_one_mac_array_peak() -> None:
    """A memory without limits leaves the products: N K / 1024 cycles a core over 3 x 0.8 cores."""
    report = product(1, 4096, 4096, {**REPLAY, "hbm_bandwidth_bytes_per_s": 1e16})
    assert report.cycles == pytest.approx(4096 * 4096 / 1024 / 2.4, rel=0.001)


def test_without_overlap_all_instructions_add_up() -> None:
    serial = product(1, 4096, 4096, {**REPLAY, "overlap": False}, "add")
    parts = serial.cost.by_component("cycles")
    assert serial.cycles == pytest.approx(sum(v for name, v in parts.items() if name != "exposed"))
    assert serial.cycles > product(1, 4096, 4096, REPLAY, "add").cycles


def test_sparse_weights_save_products_and_on_the_board_only_bytes_that_the_index_leaves() -> None:
    def moved(density: float, mapping: dict[str, Any]) -> tuple[float, float]:
        graph = single_op("matmul", dtype="int8", weight_dtype="int4", m=1, k=4096, n=4096, weight_density=density)
        cost = hwsim.simulate(graph, CHIP, mapping, interval=False).cost
        return cost.by_component("cycles")["compute"], sum(cost.bytes_by_level().values())

    dense, replay, board, quarter = moved(1.0, {}), moved(0.7, REPLAY), moved(0.7, {}), moved(0.25, {})
    assert replay[1] == pytest.approx(0.7 * dense[1], rel=0.01)
    assert board[1] == dense[1]  # 0.7 x (4 + 4) bits exceed 4: stored dense
    assert quarter[1] == pytest.approx(0.5 * dense[1], rel=0.05)
    assert (board[0], quarter[0]) == pytest.approx((0.7 * dense[0], 0.25 * dense[0]))


def test_idle_lanes_and_shared_bandwidth_scale_with_cores() -> None:
    one, three = (product(1, 4096, 4096, {**REPLAY, "cores": cores}).cycles for cores in (1, 3))
    assert one == pytest.approx(3 * three)
