"""Edge-MoE: its loops against closed forms, every technique on and off, limits of its units."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hwsim
from hwsim.core.errors import Infeasible, InvalidMapping, InvalidTrace, UnsupportedOp
from hwsim.core.graph import Graph, single_op
from hwsim.core.report import Report
from hwsim.core.target import load_target
from hwsim.targets.fpga.edge_moe.encode import TECHNIQUES
from hwsim.targets.fpga.edge_moe.price import attention_pass_cycles, attention_steps, unified_linear_cycles

OFF = {name: off for name, (_, off, _) in TECHNIQUES.items()}
SIZES = st.integers(1, 400)


def network(**options: Any) -> Graph:
    return hwsim.load_graph("m3vit-tiny", **{"dtype": "fx32", "weight_dtype": "int16", **options})


def run(mapping: dict[str, Any] | None = None, graph: Graph | None = None, **constants: float) -> Report:
    chip = hwsim.load_chip("zcu102+edge_moe").replace(**constants)
    return hwsim.simulate(network() if graph is None else graph, chip, mapping or {}, interval=False)


def primitive(name: str, **arguments: Any) -> dict[str, float]:
    return dict(load_target("fpga").primitives[name](hwsim.load_chip("zcu102"), arguments, {"design": "edge_moe"}))


def product(m: int = 129, k: int = 192, n: int = 192, **bounds: int) -> Graph:
    return single_op("matmul", m=m, k=k, n=n, dtype="fx32", weight_dtype="int16", **bounds)


def test_attention_pass_is_the_published_loop() -> None:
    assert primitive("attention_pass", tokens=129, dim=192)["cycles"] == 33 * 129 * 24
    assert primitive("attention_pass", tokens=129, dim=192, beat_cycles=2)["cycles"] == 2 * 33 * 129 * 24
    assert primitive("attention_pass", tokens=100, dim=100, parallel_queries=1, lanes=8)["cycles"] == 100 * 100 * 13
    assert primitive("attention_pass", tokens=129, dim=192)["count"] == 33 * 129 + 129  # keys streamed and queries loaded


def test_reordering_streams_each_key_once_per_group_of_queries() -> None:
    assert attention_steps(128.0, 128.0, 4.0) == (128 / 4 + 1) * 128  # N^2 / p and the skew
    assert attention_steps(128.0, 128.0, 1.0) == 128 * 128


def test_naive_attention_loads_every_key_for_every_query() -> None:
    naive = load_target("fpga").primitives["attention_pass"](
        hwsim.load_chip("zcu102"), {"tokens": 129, "dim": 192, "parallel_queries": 1}, {"design": "edge_moe", "attention": "naive"}
    )
    assert naive == {"cycles": 129 * 129 * 24, "count": 129 * 129 + 129}
    assert primitive("attention_pass", tokens=129, dim=192)["count"] < naive["count"] / 3


def test_linear_takes_products_or_stream_whichever_is_longer() -> None:
    assert primitive("unified_linear", tokens=129, in_dim=192, out_dim=192, beat_cycles=2)["cycles"] == 129 * 12 * 12
    assert primitive("unified_linear", tokens=10, in_dim=192, out_dim=16, beat_cycles=2)["cycles"] == 10 * 24 * 2  # its input streams longer
    assert primitive("unified_linear", tokens=10, in_dim=16, out_dim=800, beat_cycles=2)["cycles"] == 10 * 100 * 2  # its output


def test_weight_load_counts_beats() -> None:
    assert primitive("weight_load", weights=147456, weight_bits=16, beat_bits=256, beat_cycles=1)["cycles"] == 9216
    assert primitive("weight_load", weights=17, weight_bits=16, beat_bits=256, beat_cycles=2)["cycles"] == 4


def test_linear_operator_is_its_closed_form() -> None:
    report = run(graph=product(), ddr_refresh_s=0)
    assert report.cycles == 129 * 12 * 12 + 192 * 12 * 2  # products, and the weights before them: 16 a beat of two cycles


def test_refresh_delays_what_a_port_bounds() -> None:
    attention = single_op("attention", heads=3, q=129, kv=129, head_dim=64, dtype="fx32", operand_role="activation")
    still = run(graph=attention, ddr_refresh_s=0)
    assert still.cycles == 2 * 2 * 33 * 129 * 24  # two products, beats of two cycles
    assert run(graph=attention).cycles == pytest.approx(still.cycles / (1 - 350e-9 / 7.8e-6))


def test_a_port_as_wide_as_a_beat_halves_the_stream() -> None:
    attention = single_op("attention", heads=3, q=129, kv=129, head_dim=64, dtype="fx32", operand_role="activation")
    narrow, wide = run(graph=attention, ddr_refresh_s=0), run({"port_bits": 256}, attention, ddr_refresh_s=0)
    assert wide.cycles == narrow.cycles / 2


def test_every_step_of_the_ablation_helps() -> None:
    seconds, options = [run(OFF).latency_s], dict(OFF)
    for name, (on, _, _) in TECHNIQUES.items():
        options[name] = on
        seconds.append(run(options).latency_s)
    assert all(later < 0.9 * before for before, later in itertools.pairwise(seconds))
    assert seconds[0] == pytest.approx(0.6503, rel=0.01)  # fitted
    assert seconds[-1] == pytest.approx(0.03464, rel=0.10)  # predicted; published on the board


@pytest.mark.parametrize("name", TECHNIQUES)
def test_every_technique_helps_alone(name: str) -> None:
    assert run({name: OFF[name]}).latency_s > 1.3 * run().latency_s
    alone = {n: off for n, off in OFF.items() if n != name}
    assert run(alone).latency_s < run(OFF).latency_s


def test_experts_load_once_each_or_once_per_token() -> None:
    bounds = {"batch": 10, "ragged": 200, "pool": 16}
    graph = product(m=40, k=192, n=384, **bounds)
    by_expert, by_token = run(graph=graph, ddr_refresh_s=0), run({"expert_order": "by_token"}, graph, ddr_refresh_s=0)
    load, each = 384 * 12 * 2, 12 * 24
    assert by_expert.cycles == max(10 * load, 200 * each) + 20 * each
    assert by_token.cycles == 200 * load + 200 * each


def test_gate_takes_its_initiation_interval() -> None:
    gate = network()
    report = run(graph=gate, ddr_refresh_s=0)
    at = next(i for i, op in enumerate(gate.ops) if op.label == "gate" and op.kind == "matmul")
    assert report.cost.values[report.cost.program.row_of[at], 1] == 129 * 16 * 3


def test_power_and_energy() -> None:
    report = run()
    assert report.power_w == pytest.approx(14.54, rel=0.02)  # fitted
    assert report.energy_j == pytest.approx(0.504, rel=0.15)


def test_shares_of_the_time() -> None:
    trace = {"trace": "m3vit-tiny", "dtype": "fx32", "weight_dtype": "int16"}
    attention, linear = (primitive("time_share", part=part, **trace)["utilisation"] for part in ("attention_multiplications", "linear_mlp_moe"))
    assert 0.44 < attention < 0.56 and 0.26 < linear < 0.44 and attention + linear < 1
    with pytest.raises(InvalidTrace, match="attention_multiplications"):
        primitive("time_share", part="mlp", **trace)
    with pytest.raises(InvalidTrace, match="describes Edge-MoE's parts"):
        load_target("fpga").primitives["time_share"](
            hwsim.load_chip("u280"), {"part": "linear_mlp_moe", "trace": "bert-base", "sequence": 64, "dtype": "int8"}, {"design": "spatial_llm"}
        )


def test_trace_macs_counts_the_graph() -> None:
    assert primitive("trace_macs", trace="m3vit-tiny", dtype="fx32", weight_dtype="int16")["count"] == network().macs


def test_resources_follow_the_units() -> None:
    found = primitive("design_resources")
    chip = hwsim.load_chip("zcu102+edge_moe")
    assert found["dsp"] == 256 * 2 + 2 * 4 * 8 * 4 + chip.number("fixed_dsp")
    with pytest.raises(Infeasible, match="LUT"):
        hwsim.simulate(network(), hwsim.load_chip("kv260"), {"design": "edge_moe"})


@pytest.mark.parametrize(
    ("graph", "message"),
    [
        (single_op("attention", heads=3, q=8, kv=8, head_dim=64, causal=1, dtype="fx32"), "no mask"),
        (single_op("matmul", m=8, k=8, n=8), "fixed point"),
        (single_op("matmul", m=8, k=8, n=8, batch=3, dtype="fx32"), "no gate chooses"),
        (single_op("conv2d", n=1, c=3, h=32, w=32, k=8, r=3, s=3, pad=1, dtype="int8"), "patch embeddings"),
        (single_op("lstm", input_size=4, hidden_size=4, dtype="fx32"), "no unit"),
    ],
)
def test_what_no_unit_runs_is_refused(graph: Graph, message: str) -> None:
    with pytest.raises(UnsupportedOp, match=message):
        run(graph=graph)


def test_an_option_of_another_design_is_refused() -> None:
    with pytest.raises(InvalidMapping, match="wp_mha"):
        run({"wp_mha": 16})


@settings(deadline=None, max_examples=50)
@given(tokens=SIZES, dim=SIZES, parallel=st.integers(1, 16))
def test_more_queries_at_once_never_take_longer_and_do_all_the_work(tokens: int, dim: int, parallel: int) -> None:
    cycles = attention_pass_cycles(tokens, tokens, dim, parallel, 8.0, 1.0)
    assert attention_pass_cycles(tokens, tokens, dim, 1.0, 8.0, 1.0) >= cycles or parallel > tokens
    assert cycles * parallel * 8 >= tokens * tokens * dim
    assert attention_pass_cycles(tokens + 1, tokens + 1, dim, parallel, 8.0, 1.0) > cycles


@settings(deadline=None, max_examples=50)
@given(tokens=SIZES, inputs=SIZES, outputs=SIZES)
def test_blocks_cover_all_weights(tokens: int, inputs: int, outputs: int) -> None:
    cycles = unified_linear_cycles(tokens, inputs, outputs, 16.0, 16.0)
    assert tokens * inputs * outputs <= cycles * 256 <= tokens * (inputs + 15) * (outputs + 15)
