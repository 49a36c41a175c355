"""What 48 KiB and 24 colours hold: tiles, residency, cache capacity, and the refusals with demand, bound and levers."""

from __future__ import annotations

import math

import pytest
from wafer_helpers import chip, decode, prefill, product, run_op

import hwsim
from hwsim.core.errors import Infeasible, UnsupportedOp
from hwsim.core.graph import GraphBuilder, single_op
from hwsim.targets.wafer_mesh import memory as M

KIB = 1024
RESERVE = hwsim.load_chip("wse2").number("reserved_bytes_per_core")


def matmul(m: int, k: int, n: int, **rest: object):
    return single_op("matmul", m=m, k=k, n=n, **rest).ops[0]


@pytest.mark.parametrize("algorithm", ["meshgemm", "cannon", "summa"])
def test_tiles_of_64_take_40_kib(algorithm):
    assert M.tile_bytes(matmul(640, 640, 640), (10, 10), algorithm) == 40 * KIB
    assert M.tile_bytes(matmul(640, 320, 160), (10, 10), algorithm) == 2 * (2 * 64 * 32 + 2 * 32 * 16 + 64 * 16)


def test_wider_numbers_take_more():
    assert M.tile_bytes(matmul(640, 640, 640, dtype="fp32"), (10, 10), "meshgemm") == 80 * KIB
    assert M.tile_bytes(matmul(640, 640, 640, weight_dtype="int8"), (10, 10), "meshgemm") == 32 * KIB


@pytest.mark.parametrize(
    ("kind", "bounds"),
    [
        ("matmul", {"m": 32, "k": 64, "n": 64, "weight_dtype": "q8_0"}),
        ("embedding", {"rows": 4, "vocab": 64, "cols": 64, "weight_dtype": "q4_0"}),
        ("attention", {"heads": 4, "q": 1, "kv": 64, "head_dim": 64, "attrs": {"kv_dtype": "q8_0"}}),
    ],
)
def test_blocks_are_stored_but_not_computed_with(kind, bounds):
    with pytest.raises(UnsupportedOp, match=rf"{kind} \({kind}: no kernel for block-quantised weights or caches"):
        run_op(kind, bounds, grid=(16, 16))


def test_groups_of_uneven_size_are_refused():
    with pytest.raises(UnsupportedOp, match="no kernel for groups of uneven size"):
        run_op("matmul", {"batch": 2, "m": 4, "k": 32, "n": 8, "ragged": 5}, grid=(16, 16))


def test_an_allgather_keeps_whole_rows_and_columns_and_fails_early():
    assert M.tile_bytes(matmul(640, 640, 640), (10, 10), "allgather_gemm") == 2 * (640 * 64 + 640 * 64 + 64 * 64)
    sizes = range(64, 4097, 64)

    def largest(algorithm: str) -> int:
        return max(s for s in sizes if M.tile_bytes(matmul(s, s, s), (64, 64), algorithm) + RESERVE <= 48 * KIB)

    assert largest("meshgemm") == 4096 and largest("allgather_gemm") < 1000
    with pytest.raises(Infeasible) as raised:
        product(4096, 4096, 4096, algorithm="allgather_gemm", grid=(64, 64))
    error = raised.value
    assert error.bound == 48 * KIB and error.demand == pytest.approx(2 * (2 * 4096 * 64 + 64 * 64) + RESERVE) and error.unit == "B"
    assert "algorithm=meshgemm" in str(error) and "a larger grid" in str(error)


def test_the_largest_tile_that_fits_fits():
    assert product(64 * 64, 64 * 64, 64 * 64, algorithm="meshgemm", grid=(64, 64)).metric("sram_bytes_per_core") == pytest.approx(40 * KIB + RESERVE)
    with pytest.raises(Infeasible, match=r"tiles of meshgemm on 64 x 64 cores, per core: needs 50,\d+\.?\d* B, has 49,152 B"):
        product(72 * 64, 64 * 64, 72 * 64, algorithm="meshgemm", grid=(64, 64))


def test_a_matrix_vector_product_keeps_its_weights():
    assert M.tile_bytes(matmul(1, 1000, 500), (10, 20), "meshgemv") == 2 * 50 * 50 + 2 * (50 + 2 * 50)


