"""Small ONNX models made on the spot: nodes, inputs and stored tensors in, a graph out."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from hwsim.readers.frameworks.onnx import read_onnx

FLOAT, INT64, INT8, UINT8 = TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT8, TensorProto.UINT8
STORED = {"float32": np.float32, "int64": np.int64, "int8": np.int8, "uint8": np.uint8, "int32": np.int32}


def stored(name: str, *shape: int, kind: str = "float32", value: Any = None) -> Any:
    """A stored tensor of ones, or of a value."""
    data = np.ones(shape, STORED[kind]) if value is None else np.array(value, STORED[kind])
    return numpy_helper.from_array(data, name)


def node(kind: str, inputs: str, outputs: str = "", **attrs: Any) -> Any:
    """An operator; names are separated by blanks, ``-`` is one left out."""
    names = [["" if n == "-" else n for n in text.split()] for text in (inputs, outputs or "y")]
    return helper.make_node(kind, *names, **attrs)


def model(nodes: Any, inputs: dict[str, Any], weights: Any = (), opset: int = 21, outputs: Any = ("y",), functions: Any = (), more: Any = ()) -> Any:
    """A model; inputs are shapes, or (type, shape)."""
    given = [helper.make_tensor_value_info(n, *(s if isinstance(s, tuple) else (FLOAT, s))) for n, s in inputs.items()]
    made = [helper.make_empty_tensor_value_info(n) for n in outputs]
    graph = helper.make_graph(nodes if isinstance(nodes, list) else [nodes], "g", given, made, initializer=list(weights))
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("com.microsoft", 1), *more]
    return helper.make_model(graph, opset_imports=opsets, functions=list(functions), ir_version=8)


def graph_of(tmp_path: Path, nodes: Any, inputs: dict[str, Any], weights: Any = (), *, opset: int = 21, outputs: Any = ("y",), **options: Any) -> Any:
    """The graph that is read of such a model."""
    path = tmp_path / "net.onnx"
    onnx.save(model(nodes, inputs, weights, opset, outputs), path)
    return read_onnx(path, **options)


def kinds(graph: Any) -> list[str]:
    """Kinds, and functions of what has them."""
    return [op.function or op.kind for op in graph.ops]
