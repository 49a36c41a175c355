"""The two workload modes, the statements of the WaferLLM paper, and what bad input is told."""

from __future__ import annotations

import math

import pytest
from wafer_helpers import chip, decode, prefill, product

import hwsim
from hwsim.core.errors import InvalidChip, InvalidMapping, InvalidTrace, MissingParameter, UnsupportedOp
from hwsim.core.graph import GraphBuilder
from hwsim.targets.wafer_mesh.encode import encode

PAPER = {"workload_mode": "paper_faithful"}


def weights(mode: bool) -> float:
    """MACs of one layer's products with weights, per token, of LLaMA3-8B."""
    table = encode(hwsim.load_graph("llama3-8b", phase="decode", context=4096), mode)
    rows = table.rows
    layer = (rows["kind"] == 1) & (rows["n"] < 100_000)
    return float((rows["m"] * rows["k"] * rows["n"] * layer) @ table.counts) / 32


def test_grouped_queries_cut_a_tenth_of_the_projections():
    assert weights(True) == pytest.approx(243e6, rel=0.005) and weights(False) == pytest.approx(218e6, rel=0.005)


def test_paper_faithful_leaves_out_and_says_so():
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=4096)
    paper, exact = (encode(graph, mode) for mode in (True, False))
    assert {"embedding", "head"} <= set(paper.left_out) and exact.left_out == ()
    left = [op.label for op, row in zip(graph.ops, paper.row_of, strict=True) if row < 0]
    assert sorted(left) == ["embedding", "head", "norm"] and min(exact.row_of) >= 0
    text = " ".join(decode(grid=(420, 420), **PAPER).cost.program.assumptions)
    assert "left out" in text and "embedding, head" in text and "K and V as wide as Q" in text
    other = " ".join(decode(grid=(420, 420)).cost.program.assumptions)
    assert "left out" not in other and "causal mask saves energy" in other


def test_a_forced_product_says_what_it_does_not_reach():
    summa, own = (prefill(prompt=512, grid=(360, 360), **a) for a in ({"algorithm": "summa"}, {}))
    assert "the two inside attention keep GEMM-T and MeshGEMM" in " ".join(summa.cost.program.assumptions)
    assert "inside attention" not in " ".join(own.cost.program.assumptions)
    assert summa.part("cycles", component="attention") == own.part("cycles", component="attention")
    assert summa.part("cycles", component="o") > own.part("cycles", component="o")


def test_paper_faithful_is_one_layer_times_the_layers():
    def cycles(layers: int) -> float:
        graph = hwsim.load_graph("llama3-8b", phase="decode", context=4096, layers=layers)
        return hwsim.simulate(graph, chip(), {"grid": (420, 420), **PAPER}, interval=False).cycles

    assert cycles(32) == pytest.approx(32 * cycles(1))


def test_paper_faithful_has_ten_allreduces_and_nine_products_a_layer():
    """Every allreduce pays at least the distance out and back along the column, 3/2 P with the root in the middle."""
    report = decode(grid=(420, 420), **PAPER)
    allreduce = report.cost.by_component("cycles")["allreduce"] / 32
    assert 10 * 420 < allreduce < 10 * 3 * 420
    d, n, f = 10, 10, 35
    number = chip().number
    calls, macs = 7 * d + n + f, 4 * d * d + 2 * d * n + 3 * d * f
    assert report.cost.by_component("cycles")["multiply"] / 32 == pytest.approx(
        calls * number("fmac_call_cycles") + macs * number("fmac_cycles_per_mac")
    )


def test_padding_to_the_grid_costs_time():
    """4096 is a multiple of 512, not of 510: fewer cores, and yet more rows in each."""
    assert math.ceil(4096 / 510) > 4096 / 512
    assert prefill(prompt=4096, grid=(510, 510), **PAPER).cycles > prefill(prompt=4096, grid=(512, 512), **PAPER).cycles * 1.02