@pytest.mark.parametrize(
    ("kind", "bounds", "grid", "per_core"),
    [
        ("reduce", {"elements": 1000, "dtype": "fp32"}, (8, 1), 4000),
        ("shift", {"elements": 1000}, (8, 8), 4000),
        ("norm", {"rows": 64, "cols": 128, "function": "rms"}, (8, 8), 2 * 2 * 128),
        ("fft", {"points": 64, "dtype": "complex64"}, (1, 1), 2 * 64 * 8),
        ("attention", {"heads": 1, "q": 64, "kv": 64, "head_dim": 8}, (4, 4), (4 * 64 * 8 * 2 + 64 * 64 * 2) / 16),
    ],
)  # fmt: skip
def test_other_operators_need_their_operands(kind, bounds, grid, per_core):
    assert run_op(kind, bounds, grid=grid).metric("sram_bytes_per_core") == pytest.approx(per_core + RESERVE)


@pytest.mark.parametrize(
    ("kind", "bounds", "lever"),
    [
        ("reduce", {"elements": 100_000, "dtype": "fp32"}, "fewer elements"),
        ("norm", {"rows": 10**6, "cols": 10**4, "function": "rms"}, "a larger grid"),
        ("attention", {"heads": 32, "q": 65536, "kv": 65536, "head_dim": 128}, "a larger grid"),
        ("fft", {"points": 4096, "dims": 3, "dtype": "complex64"}, "a narrower dtype"),
    ],
)  # fmt: skip
def test_what_no_core_can_hold_is_refused(kind, bounds, lever):
    with pytest.raises(Infeasible, match=f"{kind}.*16 x 16 cores, per core: needs .* B, has 49,152 B; what would help: .*{lever}"):
        run_op(kind, bounds, grid=(16, 16))


def test_the_weights_of_a_whole_graph_must_fit_on_the_wafer():
    """Two hundred layers of half a gigabyte each exceed 40 GB, though each alone fits."""

    def layers(count: int):
        builder = GraphBuilder()
        x = builder.tensor("x", (1, 16384), role="input")
        for i in range(count):
            x = builder.op("matmul", f"fc{i}", [x], m=1, k=16384, n=16384)
        return builder.graph(trace="deep")

    assert hwsim.simulate(layers(50), chip(), {"grid": (720, 720)}, interval=False).latency_s > 0
    with pytest.raises(Infeasible, match=r"all weights of deep over the usable cores of wse2, per core.* has 49,152 B; .*a narrower weight dtype"):
        hwsim.simulate(layers(200), chip(), {"grid": (720, 720)}, interval=False)


def capacity(policy: str, **mapping: object) -> float:
    found = decode(context=1, algorithm=f"{policy}_kv", **mapping)
    return found.metric("max_tokens")


def test_cache_capacity_as_published():
    mapping = {"grid": (360, 360), "workload_mode": "paper_faithful"}
    shift, concat = capacity("shift", **mapping), capacity("concat", **mapping)
    assert concat == 382 and shift == pytest.approx(137_548, rel=1e-4)
    assert math.floor(shift / 360) == concat  # the gain is the number of rows


def test_cache_capacity_from_its_parts():
    """Layers on 745,500 / 360^2 copies, padded weights of 3.6 KB and 12 B of K and V per token, core and layer."""
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=1)
    found = M.residency(chip("wse2"), graph, (360, 360), True)
    assert found.copies == pytest.approx(745_500 / 129_600) and found.layers_per_core == pytest.approx(32 / found.copies)
    d, f, kv = 12, 40, 3
    assert found.weight_bytes == pytest.approx(found.layers_per_core * 2 * (2 * d * d + 2 * d * kv + 3 * d * f))
    assert found.kv_bytes_per_token == pytest.approx(found.layers_per_core * 4 * kv)
    assert found.free_bytes == pytest.approx(49_152 - RESERVE - found.weight_bytes)
    assert found.max_tokens("shift") == math.floor(found.free_bytes / found.kv_bytes_per_token * 360)


