"""Where tensors live: scratchpads first, the cliff of L3, DRAM's limit; and what it does to decoding."""

from __future__ import annotations

import pytest

import hwsim
from hwsim.core.errors import Infeasible
from hwsim.core.graph import GraphBuilder, single_op
from hwsim.targets.manycore.machine import machine
from hwsim.targets.manycore.mapping import parse_options
from hwsim.targets.manycore.residency import CACHED, MEMORY, SCRATCHPAD, activation_bytes, place

MIB = 2.0**20


@pytest.fixture(scope="module")
def chip():
    return hwsim.load_chip("et-soc-1")


def on(chip, **mapping):
    return machine(chip, parse_options(mapping), kernels=mapping.get("runtime") == "kernel_per_op")


def chain(width, layers=2):
    """Products of `width` x `width` fp16 weights one after another, on one vector."""
    b = GraphBuilder(dtype="fp16")
    x = b.tensor("x", (1, width), role="input")
    for i in range(layers):
        x = b.op("matmul", f"fc{i}", [x], m=1, k=width, n=width)
    return b.graph(trace="chain")


def test_weights_fill_the_scratchpads_in_graph_order(chip):
    graph = chain(4096, 4)  # 32 MiB each
    where = place(graph, on(chip))
    live = max(activation_bytes(op, graph) for op in graph.ops)
    shares = [where.of(f"fc{i}.weight").scratchpad for i in range(4)]
    assert shares[:2] == [1.0, 1.0] and shares[3] == 0.0
    assert sum(shares) * 32 * MIB == pytest.approx(80 * MIB - live)
    assert where.figures["resident_bytes"] == pytest.approx(80 * MIB - live)
    assert where.of("fc3.weight").dram == 1.0 and where.of("fc0.out") == SCRATCHPAD


def test_what_is_left_stays_in_l3_if_all_of_it_fits(chip):
    where = place(chain(4096, 3), on(chip))
    assert where.of("fc2.weight").l3 == pytest.approx(1 - where.of("fc2.weight").scratchpad)
    assert where.of("fc2.weight").dram == 0


def test_dram_keeps_everything_out_of_the_scratchpads(chip):
    where = place(chain(4096, 3), on(chip, operand_level="dram"))
    assert all(where.of(f"fc{i}.weight").scratchpad == 0 for i in range(3))


def test_operands_asked_into_the_scratchpads_must_fit(chip):
    with pytest.raises(Infeasible, match="more shires or scratchpad_bytes"):
        place(chain(4096, 3), on(chip, operand_level="l2scp"))
    with pytest.raises(Infeasible, match="operands and results in the scratchpads"):
        place(single_op("matmul", m=1, k=8192, n=8192), on(chip, operand_level="l2scp"))


def test_one_operator_alone_has_the_l3_cliff(chip):
    assert place(single_op("matmul", m=1, k=4000, n=4096), on(chip)).of("matmul.weight") == CACHED
    assert place(single_op("matmul", m=1, k=4096, n=4096), on(chip)).of("matmul.weight") == MEMORY


def test_kernels_pass_their_results_through_l3(chip):
    graph = chain(4096, 3)
    where = place(graph, on(chip, runtime="kernel_per_op"))
    assert where.of("fc0.out") == CACHED and where.of("fc0.weight") == MEMORY


def test_a_model_must_fit_dram(chip):
    with pytest.raises(Infeasible, match="narrower dtype") as refused:
        hwsim.simulate(hwsim.load_graph("llama3.1-70b", phase="decode", context=1024), chip)
    assert refused.value.demand > 140e9 and refused.value.bound == 32e9


def test_larger_scratchpads_mean_fewer_bytes_from_dram(chip):
    graph = hwsim.load_graph("tinyllama-1.1b", phase="decode", context=128)
    chips = [chip.replace(scratchpad_bytes=size * MIB) for size in (1.0, 2.5, 16.0, 128.0)]
    moved = [hwsim.simulate(graph, c, interval=False).cost.bytes_by_level()["dram"] for c in chips]
    assert moved == sorted(moved, reverse=True)
    assert moved[0] - moved[1] == pytest.approx(32 * 1.5 * MIB, rel=1e-6)
    assert moved[3] < 0.01 * moved[0]  # the whole model stays on the chip


def test_a_cache_stays_when_there_is_room(chip):
    graph = hwsim.load_graph("tinyllama-1.1b", phase="decode", context=512, layers=1)
    roomy = place(graph, on(chip.replace(scratchpad_bytes=64 * MIB)))
    assert roomy.of("layers.0.attention.key").scratchpad == 1.0
    assert place(graph, on(chip)).of("layers.0.attention.key").scratchpad == 0.0


def test_stages_of_a_generation_share_their_cache(chip):
    graph = hwsim.load_graph("tinyllama-1.1b", phase="generate", prompt=64, generate=32, layers=1)
    where = place(graph, on(chip.replace(scratchpad_bytes=16 * MIB)))
    caches = [name for name, t in graph.tensors.items() if t.role == "kv_cache"]
    assert len(caches) > 2 and {where.of(name).scratchpad for name in caches} == {1.0}
    assert where.figures["resident_bytes"] <= 512 * MIB


def test_a_dense_product_reads_each_operand_once(chip):
    report = hwsim.simulate(single_op("matmul", m=4096, k=4096, n=4096, dtype="fp16"), chip, interval=False)
    assert report.cost.bytes_by_level()["dram"] == pytest.approx(3 * 4096 * 4096 * 2)
    huge = hwsim.simulate(single_op("matmul", m=32768, k=4096, n=32768, dtype="fp16"), chip, interval=False)
    assert huge.cost.bytes_by_level()["dram"] > 2 * 2 * 32768 * 4096 * 2 + 32768**2 * 2  # panels do not fit the chip