def test_meshgemm_beats_summa_and_cannon_as_published(record_property):
    """Published: 2 to 3 times, GEMM 2K on 720 x 720."""
    mesh, summa, cannon = (product(2048, 2048, 2048, algorithm=a, grid=(720, 720)).cycles for a in ("meshgemm", "summa", "cannon"))
    record_property("GEMM 2K on 720 x 720", f"SUMMA {summa / mesh:.2f}x, Cannon {cannon / mesh:.2f}x MeshGEMM")
    assert 1.8 < summa / mesh < 4.5 and 1.8 < cannon / mesh < 4.5


def test_more_cores_slow_summa_and_cannon_but_not_meshgemm():
    at = {a: [product(2048, 2048, 2048, algorithm=a, grid=(p, p)).cycles for p in (360, 720)] for a in ("meshgemm", "summa", "cannon")}
    assert at["summa"][1] > 1.2 * at["summa"][0] and at["cannon"][1] > 1.2 * at["cannon"][0]
    assert at["meshgemm"][1] == pytest.approx(at["meshgemm"][0], rel=0.2)


def test_large_products_gain_from_more_cores():
    for algorithm in ("meshgemm", "summa", "cannon"):
        few, many = (product(8192, 8192, 8192, algorithm=algorithm, grid=(p, p)).cycles for p in (360, 720))
        assert many < few


@pytest.mark.parametrize("size", [8192, 16384])
@pytest.mark.parametrize("p", [360, 480, 600, 720])
def test_gemv_ring_is_slower_than_pipeline_is_slower_than_the_tree(size, p):
    ring, pipeline, tree = (product(1, size, size, algorithm=a, grid=(p, p)).cycles for a in ("gemv_ring", "gemv_pipeline", "meshgemv"))
    assert ring > pipeline > 2 * tree


def test_gemv_baseline_turns_before_meshgemv():
    sides = range(240, 721, 60)

    def turn(algorithm: str) -> int:
        return min(sides, key=lambda p: product(1, 16384, 16384, algorithm=algorithm, grid=(p, p)).cycles)

    assert 240 < turn("gemv_pipeline") < turn("meshgemv")


@pytest.mark.parametrize(("run", "sides"), [(decode, (420, 540, 660)), (prefill, (480, 600, 720))])
@pytest.mark.parametrize("trace", ["llama3-8b", "qwen2-72b"])
def test_waferllm_beats_t10_beats_ladder(run, sides, trace):
    for p in sides:
        wafer, t10, ladder = (run(trace=trace, system=s, grid=(p, p), **PAPER).cycles for s in ("waferllm", "t10", "ladder"))
        assert ladder > 1.2 * t10 > 1.2 * 3 * wafer


def test_larger_grids_slow_decode():
    cycles = [decode(grid=(p, p), **PAPER).cycles for p in (420, 480, 540, 600, 660, 720)]
    assert cycles == sorted(cycles)


@pytest.mark.parametrize(("trace", "published"), [("llama3-8b", 1.36), ("qwen2-72b", 1.59)])
def test_larger_grids_speed_up_prefill(trace, published):
    small, large = (prefill(trace=trace, grid=(p, p), **PAPER).cycles for p in (480, 720))
    assert 1.3 < small / large < 1.7
    assert small / large == pytest.approx(published, rel=0.05)


def mixed():
    """A convolution, a product and a recurrent layer."""
    builder = GraphBuilder()
    x = builder.tensor("x", (1, 3, 8, 8), role="input")
    y = builder.op("conv2d", "conv", [x], n=1, c=3, h=8, w=8, k=4, r=3, s=3)
    builder.op("matmul", "fc", [y], m=1, k=144, n=10)
    steps = builder.tensor("steps", (1, 1, 16), role="input")
    builder.op("lstm", "rnn", [steps], input_size=16, hidden_size=8)
    return builder.graph(trace="mixed")


def test_unsupported_operators_are_named_all_at_once():
    with pytest.raises(UnsupportedOp) as raised:
        hwsim.simulate(mixed(), chip())
    assert [name.split(";")[0] for name in raised.value.ops] == ["conv (conv2d: no kernel model", "rnn (lstm: no kernel model"]
    assert "no model for 2 operator(s)" in str(raised.value) and "--allow-unmodelled" in str(raised.value)


