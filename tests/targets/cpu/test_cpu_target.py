"""What runs, what is refused and why, what a runtime merges, and the primitives."""

from __future__ import annotations

from typing import Any

import pytest

import hwsim
from hwsim import api
from hwsim.core.chip import Chip
from hwsim.core.errors import HwsimError, Infeasible, InvalidChip, InvalidMapping, InvalidTrace, UnsupportedOp
from hwsim.core.graph import Graph, GraphBuilder, single_op
from hwsim.core.param import STATUSES
from hwsim.core.report import Report
from hwsim.core.target import load_target

RUNS: list[tuple[str, dict[str, Any]]] = [
    ("mobilenet-v1-1.0-224", {}), ("resnet50", {"dtype": "int8"}), ("vit-b16", {"dtype": "fp32"}), ("bert-base", {}), ("kws-lstm", {"dtype": "int8"}),
    ("ptb-lstm", {"dtype": "fp32"}), ("qwen2-0.5b", {"phase": "prefill", "prompt": 40}), ("densenet121", {"dtype": "fp32", "batch": 2}),
    ("qwen2-0.5b", {"phase": "decode", "context": 200, "weight_dtype": "q8_0"}), ("mlperf-tiny-kws", {"dtype": "int8"}),
]  # fmt: skip


def run(graph: Graph, chip: Chip, **mapping: Any) -> Report:
    return api.simulate(graph, chip, mapping, interval=False)


@pytest.mark.parametrize("name", ["snapdragon-865", "raspberry-pi-4"])
@pytest.mark.parametrize(("trace", "options"), RUNS)
def test_networks_of_every_kind_run(name: str, trace: str, options: dict[str, Any]) -> None:
    report = run(hwsim.load_graph(trace, **options), api.load_chip(name))
    assert report.latency_s > 0
    assert 0 < report.cost.utilisation()["arithmetic"] <= 1
    assert report.cost.program.warnings == ()


@pytest.mark.parametrize("name", ["snapdragon-865", "raspberry-pi-4"])
def test_every_constant_has_a_source_and_uncertain_ones_a_range(name: str) -> None:
    for constant, param in api.load_chip(name).params.items():
        assert param.status in STATUSES
        if param.status in ("fitted", "assumed") and param.is_number:
            assert param.low is not None and param.high is not None, constant


def test_a_model_that_does_not_fit_is_refused_with_what_helps(board: Chip) -> None:
    model = hwsim.load_graph("llama3-8b", phase="decode", context=512)
    with pytest.raises(Infeasible, match=r"dram_bytes.*q4_0"):
        run(model, board)
    narrow = hwsim.load_graph("llama3-8b", phase="decode", context=512, weight_dtype="q4_0")
    report = run(narrow, board.replace(dram_bytes=8e9))
    assert report.cost.program.figures["memory_bytes"] < 8e9
    bytes_per_s = 5.5e9
    assert 0.5 * bytes_per_s / narrow.weight_bytes < report.metric("tokens_per_s") < bytes_per_s / narrow.weight_bytes


@pytest.mark.parametrize(
    ("mapping", "error", "message"),
    [
        ({"cores": "prime"}, InvalidMapping, "no prime cores; it has big"), ({"threads": 5}, Infeasible, "needs 5 cores, has 4"),
        ({"threads": 0}, InvalidMapping, "threads"), ({"runtime": "interpeter"}, InvalidMapping, "did you mean interpreter"),
    ],
)  # fmt: skip
def test_cores_that_are_not_there_are_refused(board: Chip, mapping: dict[str, Any], error: type[HwsimError], message: str) -> None:
    with pytest.raises(error, match=message):
        run(single_op("matmul", m=8, k=8, n=8), board, **mapping)


def test_a_supply_that_is_not_stated_is_refused(phone: Chip) -> None:
    with pytest.raises(InvalidMapping, match="supply_slope"):
        run(single_op("matmul", m=8, k=8, n=8), phone, power_scope="wall")
    with pytest.raises(InvalidMapping, match="supply_slope"):
        api.primitive("power", phone, {"load": "idle"}, {"power_scope": "wall"})


