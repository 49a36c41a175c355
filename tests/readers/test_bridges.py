"""Formats of other tools: SCALE-Sim topologies, Timeloop problems, Chakra traces; what is read back is what was written."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwsim.core.errors import HwsimError, InvalidTrace
from hwsim.core.graph import GraphBuilder
from hwsim.readers.export import FORMATS, export_text
from hwsim.readers.load import load_graph

ALEXNET = """Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,
Conv1, 227, 227, 11, 11, 3, 96, 4,
Conv2, 31, 31, 5, 5, 96, 256, 1,

FC6, 1, 1, 1, 1, 9216, 4096, 1,
"""


def read(tmp_path, text, name="net.csv", **options):
    path = tmp_path / name
    path.write_text(text)
    return load_graph(path, **options)


def test_topologies_of_convolutions(tmp_path):
    graph = read(tmp_path, ALEXNET, dtype="int8")
    assert [op.macs for op in graph.ops] == [55 * 55 * 96 * 363, 27 * 27 * 256 * 25 * 96, 9216 * 4096]
    assert {op.dtype for op in graph.ops} == {"int8"}
    one = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"
    (depthwise,) = read(tmp_path, one + "Conv_DP1, 114, 114, 3, 3, 32, 1, 1,\n").ops
    assert (depthwise["groups"], depthwise["k"], depthwise.macs) == (32, 32, 112 * 112 * 32 * 9)
    (plain,) = read(tmp_path, one + "Conv7, 114, 114, 3, 3, 32, 1, 1, 1:1\n", "other.csv").ops
    assert (plain["groups"], plain["k"]) == (1, 1)


def test_topologies_of_products(tmp_path):
    graph = read(tmp_path, "Layer, M, N, K,\nq, 128, 512, 256,\nk, 1, 7, 3,\n")
    assert [(op["m"], op["n"], op["k"]) for op in graph.ops] == [(128, 512, 256), (1, 7, 3)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("c, 8, 8, 3, 3, 4", "net.csv:2: 6 cells, but a layer has 8"), ("c, 8, 8, 3, 3, 4, x, 1", "net.csv:2: Num Filter must be"),
        ("c, 2, 2, 3, 3, 4, 8, 1", "net.csv:2: .*larger than the padded"), ("c, 8, 8, 3, 3, 4, 8, 1, 2", "unlike in the two directions"),
        ("c, 8, 8, 3, 3, 4, 8, 1\nc, 8, 8, 3, 3, 4, 8, 1", "net.csv:3: layer 'c' is stated twice"), ("", "holds no layer"),
    ],
)  # fmt: skip
def test_bad_topologies(tmp_path, line, message):
    with pytest.raises(InvalidTrace, match=message):
        read(tmp_path, ALEXNET.splitlines()[0] + "\n" + line + "\n")


def products(sizes):
    builder = GraphBuilder("fp16")
    for i, (m, k, n) in enumerate(sizes):
        builder.op("matmul", f"p{i}", [], m=m, k=k, n=n)
    return builder.graph(trace="products")


@settings(max_examples=30, deadline=None)
@given(sizes=st.lists(st.tuples(*[st.integers(1, 50)] * 3), min_size=1, max_size=5),
       form=st.sampled_from(["gemm", "scalesim", "scalesim-gemm", "trace"]))  # fmt: skip
def test_products_come_back(tmp_path_factory, sizes, form):
    graph = products(sizes)
    path = tmp_path_factory.mktemp("round") / ("net.yaml" if form == "trace" else "net.csv")
    path.write_text(export_text(graph, form))
    back = load_graph(path)
    assert back.macs == graph.macs
    if form in ("scalesim-gemm", "trace"):
        assert [(op["m"], op["k"], op["n"]) for op in back.ops] == sizes


@settings(max_examples=40, deadline=None)
@given(c=st.integers(1, 6), k=st.integers(1, 6), size=st.integers(5, 12), window=st.integers(1, 4), stride=st.integers(1, 3), pad=st.integers(0, 2),
       depthwise=st.booleans())  # fmt: skip
def test_convolutions_come_back(tmp_path_factory, c, k, size, window, stride, pad, depthwise):
    builder = GraphBuilder("int8")
    sizes = {"groups": c, "k": c} if depthwise else {"k": k}
    builder.op("conv2d", "conv", [], n=1, c=c, h=size, w=size + 1, r=window, s=window, stride=stride, pad=pad, **sizes)
    graph = builder.graph(trace="one")
    folder = tmp_path_factory.mktemp("round")
    for form, name in (("scalesim", "a.csv"), ("scalesim-gemm", "b.csv"), ("gemm", "c.csv"), ("timeloop", "d.yaml"), ("trace", "e.yaml")):
        (folder / name).write_text(export_text(graph, form))
        back = load_graph(folder / name)
        assert back.macs == graph.macs, form
        if form in ("scalesim", "timeloop"):
            assert (back.ops[0].kind, back.ops[0]["groups"], back.ops[0].results) == ("conv2d", graph.ops[0]["groups"], graph.ops[0].results)


PROBLEM = """problem:
  version: 0.4
  shape: {name: CNN-Layer, dimensions: [C, M, R, S, N, P, Q]}
  instance: {C: 64, M: 128, R: 3, S: 3, N: 2, P: 56, Q: 28, Wstride: 2, Hstride: 2}
