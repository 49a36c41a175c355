"""load_graph, trace names, workloads and GEMM tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.errors import InvalidTrace
from hwsim.core.resources import shipped
from hwsim.readers.gemm_csv import read_gemm_csv
from hwsim.readers.load import graph_of_workload, load_graph, trace_names
from hwsim.readers.trace import write_trace


def test_names_and_paths_give_the_same_graph(tmp_path):
    assert "llama3-8b" in trace_names()
    config = shipped("traces") / "llama3-8b" / "config.json"
    assert load_graph(config, context=64) == load_graph("llama3-8b", context=64)
    assert load_graph(str(config.parent) + "/", context=64) == load_graph("llama3-8b", context=64)
    graph = load_graph("llama3-8b", context=64, layers=1)
    write_trace(graph, tmp_path / "one.yaml")
    assert load_graph(tmp_path / "one.yaml") == graph


def test_graphs_are_cached():
    assert load_graph("llama3-8b", context=64) is load_graph("llama3-8b", context=64, batch=None)
    assert load_graph("llama3-8b", context=64) is not load_graph("llama3-8b", context=65)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("lama3-8b", {}, "unknown trace 'lama3-8b' (did you mean llama3-8b"),
        ("net.onnx", {}, "net.onnx: no such file"),
        ("none.csv", {}, "none.csv: no such file"),
        ("no/where", {}, "no such file or folder"),
        ("llama3-8b", {"batch": {}}, "unhashable"),
        ("llama3-8b", {"batch": [1]}, "batch must be a positive whole number"),
    ],
)
def test_refusals(name, options, message):
    with pytest.raises(InvalidTrace) as raised:
        load_graph(name, **options)
    assert message in str(raised.value)


def test_other_files(tmp_path):
    (tmp_path / "notes").write_text("x")
    with pytest.raises(InvalidTrace, match="what format"):
        load_graph(str(tmp_path / "notes"))
    (tmp_path / "t.yaml").write_text("schema: hwsim.trace/1\nops:\n- {name: s, kind: softmax, bounds: {rows: 1, cols: 2}}\n")
    with pytest.raises(InvalidTrace, match="takes no option 'batch'"):
        load_graph(tmp_path / "t.yaml", batch=2)
    assert load_graph(tmp_path / "t.yaml").name == "t"


def test_workloads():
    one = graph_of_workload(
        {"op": "matmul", "m": 2, "k": 3, "n": 4, "dtype": "int8", "weight_dtype": "int4", "weight_density": 0.5, "component": "x", "layer": 1}
    )
    assert one.macs == 24
    assert one.weight_bytes == 6
    assert (
        graph_of_workload({"op": "attention", "heads": 1, "q": 1, "kv": 2, "head_dim": 4, "kv_dtype": "fp8"}).tensors["attention.key"].dtype == "fp8"
    )
    half = {"trace": "llama-3.2-1b", "phase": "prefill", "prompt": 64, "logits": "half", "weight_dtype": "q8_0", "component": "head"}
    assert next(op for op in graph_of_workload(half).ops if op.label == "head")["m"] == 32
    assert graph_of_workload({"op": "matmul", "m": 1, "k": 64, "n": 5, "bias": 1, "weight_dtype": "q8_0"}).weight_bytes == 65 * 5 * 34 / 32
    assert graph_of_workload({"op": "allreduce", "elements": 7, "dtype": "fp32"}).ops[0].elementary == 7
    assert graph_of_workload({"trace": "llama3-8b", "phase": "decode", "context": 64, "batch": 1}) is load_graph(
        "llama3-8b", context=64, phase="decode", batch=1
    )


@pytest.mark.parametrize(
    ("workload", "message"),
    [
        ({"primitive": "x"}, "is one mechanism"),
        ({"m": 1}, "one of op, trace and primitive"),
        ({"op": "matmul", "trace": "x"}, "one of op, trace"),
        ({"op": 3}, "by name"),
        ({"op": "matmull"}, "did you mean matmul"),
        ({"op": "matmul", "m": 1, "k": 1}, "needs n"),
        ({"op": "matmul", "m": 1, "k": 1, "n": 1, "phase": "x"}, "no argument 'phase'"),
        ({"op": "matmul", "m": 1, "k": 1, "n": 1, "bacth": 2}, "did you mean batch"),
        ({"op": "matmul", "m": [1], "k": 1, "n": 1}, "whole number"),
        ({"op": "matmul", "m": 1, "k": 33, "n": 32, "weight_dtype": "q8_0"}, "q8_0 stores blocks of 32, and a row of its weight holds 33"),
        ({"op": "matmul", "m": 1, "k": 32, "n": 32, "dtype": "q8_0"}, "not of activations"),
        ({"op": "conv2d", "n": 1, "c": 3, "h": 8, "w": 8, "k": 32, "r": 3, "s": 3, "weight_dtype": "q4_0"}, "weight holds 27"),
        ({"op": "attention", "heads": 3, "q": 1, "kv": 32, "head_dim": 8, "kv_dtype": "q8_0"}, "a row of its key holds 24"),
    ],
)
def test_bad_workloads(workload, message):
    with pytest.raises(InvalidTrace) as raised:
        graph_of_workload(workload)
    assert message in str(raised.value)


@given(sizes=st.lists(st.tuples(*[st.integers(1, 500)] * 5), min_size=1, max_size=8))
def test_a_gemm_table(sizes, tmp_path_factory):
    file = tmp_path_factory.mktemp("csv") / "g.csv"
    file.write_text("name, m, k, n, batch, count\n" + "".join(f"g{i},{','.join(map(str, row))}\n" for i, row in enumerate(sizes)))
    graph = read_gemm_csv(file, dtype="int8")
    assert graph.macs == sum(m * k * n * batch * count for m, k, n, batch, count in sizes)
    assert all(not before for before in graph.predecessors)
    assert {op.dtype for op in graph.ops} == {"int8"}


def test_a_chain_of_gemms(tmp_path):
    file = tmp_path / "g.csv"
    file.write_text("# layers\nname,m,k,n,dtype\na,1,4,8,\nb,1,8,2,fp16\n\n")
    assert load_graph(file, chain=True).predecessors == ((), (0,))
    assert load_graph(file).predecessors == ((), ())
    file.write_text("name,m,k,n\na,1,4,8\nb,1,9,2\n")
    with pytest.raises(InvalidTrace, match=r"g.csv:3: reads \(1, 1, 9\)"):
        load_graph(file, chain=True)
    with pytest.raises(InvalidTrace, match=r"no option .chian.*did you mean chain"):
        load_graph(file, chian=True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,m,k\na,1,2\n", "g.csv:1: column(s) missing: n"),
        ("name,m,k,n,bacth\n", "g.csv:1: unknown column 'bacth' (did you mean batch?)"),
        ("name,m,k,n\na,1,2\n", "g.csv:2: 3 cells, but the header has 4"),
        ("name,m,k,n\na,1,2,0\n", "g.csv:2: n must be a positive whole number, got '0'"),
        ("name,m,k,n\na,1,2,x\n", "g.csv:2: n must be"),
        ("name,m,k,n\na,1,2,-3\n", "got '-3'"),
        ("name,m,k,n\n,1,2,3\n", "g.csv:2: the name is empty"),
        ("name,m,k,n\n", "holds no row"),
        ("name,m,k,n\na,1,2,3\na,1,2,3\n", "g.csv:3: name 'a' is used twice"),
        ("name,m,k,n,m\n", "'m' is stated twice"),
        ("name,m,k,n,dtype\na,1,2,3,fp17\n", "g.csv:2: unknown dtype 'fp17'"),
        ('name,m,k,n\n"a,1,2,3\n', "not CSV"),
        ("name,m,k,n\na,1,2,²\n", "g.csv:2: n must be"),
    ],
)
def test_bad_tables(tmp_path, text, message):
    file = tmp_path / "g.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidTrace) as raised:
        read_gemm_csv(file)
    assert message in str(raised.value)


@pytest.mark.parametrize("size", ["128", [128], 1.5])
def test_sizes_that_are_no_whole_numbers_are_refused(size: object) -> None:
    with pytest.raises(InvalidTrace, match="prompt must be a positive whole number"):
        graph_of_workload({"trace": "llama3-8b", "phase": "generate", "prompt": size, "generate": 8})
