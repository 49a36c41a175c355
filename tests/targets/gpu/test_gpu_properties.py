"""Laws that hold whatever the sizes: more work never takes less time, more bandwidth never makes it slower, the two engines agree."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from hwsim import api
from hwsim.core.chip import Chip
from hwsim.core.graph import Graph, single_op

SIZES = st.integers(1, 20000)
PARTS = ["dram_bytes_per_s", "l2_bytes_per_s", "tensor16_macs_per_cycle"]
MAPPINGS: list[dict[str, Any]] = [{}, {"system": "sglang"}, {"system": "vllm", "devices": 8}, {"system": "sglang", "devices": 16, "nodes": 2}]
REQUESTS: list[dict[str, Any]] = [
    {"phase": "prefill", "prompt": 300},
    {"phase": "decode", "context": 300},
    {"phase": "generate", "prompt": 64, "generate": 40},
]
QUICK = settings(max_examples=60, deadline=None)


@pytest.fixture(scope="module")
def chip() -> Chip:
    return api.load_chip("a100")


def seconds(kind: str, chip: Chip, mapping: dict[str, Any] | None = None, **bounds: Any) -> float:
    return api.simulate(single_op(kind, **bounds), chip, mapping or {}, interval=False).latency_s


@QUICK
@given(m=SIZES, k=SIZES, n=SIZES, more=st.integers(1, 3000), which=st.sampled_from(["m", "k", "n"]))
def test_a_larger_product_never_takes_less_time(chip: Chip, m: int, k: int, n: int, more: int, which: str) -> None:
    small = {"m": m, "k": k, "n": n}
    assert seconds("matmul", chip, **small) <= seconds("matmul", chip, **{**small, which: small[which] + more}) * (1 + 1e-12)


@QUICK
@given(batch=st.integers(1, 64), kv=st.integers(1, 20000), more=st.integers(1, 2000), split=st.booleans(), which=st.sampled_from(["batch", "kv"]))
def test_more_cache_never_takes_less_time(chip: Chip, batch: int, kv: int, more: int, split: bool, which: str) -> None:
    small = {"batch": batch, "kv": kv, "heads": 32, "kv_heads": 8, "head_dim": 128, "q": 1}
    large = {**small, which: small[which] + more}
    assume(large["batch"] * large["kv"] * 2 * 8 * 128 * 2 < 0.9 * chip.number("dram_bytes"))  # K and V in fp16 fit in memory
    mapping = {"split_kv": split}
    assert seconds("attention", chip, mapping, **small) <= seconds("attention", chip, mapping, **large) * (1 + 1e-12)


@QUICK
@given(kind=st.sampled_from(["softmax", "norm", "elementwise"]), rows=SIZES, cols=SIZES, more=SIZES, eager=st.booleans())
def test_more_elements_never_take_less_time(chip: Chip, kind: str, rows: int, cols: int, more: int, eager: bool) -> None:
    mapping = {"dispatch": "eager"} if eager else {}
    assert seconds(kind, chip, mapping, rows=rows, cols=cols) <= seconds(kind, chip, mapping, rows=rows + more, cols=cols) * (1 + 1e-12)


@QUICK
@given(m=SIZES, k=SIZES, n=SIZES, factor=st.floats(1.0, 10.0), name=st.sampled_from(PARTS))
def test_a_faster_part_never_makes_a_product_slower(chip: Chip, m: int, k: int, n: int, factor: float, name: str) -> None:
    better = chip.replace(**{name: chip.number(name) * factor})
    assert seconds("matmul", better, m=m, k=k, n=n) <= seconds("matmul", chip, m=m, k=k, n=n) * (1 + 1e-12)


@QUICK
@given(elements=st.integers(1, 10**9), more=st.integers(1, 10**8), devices=st.integers(2, 16), algorithm=st.sampled_from(["ring", "one_shot"]))
def test_a_larger_all_reduce_never_takes_less_time(chip: Chip, elements: int, more: int, devices: int, algorithm: str) -> None:
    mapping = {"devices": devices, "algorithm": algorithm}
    assert seconds("allreduce", chip, mapping, elements=elements) < seconds("allreduce", chip, mapping, elements=elements + more)


@settings(max_examples=20, deadline=None)
@given(m=SIZES, k=SIZES, n=SIZES, dtype=st.sampled_from(["fp16", "bf16", "int8", "fp32"]), eager=st.booleans(), devices=st.integers(1, 8))
def test_products_obey_the_cost_laws_and_both_engines_agree(chip: Chip, m: int, k: int, n: int, dtype: str, eager: bool, devices: int) -> None:
    graph = single_op("matmul", m=m, k=k, n=n, dtype=dtype)
    mapping = {"dispatch": "eager" if eager else "kernel", "devices": devices}
    analytic = api.simulate(graph, chip, mapping, interval=False)  # making the cost checks its laws
    event = api.simulate(graph, chip, mapping, interval=False, fidelity="event")
    assert event.cycles == pytest.approx(analytic.cycles, rel=1e-9)
    assert analytic.cost.utilisation()["arithmetic"] <= 1


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("request_", REQUESTS)
def test_both_engines_agree_on_a_model(chip: Chip, mapping: dict[str, Any], request_: dict[str, Any]) -> None:
    graph: Graph = api.load_graph("llama3-8b", **request_)
    analytic = api.simulate(graph, chip, mapping, interval=False)
    event = api.simulate(graph, chip, mapping, interval=False, fidelity="event")
    assert event.cycles == pytest.approx(analytic.cycles, rel=1e-9)
    assert analytic.interval == {}