"""


def test_problems_of_timeloop(tmp_path):
    (op,) = read(tmp_path, PROBLEM, "layer.yaml", dtype="int8").ops
    assert (op.macs, op.dtype, op.results[0]) == (2 * 64 * 128 * 9 * 56 * 28, "int8", (2, 128, 28, 56))
    (op,) = read(tmp_path, "problem: {shape: gemm, instance: {M: 4, N: 5, K: 6, B: 3}}\n", "gemm.yaml").ops
    assert (op.kind, op.macs) == ("matmul", 360)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PROBLEM.replace("Hstride: 2", "Hstride: 1"), "unlike in the two directions"), (PROBLEM.replace("C: 64", "X: 64"), "neither a convolution's"),
        (PROBLEM.replace("C: 64", "C: 0"), r"layer.yaml:4: problem.instance.C: must be a positive"), ("problem: {shape: x}\n", "states no instance"),
        (PROBLEM.replace("N: 2", "N: 2, densities: {Weights: 0.5}"), "densities have no model"),
    ],
)  # fmt: skip
def test_bad_problems(tmp_path, text, message):
    with pytest.raises(InvalidTrace, match=message):
        read(tmp_path, text, "layer.yaml")


def test_networks_keep_their_products_in_every_format(tmp_path):
    graph = load_graph("mobilenet-v2")
    for form, name in (("scalesim", "a.csv"), ("scalesim-gemm", "b.csv"), ("gemm", "c.csv")):
        (tmp_path / name).write_text(export_text(graph, form))
        assert load_graph(tmp_path / name).macs == graph.macs
    (tmp_path / "d.yaml").write_text(export_text(graph, "trace"))
    assert load_graph(tmp_path / "d.yaml").ops == graph.ops
    layers = json.loads(export_text(graph, "timeloop"))
    work = 0
    for i, layer in enumerate(layers):
        (tmp_path / f"l{i}.yaml").write_text(json.dumps({"problem": layer["problem"]}))
        work += layer["count"] * load_graph(tmp_path / f"l{i}.yaml").macs
    assert work == graph.macs


def test_chakra_nodes_state_work_and_dependencies():
    graph = load_graph("resnet18")
    trace = json.loads(export_text(graph, "chakra"))
    facts = [{a["name"]: next(v for k, v in a.items() if k != "name") for a in node["attr"]} for node in trace["nodes"]]
    assert sum(int(f["num_ops"]) for f in facts) == sum(2 * op.macs + op.elementary for op in graph.ops)
    assert [tuple(map(int, node["dataDeps"])) for node in trace["nodes"]] == list(graph.predecessors)
    builder = GraphBuilder("fp16")
    builder.op("allreduce", "sum", [], elements=100)
    (node,) = json.loads(export_text(builder.graph(trace="sum"), "chakra"))["nodes"]
    assert node["type"] == "COMM_COLL_NODE"
    assert {a["name"]: a["int64Val"] for a in node["attr"][1:]} == {"comm_type": "0", "comm_size": "200"}


def chakra_schema():
    """The messages of Chakra's et_def.proto that are written here, transcribed: (name, number, type, repeated) of each field."""
    descriptor_pb2 = pytest.importorskip("google.protobuf.descriptor_pb2")
    field = descriptor_pb2.FieldDescriptorProto
    messages = {
        "AttributeProto": [("name", 1, field.TYPE_STRING, 0), ("int64_val", 9, field.TYPE_INT64, 0), ("uint64_val", 13, field.TYPE_UINT64, 0),
                           ("bool_val", 27, field.TYPE_BOOL, 0), ("string_val", 29, field.TYPE_STRING, 0)],
        "Node": [("id", 1, field.TYPE_UINT64, 0), ("name", 2, field.TYPE_STRING, 0), ("type", 3, field.TYPE_ENUM, 0),
                 ("data_deps", 5, field.TYPE_UINT64, 1), ("attr", 10, field.TYPE_MESSAGE, 1)],
    }  # fmt: skip
    file = descriptor_pb2.FileDescriptorProto(name="et_def.proto", package="ChakraProtoMsg", syntax="proto3")
    kinds = file.enum_type.add(name="NodeType")
    names = ("INVALID_NODE", "METADATA_NODE", "MEM_LOAD_NODE", "MEM_STORE_NODE", "COMP_NODE", "COMM_SEND_NODE", "COMM_RECV_NODE", "COMM_COLL_NODE")
    for i, name in enumerate(names):
        kinds.value.add(name=name, number=i)
    for message, fields in messages.items():
        made = file.message_type.add(name=message)
        for name, number, kind, repeated in fields:
            to = {field.TYPE_ENUM: ".ChakraProtoMsg.NodeType", field.TYPE_MESSAGE: ".ChakraProtoMsg.AttributeProto"}.get(kind)
            made.field.add(name=name, number=number, type=kind, label=field.LABEL_REPEATED if repeated else field.LABEL_OPTIONAL, type_name=to)
    from google.protobuf import descriptor_pool, message_factory

    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("ChakraProtoMsg.Node"))


