"""Native traces: exact round trips, hand-written files, complaints with file and line."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hwsim.core.errors import InvalidTrace
from hwsim.core.graph import Graph, GraphBuilder, single_op
from hwsim.readers.load import load_graph, trace_names
from hwsim.readers.trace import read_trace, write_trace

JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=80), inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def graphs(draw):
    """A random chain of small operators with skips, formats and attributes."""
    form = draw(st.sampled_from(["fp16", "int8", "bf16"]))
    builder = GraphBuilder(form, draw(st.sampled_from(["", "int4"])))
    rows, cols = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    x = builder.tensor("x", (rows, cols), role="input")
    names = draw(st.lists(st.text(min_size=1, max_size=6), unique=True, max_size=6))
    for i, name in enumerate(f"{i}{n}" for i, n in enumerate(names)):
        common = {
            "label": draw(st.sampled_from(["", "q", "a: b"])),
            "layer": draw(st.none() | st.integers(0, 3)),
            "repeat": draw(st.integers(1, 3)),
            "phase": draw(st.sampled_from(["", "decode"])),
            "attrs": draw(st.dictionaries(st.text(max_size=3), st.booleans() | st.integers() | st.text(), max_size=2)),
        }
        match draw(st.sampled_from(["matmul", "norm", "relu", "add"])):
            case "matmul":
                n = draw(st.integers(1, 5))
                density = draw(st.sampled_from([1.0, 0.25]))
                x = builder.op("matmul", name, [x], m=rows, k=cols, n=n, bias=i % 2, weight_density=density, **common)
                cols = n
            case "norm":
                x = builder.op("norm", name, [x], function="rms", rows=rows, cols=cols, weights=draw(st.integers(0, 2)), **common)
            case "relu":
                x = builder.op("elementwise", name, [x], function="relu", rows=rows, cols=cols, **common)
            case _:
                x = builder.op("elementwise", name, [x, x], function="add", rows=rows, cols=cols, operands=2, **common)
    if not builder.ops:
        builder.op("softmax", "s", [x], rows=rows, cols=cols)
    meta = draw(st.dictionaries(st.text(max_size=80), JSON, max_size=3))
    return builder.graph(**{"trace": "t", **meta})


def same(a: Graph, b: Graph) -> bool:
    """Equal in everything, the order of tensors and the types of figures included."""
    return a == b and repr(a) == repr(b) and a.key == b.key


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(graph=graphs())
def test_round_trip(graph, tmp_path):
    write_trace(graph, tmp_path / "t.yaml")
    assert same(read_trace(tmp_path / "t.yaml"), graph)


@pytest.mark.parametrize("name", trace_names())
def test_shipped_traces_round_trip(name, tmp_path):
    config = load_graph(name).meta.get("model")
    graph = load_graph(name, phase="prefill", prompt=16, layers=2, batch=2) if config else load_graph(name)
    write_trace(graph, tmp_path / "t.yaml")
    assert same(read_trace(tmp_path / "t.yaml"), graph)


@pytest.mark.parametrize(
    "graph",
    [
        single_op("attention", heads=4, kv_heads=2, q=1, kv=9, head_dim=8, attrs={"kv_dtype": "fp8"}),
        single_op("conv2d", n=1, c=4, h=8, w=8, k=4, r=3, s=3, pad=1),
    ],
)
def test_single_operators_round_trip(graph, tmp_path):
    write_trace(graph, tmp_path / "t.yaml")
    assert same(read_trace(tmp_path / "t.yaml"), graph)


TEXT = """schema: hwsim.trace/1
meta: {batch: 1}
tensors:
  x: {shape: [1, 64], role: input}
ops:
- {name: fc, kind: matmul, bounds: {m: 1, k: 64, n: 10, bias: 1}, inputs: [x]}
- {name: act, kind: elementwise, function: relu, bounds: {rows: 1, cols: 10}, inputs: [fc.out]}
"""


def test_a_file_written_by_hand(tmp_path):
    (tmp_path / "tiny.yaml").write_text(TEXT)
    graph = read_trace(tmp_path / "tiny.yaml")
    assert graph.name == "tiny"
    assert graph.macs == 640
    assert set(graph.tensors) == {"x", "fc.weight", "fc.bias", "fc.out", "act.out"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("trace/1", "trace/2", ":1: schema: must be hwsim.trace/1"),
        ("kind: matmul", "kind: matmull", ":6: ops[0]: unknown operator 'matmull' (did you mean matmul?)"),
        ("n: 10,", "n: 0,", ":6: ops[0]: operator 'fc': n must be positive, got 0"),
        ("n: 10,", "n: 10.0,", ":6: ops[0].bounds.n: should be a valid integer"),
        ("role: input", "rol: input", ":4: tensors.x.rol: unknown key (did you mean role?)"),
        ("role: input", "role: inputt", ":4: tensors.x: tensor 'x': role"),
        ("inputs: [fc.out]", "inputs: [fc]", "unknown tensor 'fc'"),
        ("cols: 10", "cols: 11", "input0 should be (1, 11)"),
        ("name: act", "name: fc", "used twice"),
        ("kind: matmul, ", "", ":6: ops[0].kind: is missing"),
        ("[1, 64]", "[1, -64]", ":4: tensors.x: tensor 'x': shape"),
        (TEXT, "- 1", "a trace file is a mapping"),
        ("function: relu", "function: rely", ":7: ops[1]: operator 'act': elementwise has no function 'rely'"),
    ],
)
def test_complaints_say_where(tmp_path, old, new, message):
    assert old in TEXT
    file = tmp_path / "t.yaml"
    file.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(InvalidTrace) as raised:
        read_trace(file)
    assert message in str(raised.value)
    assert str(raised.value).startswith(str(file))


def test_what_cannot_be_written(tmp_path):
    graph = single_op("softmax", rows=1, cols=2)
    for value in (object(), float("nan"), {1: 2}, [{"a": {2: 3}}], {"k" * 1001: 1}):
        with pytest.raises(InvalidTrace, match=r"cannot hold|keys must be text"):
            write_trace(graph.with_meta(x=value), tmp_path / "t.yaml")
    with pytest.raises(InvalidTrace, match="cannot be written"):
        write_trace(graph, tmp_path / "no" / "t.yaml")