def test_a_lower_bound_lists_what_it_skips_with_its_share():
    graph = mixed()
    report = hwsim.simulate(graph, chip(), {"grid": (8, 8)}, allow_unmodelled=True, interval=False)
    program = report.cost.program
    conv, rnn = program.warnings
    assert program.lower_bound and report.to_dict()["lower_bound"] is True
    assert conv.startswith("not modelled, priced at nothing: conv (conv2d") and f"{graph.ops[0].macs / graph.macs:.1%} of the MACs" in conv
    assert "rnn (lstm" in rnn
    assert [row >= 0 for row in program.row_of] == [False, True, False]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"gird": (9, 9)}, "has no mapping option 'gird' (did you mean grid?)"),
        ({"grid": (0, 9)}, "mapping option grid"),
        ({"grid": "9x"}, "mapping option grid"),
        ({"grid": (9, 9, 9)}, "mapping option grid"),
        ({"algorithm": "meshgem"}, "got 'meshgem'"),
        ({"groups": 0}, "mapping option groups"),
        ({"clock_hz": -1}, "mapping option clock_hz"),
        ({"energy_mode": "free"}, "got 'free'"),
    ],
)
def test_bad_mapping_options(mapping, message):
    with pytest.raises(InvalidMapping) as raised:
        product(64, 64, 64, **mapping)
    assert message in str(raised.value)


def test_a_grid_may_be_written_in_several_ways():
    for text in (16, "16", "16x16", "16,16", [16, 16], (16, 16)):
        assert product(64, 64, 64, grid=text).cost.program.mapping["grid"] == (16, 16)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"hop_cycles": 0}, "hop_cycles must be positive, got 0"),
        ({"fp16_mac_per_cycle": 1}, "fmac_cycles_per_mac is faster than fp16_mac_per_cycle allows"),
        ({"core_area_mm2": 1.0}, "cores_marketed x core_area_mm2 exceeds die_area_mm2"),
        ({"reserved_bytes_per_core": 50_000}, "reserved_bytes_per_core leaves no memory"),
        ({"hop_cycles": 0, "colours": 2.5}, "hop_cycles must be positive, got 0; colours must be a whole number, got 2.5"),
        ({"cores_marketed": 1000}, "grid_usable 750 x 994 holds more cores than cores_marketed 1,000"),
        ({"sram_area_share": 1.5}, "sram_area_share must be not negative and at most 1, got 1.5"),
        ({"hop_cycle": 1}, "has no parameter 'hop_cycle' (did you mean hop_cycles"),
    ],
)
def test_impossible_wafers(settings, message):
    with pytest.raises(InvalidChip) as raised:
        hwsim.load_chip("wse2", **settings)
    assert message in str(raised.value)


def test_wafer_files_with_missing_or_unknown_constants(tmp_path):
    from hwsim.core.resources import shipped

    text = (shipped("models") / "wse2" / "chip.yaml").read_text()
    lines = text.splitlines()
    missing = tmp_path / "missing.yaml"
    missing.write_text("\n".join(line for line in lines if not line.startswith("  gemm_step_cycles")))
    with pytest.raises(MissingParameter, match="chip 'wse2' states no parameter 'gemm_step_cycles'"):
        hwsim.load_chip(str(missing))
    unknown = tmp_path / "unknown.yaml"
    unknown.write_text(text + '\n  hop_cycels: {value: 1, unit: cycle, status: published, source: "a typing error"}\n')
    with pytest.raises(InvalidChip, match=r"unknown\.yaml.*has no constant 'hop_cycels' \(did you mean hop_cycles"):
        hwsim.load_chip(str(unknown))


def test_bad_traces_and_chips():
    with pytest.raises(InvalidTrace, match="llama3-8b"):
        hwsim.load_graph("llama3-8", phase="decode", context=1)
    with pytest.raises(InvalidChip, match="wse2"):
        hwsim.load_chip("wse-2")
