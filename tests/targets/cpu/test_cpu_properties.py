"""Laws that hold whatever the sizes: more work never takes less time, faster parts and more threads never make it slower, both engines agree."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim import api
from hwsim.core.chip import Chip
from hwsim.core.graph import single_op
from hwsim.core.report import Report

SIZES = st.integers(1, 4000)
DTYPES = st.sampled_from(["fp32", "fp16", "bf16", "int8", "fp64"])
FASTER = [
    "big_clock_hz", "big_fp32_macs_per_cycle", "big_int8_macs_per_cycle", "big_load_bytes_per_cycle", "big_l1_bytes", "shared_cache_bytes",
    "shared_bytes_per_cycle", "big_stream_bytes_per_s", "dram_bytes_per_s",
]  # fmt: skip
MAPPINGS: list[dict[str, Any]] = [{}, {"threads": 1}, {"runtime": "framework"}, {"caches": "cold", "runtime": "compiled"}]
QUICK = settings(max_examples=60, deadline=None)


def run(kind: str, chip: Chip, mapping: dict[str, Any] | None = None, **bounds: Any) -> Report:
    return api.simulate(single_op(kind, **bounds), chip, mapping or {}, interval=False)


@QUICK
@given(
    m=SIZES, k=SIZES, n=SIZES, dtype=DTYPES, more=st.integers(1, 900), which=st.sampled_from("mkn"), mapping=st.sampled_from(MAPPINGS),
    density=st.sampled_from([1.0, 0.2]),
)  # fmt: skip
def test_a_larger_product_never_takes_less(
    board: Chip, m: int, k: int, n: int, dtype: str, more: int, which: str, mapping: dict[str, Any], density: float
) -> None:
    form = {"dtype": dtype, "weight_density": 1.0 if dtype == "int8" else density}
    small = {"m": m, "k": k, "n": n}
    less, greater = run("matmul", board, mapping, **small, **form), run("matmul", board, mapping, **{**small, which: small[which] + more}, **form)
    assert less.latency_s <= greater.latency_s * (1 + 1e-12)
    assert less.energy_j <= greater.energy_j * (1 + 1e-12)


@QUICK
@given(
    c=st.integers(1, 200), h=st.integers(3, 60), k=st.integers(1, 200), r=st.sampled_from([1, 3]), more=st.integers(1, 40),
    which=st.sampled_from("chk"), dtype=DTYPES,
)  # fmt: skip
def test_a_larger_convolution_never_takes_less_time(phone: Chip, c: int, h: int, k: int, r: int, more: int, which: str, dtype: str) -> None:
    small = {"c": c, "h": h, "k": k}
    large = {**small, which: small[which] + more}

    def seconds(sizes: dict[str, int]) -> float:
        return run("conv2d", phone, n=1, w=sizes["h"], r=r, s=r, pad=r // 2, dtype=dtype, **sizes).latency_s

    assert seconds(small) <= seconds(large) * (1 + 1e-12)


@QUICK
@given(c=st.integers(2, 300), h=st.integers(3, 90), more=st.integers(1, 60), wider=st.booleans(), dtype=DTYPES, threads=st.integers(1, 4))
def test_a_larger_depthwise_convolution_never_takes_less_time(
    board: Chip, c: int, h: int, more: int, wider: bool, dtype: str, threads: int
) -> None:
    def seconds(c: int, h: int) -> float:
        sizes = {"n": 1, "c": c, "h": h, "w": h, "k": c, "groups": c, "r": 3, "s": 3, "pad": 1}
        return run("conv2d", board, {"threads": threads}, dtype=dtype, **sizes).latency_s

    assert seconds(c, h) <= seconds(c + more * wider, h + more * (not wider)) * (1 + 1e-12)


@QUICK
@given(kind=st.sampled_from(["softmax", "norm", "elementwise"]), rows=SIZES, cols=SIZES, more=SIZES, mapping=st.sampled_from(MAPPINGS))
def test_more_elements_never_take_less_time(board: Chip, kind: str, rows: int, cols: int, more: int, mapping: dict[str, Any]) -> None:
    assert run(kind, board, mapping, rows=rows, cols=cols).latency_s <= run(kind, board, mapping, rows=rows + more, cols=cols).latency_s


@QUICK
@given(kv=st.integers(1, 3000), more=st.integers(1, 900), q=st.integers(1, 40), kv_heads=st.sampled_from([1, 2, 8]), causal=st.booleans())
def test_a_longer_attention_never_takes_less_time(phone: Chip, kv: int, more: int, q: int, kv_heads: int, causal: bool) -> None:
    sizes = {"heads": 8, "kv_heads": kv_heads, "head_dim": 64, "q": min(q, kv), "causal": int(causal)}
    assert run("attention", phone, kv=kv, **sizes).latency_s <= run("attention", phone, kv=kv + more, **sizes).latency_s * (1 + 1e-12)


@QUICK
@given(steps=st.integers(1, 60), hidden=st.integers(1, 600), more=st.integers(1, 200), wider=st.booleans())
def test_a_longer_recurrence_never_takes_less_time(board: Chip, steps: int, hidden: int, more: int, wider: bool) -> None:
    def seconds(steps: int, hidden: int) -> float:
        return run("lstm", board, input_size=64, hidden_size=hidden, steps=steps).latency_s

    assert seconds(steps, hidden) <= seconds(steps + more * (not wider), hidden + more * wider) * (1 + 1e-12)


@QUICK
@given(m=SIZES, k=SIZES, n=SIZES, dtype=DTYPES, factor=st.floats(1, 8), name=st.sampled_from(FASTER))
def test_a_faster_part_never_makes_a_product_slower(board: Chip, m: int, k: int, n: int, dtype: str, factor: float, name: str) -> None:
    better = board.replace(**{name: board.number(name) * factor})
    sizes = {"m": m, "k": k, "n": n, "dtype": dtype}
    assert run("matmul", better, **sizes).latency_s <= run("matmul", board, **sizes).latency_s * (1 + 1e-12)


@QUICK
@given(m=SIZES, k=SIZES, n=SIZES, dtype=DTYPES, threads=st.integers(1, 7), cores=st.sampled_from(["all", "big", "little"]))
def test_more_threads_cost_a_fork_at_most(phone: Chip, m: int, k: int, n: int, dtype: str, threads: int, cores: str) -> None:
    have = {"all": 8, "big": 3, "little": 4}[cores]
    fewer, more = (
        run("matmul", phone, {"cores": cores, "threads": t}, m=m, k=k, n=n, dtype=dtype) for t in (min(threads, have - 1), min(threads, have - 1) + 1)
    )
    fork = phone.number("fork_s") if fewer.cost.program.figures["threads"] == 1 else 0.0
    assert more.latency_s <= (fewer.latency_s + fork) * (1 + 1e-12)


def test_threads_speed_up_large_products_and_slow_down_tiny_ones(phone: Chip) -> None:
    def seconds(size: int, threads: int) -> float:
        return run("matmul", phone, {"cores": "all", "threads": threads}, m=size, k=size, n=size, dtype="fp32").latency_s

    large = [seconds(1500, t) for t in range(1, 9)]
    assert large == sorted(large, reverse=True)
    assert 4.5 < large[0] / large[-1] < (45.44 + 116.16 + 57.6) / 45.44
    assert seconds(8, 2) > seconds(8, 1)  # waking a thread takes longer than the product


@settings(max_examples=20, deadline=None)
@given(m=SIZES, k=SIZES, n=SIZES, dtype=DTYPES, mapping=st.sampled_from(MAPPINGS))
def test_both_engines_agree(board: Chip, m: int, k: int, n: int, dtype: str, mapping: dict[str, Any]) -> None:
    graph = single_op("matmul", m=m, k=k, n=n, dtype=dtype)
    analytic = api.simulate(graph, board, mapping, interval=False)  # making the cost checks its laws
    event = api.simulate(graph, board, mapping, interval=False, fidelity="event")
    assert event.cycles == pytest.approx(analytic.cycles, rel=1e-9)
    assert analytic.cost.utilisation()["arithmetic"] <= 1


@pytest.mark.parametrize(("trace", "options"), [
    ("mobilenet-v2", {"dtype": "fp32"}), ("femtodet", {}), ("kws-lstm", {}), ("qwen2-0.5b", {"phase": "decode", "context": 300}),
    ("qwen2-0.5b", {"phase": "generate", "prompt": 20, "generate": 9}), ("bert-base", {"dtype": "int8"}),
])  # fmt: skip
def test_both_engines_agree_on_networks_and_parts_add_up(phone: Chip, trace: str, options: dict[str, Any]) -> None:
    graph = api.load_graph(trace, **options)
    analytic = api.simulate(graph, phone, {"cores": "all"}, interval=False)
    event = api.simulate(graph, phone, {"cores": "all"}, interval=False, fidelity="event")
    assert event.cycles == pytest.approx(analytic.cycles, rel=1e-9)
    assert sum(analytic.breakdown()["energy_j"].values()) == pytest.approx(analytic.energy_j)


@QUICK
@given(scale=st.floats(0.3, 1.0), threads=st.integers(1, 4))
def test_a_slower_clock_takes_longer_and_less_power(board: Chip, scale: float, threads: int) -> None:
    graph, mapping = api.load_graph("mobilenet-v1", dtype="fp32"), {"threads": threads}
    full = api.simulate(graph, board, mapping, interval=False)
    slow = api.simulate(graph, board.replace(big_clock_hz=scale * 1.5e9), mapping, interval=False)
    assert slow.latency_s >= full.latency_s
    assert slow.power_w <= full.power_w