@pytest.mark.parametrize(
    ("kind", "fields", "reason"),
    [
        ("fft", {"points": 64}, "no kernel model"), ("matmul", {"m": 2, "k": 8, "n": 8, "dtype": "int16"}, "no int16 arithmetic"),
        ("matmul", {"m": 2, "k": 8, "n": 8, "dtype": "int8", "weight_density": 0.5}, "sparse"),
        ("matmul", {"m": 2, "k": 8, "n": 8, "dtype": "int8", "weight_dtype": "int4"}, "int4 weights with int8"),
        ("conv2d", {"n": 1, "c": 8, "h": 8, "w": 8, "k": 8, "r": 3, "s": 3, "dtype": "fp32", "weight_density": 0.5}, "sparse"),
        ("attention", {"heads": 1, "q": 1, "kv": 32, "head_dim": 32, "attrs": {"kv_dtype": "q8_0"}}, "q8_0 cache"),
        ("allreduce", {"elements": 64}, "no kernel model"), ("softmax", {"rows": 1, "cols": 8, "dtype": "int4"}, "packed int4"),
    ],
)  # fmt: skip
def test_what_has_no_kernel_is_refused(phone: Chip, kind: str, fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(UnsupportedOp, match=reason):
        run(single_op(kind, **fields), phone)


def test_a_chip_without_cores_or_half_a_cluster_is_refused(board: Chip, phone: Chip) -> None:
    for chip, message in (
        (board.replace(big_cores=0.0), "no cluster has cores"), (board.replace(prime_cores=1.0), "prime cores need prime_clock_hz"),
        (phone.replace(big_clock_hz=-1.0), "big_clock_hz must be positive"), (phone.replace(exposed=1.5), "exposed must be"),
    ):  # fmt: skip
        with pytest.raises(InvalidChip, match=message):
            load_target("cpu").check(chip)
    with pytest.raises(InvalidChip, match="no cluster has cores"):
        run(single_op("matmul", m=8, k=8, n=8), board.replace(big_cores=0.0))


def made(*, shared: bool) -> Graph:
    """A convolution, its norm and activation; read a second time before the activation where `shared`."""
    builder = GraphBuilder("fp32")
    x = builder.tensor("x", (1, 16, 20, 20), role="input")
    y = builder.op("conv2d", "conv", [x], n=1, c=16, h=20, w=20, k=16, r=3, s=3, pad=1)
    y = builder.op("elementwise", "norm", [y], function="batch_norm", rows=400, cols=16)
    z = builder.op("elementwise", "act", [y], function="relu", rows=400, cols=16)
    builder.op("elementwise", "add", [z, y if shared else x], function="add", rows=400, cols=16, operands=2)
    return builder.graph(trace="made")


def test_passes_of_one_operand_are_applied_before_a_result_is_stored(phone: Chip) -> None:
    graph = made(shared=False)
    compiled, called = run(graph, phone), run(graph, phone, runtime="framework")
    assert compiled.cost.bytes_by_level()["registers"] == 2 * 2 * 400 * 16 * 4  # norm and activation, read and written
    assert called.cost.bytes_by_level()["registers"] == 0
    dispatch = [r.cost.by_component("cycles")["dispatch"] / r.cost.program.clock_hz for r in (compiled, called)]
    assert dispatch == pytest.approx([2 * 3e-6, 4 * 30e-6])


def test_a_result_that_another_operator_reads_is_stored(phone: Chip) -> None:
    alone, shared = (run(made(shared=s), phone).cost.bytes_by_level()["registers"] for s in (False, True))
    assert shared == alone / 2  # the norm is folded, the activation of what two read is a pass of its own


def test_a_framework_calls_every_step_of_a_recurrence(board: Chip) -> None:
    graph = single_op("lstm", input_size=8, hidden_size=8, steps=50, dtype="fp32")
    inside, outside = (run(graph, board, runtime=r).cost.by_component("cycles")["dispatch"] / 1.5e9 for r in ("interpreter", "framework"))
    assert (inside, outside) == (pytest.approx(8e-6), pytest.approx(50 * 80e-6))


def test_weights_that_caches_hold_between_inferences_leave_dram_alone(board: Chip) -> None:
    small, large = single_op("matmul", m=1, k=400, n=400, dtype="fp32"), single_op("matmul", m=1, k=4000, n=4000, dtype="fp32")
    assert run(small, board).cost.bytes_by_level()["dram"] == 0
    assert run(small, board, caches="cold").cost.bytes_by_level()["dram"] == pytest.approx(small.ops[0].compulsory_bytes)
    assert run(large, board).cost.bytes_by_level()["dram"] > 0.9 * large.ops[0].compulsory_bytes


def test_a_decode_step_is_bound_by_memory_and_narrow_weights_help(phone: Chip) -> None:
    def seconds(weight_dtype: str | None, **mapping: Any) -> float:
        graph = hwsim.load_graph("qwen2-0.5b", phase="decode", context=100, weight_dtype=weight_dtype)
        return run(graph, phone, **mapping).latency_s

    wide = hwsim.load_graph("qwen2-0.5b", phase="decode", context=100)
    assert seconds(None) > wide.weight_bytes / 15e9  # one core's misses in flight
    assert seconds(None, cores="all") > wide.weight_bytes / 26e9
    assert seconds("q4_0") < 0.6 * seconds(None)


def test_sparse_weights_save_less_than_their_share(board: Chip) -> None:
    def report(density: float) -> Report:
        return run(single_op("matmul", m=1, k=4000, n=4000, dtype="fp32", weight_density=density), board)

    dense, sparse = report(1.0), report(0.03)
    assert 1 < dense.latency_s / sparse.latency_s < 1 / 0.03
    assert "gathered" in " ".join(sparse.cost.program.assumptions)


def test_power_scopes_differ_by_idle_and_supply(board: Chip) -> None:
    graph = hwsim.load_graph("resnet18", dtype="fp32")
    whole, above, wall = (run(graph, board, power_scope=s) for s in ("board", "above_idle", "wall"))
    assert whole.latency_s == above.latency_s == wall.latency_s
    assert whole.power_w - above.power_w == pytest.approx(2.25)
    assert wall.power_w == pytest.approx(0.52 + 1.1 * whole.power_w)


def test_mapping_is_printed_back_with_what_was_chosen(phone: Chip) -> None:
    program = run(single_op("matmul", m=8, k=8, n=8), phone).cost.program
    assert (program.mapping["cores"], program.mapping["threads"], program.clock_hz) == ("prime", 1, 2.84e9)
    program = run(single_op("matmul", m=8, k=8, n=8), phone, cores="little", threads=2).cost.program
    assert (program.mapping["cores"], program.mapping["threads"], program.clock_hz) == ("little", 2, 1.8e9)
    assert not any(name.startswith(("prime_clock", "big_active")) for name in program.used_params)


def test_primitives_give_figures(board: Chip, phone: Chip) -> None:
    assert api.primitive("peak", board, {"dtype": "fp64"})["tops"] == pytest.approx(0.024)
    assert api.primitive("peak", phone, {"dtype": "fp16"}, {"cores": "big"})["tops"] == pytest.approx(2 * 3 * 16 * 2.42e-3)
    assert api.primitive("stream", board, {"kernel": "copy"})["bandwidth_bytes_per_s"] == 5.5e9
    assert api.primitive("stream", board, {"kernel": "copy"}, {"threads": 1})["bandwidth_bytes_per_s"] == 4e9
    assert api.primitive("memory_read", phone, {"bytes": 26e9}, {"cores": "all"})["latency_s"] == pytest.approx(1)
    assert api.primitive("call", board, {}, {"threads": 1, "runtime": "framework"})["latency_s"] == pytest.approx(80e-6)
    assert api.primitive("call", board, {})["latency_s"] == pytest.approx(18e-6)
    assert api.primitive("power", board, {"load": "vector"}, {"power_scope": "above_idle"})["power_w"] == pytest.approx(3.0, rel=0.02)
    with pytest.raises(InvalidTrace, match="stream_triad_bytes_per_s"):
        api.primitive("stream", phone, {"kernel": "triad"})
    with pytest.raises(InvalidTrace, match="did you mean triad"):
        api.primitive("stream", board, {"kernel": "triadd"})