def test_chakra_nodes_are_messages_of_the_schema():
    node_type = chakra_schema()
    from google.protobuf import json_format

    graph = load_graph("resnet18")
    nodes = [json_format.ParseDict(node, node_type()) for node in json.loads(export_text(graph, "chakra"))["nodes"]]
    assert [tuple(node.data_deps) for node in nodes] == list(graph.predecessors)
    assert {node.type for node in nodes} == {4}
    assert sum(a.int64_val for node in nodes for a in node.attr if a.name == "num_ops") == sum(2 * op.macs + op.elementary for op in graph.ops)


def test_what_a_format_cannot_hold_is_refused():
    with pytest.raises(HwsimError, match=r"unknown format 'scalsim' \(did you mean scalesim"):
        export_text(products([(1, 2, 3)]), "scalsim")
    builder = GraphBuilder("fp16")
    builder.op("softmax", "s", [], rows=2, cols=3)
    nothing = builder.graph(trace="nothing")
    for form in sorted({*FORMATS} - {"trace", "chakra"}):
        with pytest.raises(HwsimError, match="no convolution or product"):
            export_text(nothing, form)
    builder = GraphBuilder("fp16")
    builder.op("conv2d", "c", [], n=1, c=4, h=8, w=8, k=4, r=3, s=3, groups=2)
    with pytest.raises(HwsimError, match="groups only where they are depthwise; try gemm"):
        export_text(builder.graph(trace="grouped"), "scalesim")
    builder = GraphBuilder("fp16")
    builder.op("matmul", "m", [], batch=3, m=2, k=2, n=2)
    with pytest.raises(HwsimError, match="no layer of a topology"):
        export_text(builder.graph(trace="apart"), "scalesim")


def test_the_command_writes_files(tmp_path):
    from typer.testing import CliRunner

    from hwsim.cli.app import app

    target = tmp_path / "net.csv"
    done = CliRunner().invoke(app, ["export", "resnet18", "--format", "scalesim-gemm", "-o", str(target)])
    assert done.exit_code == 0 and load_graph(target).macs == load_graph("resnet18").macs
    shown = CliRunner().invoke(app, ["export", "resnet18", "--format", "gemm", "--dtype", "int8"])
    assert shown.output.startswith("name,m,k,n,dtype,count\n") and ",int8," in shown.output
    assert CliRunner().invoke(app, ["export", "resnet18", "--format", "none"]).exit_code == 2