def test_batch_and_narrow_caches_change_the_capacity():
    grid = {"grid": (360, 360), "workload_mode": "paper_faithful"}
    graph = hwsim.load_graph("llama3-8b", phase="decode", context=1, kv_dtype="int8")
    narrow = hwsim.simulate(graph, chip(), {"algorithm": "shift_kv", **grid}, interval=False).metric("max_tokens")
    assert narrow == pytest.approx(2 * capacity("shift", **grid), rel=1e-4)
    assert decode(context=1, batch=4, **grid).metric("max_tokens") == pytest.approx(capacity("shift", **grid) / 4, rel=1e-4)


def test_a_context_beyond_the_cache_is_refused_with_levers():
    with pytest.raises(Infeasible) as raised:
        decode(context=4096, grid=(360, 360), kv_cache="concat")
    error = raised.value
    assert error.demand == 4096 and error.bound < 400 and error.unit == "tokens"
    assert "KV cache of llama3-8b on wse2" in str(error)
    assert error.levers == ("a shorter context", "a narrower kv_dtype", "kv_cache=shift, which uses every row")
    assert decode(context=4096, grid=(360, 360), kv_cache="shift").metric("max_tokens") > 100_000


def test_a_concatenated_cache_is_not_shifted():
    context = {"context": 64, "grid": (360, 360)}
    shift, concat = decode(kv_cache="shift", **context), decode(kv_cache="concat", **context)
    rounds = shift.cycles - concat.cycles
    number = chip().number
    assert rounds == pytest.approx(32 * (number("call_fixed_cycles") + number("shift_round_cycles") + 2 * 3))


def test_a_model_that_does_not_fit_is_refused_with_levers():
    with pytest.raises(Infeasible) as raised:
        decode(trace="qwen2-72b")
    error = raised.value
    assert error.bound == 48 * KIB and 150e3 < error.demand < 250e3
    text = str(error)
    for lever in ("layers at most, fewer beside a cache (layers=", "a narrower weight dtype", "workload_mode=paper_faithful"):
        assert lever in text
    most = int(text.split("layers=")[1].split(")")[0])
    fits = hwsim.load_graph("qwen2-72b", phase="decode", context=64, layers=most - 1)
    assert hwsim.simulate(fits, chip(), interval=False).latency_s > 0
    assert decode(trace="qwen2-72b", workload_mode="paper_faithful", grid=(420, 420)).latency_s > 0


def test_a_prompt_whose_scores_do_not_fit_is_refused():
    with pytest.raises(Infeasible, match=r"attention scores of a 8192-token prefill on 360 x 360 cores.*a shorter prompt"):
        prefill(prompt=8192, grid=(360, 360))


def test_colours():
    c = chip()
    free = 24 - 3
    needed = {"meshgemm": 12, "meshgemv": 10, "shift_kv": 3, "decode layer": 21, "prefill layer": 19}
    for algorithm, colours in needed.items():
        assert M.check_colours(c, algorithm) == colours <= free
    assert max(M.COLOURS[a] for a in ("reduce_star", "reduce_chain", "reduce_tree", "reduce_two_phase")) <= 3
    assert product(64, 64, 64, algorithm="meshgemm", grid=(8, 8)).metric("colours") == 12
    with pytest.raises(Infeasible, match=r"routing colours of meshgemm on wse2: needs 12 colours, has 11 colours; .*fewer reserved colours"):
        product(64, 64, 64, hwsim.load_chip("wse2", reserved_colours=13), algorithm="meshgemm", grid=(8, 8))
    with pytest.raises(Infeasible, match="decode layer"):
        decode(hwsim.load_chip("wse2", reserved_colours=4), grid=(420, 420))


@pytest.mark.parametrize(("grid", "side", "bound"), [((800, 720), "width", 750), ((720, 1000), "height", 994), ((751, 1), "width", 750)])
def test_a_grid_beyond_the_fabric(grid, side, bound):
    with pytest.raises(Infeasible) as raised:
        product(64, 64, 64, grid=grid)
    assert (raised.value.demand, raised.value.bound, raised.value.unit) == (max(grid), bound, "PEs")
    assert side in str(raised.value) and "a grid of at most 750 x 994" in str(raised.value)
