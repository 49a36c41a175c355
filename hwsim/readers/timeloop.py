"""Problems of Timeloop (YAML) -> Graph: the convolution and the matrix multiplication, by the names of their dimensions.

```yaml
problem:
  shape: {name: CNN-Layer, dimensions: [C, M, R, S, N, P, Q]}       # or the name alone, cnn-layer; [M, N, K] for a multiplication
  instance: {C: 64, M: 128, R: 3, S: 3, N: 1, P: 56, Q: 56, Wstride: 1, Hstride: 1}
```

P and R run along the width, Q and S along the height. Format: timeloop.csail.mit.edu, version 4, "Problem".
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwsim.core.dtype import dtype as number_format
from hwsim.core.errors import InvalidTrace
from hwsim.core.graph import Graph, GraphBuilder
from hwsim.readers.yaml_file import Document, load_yaml

__all__ = ["problems", "read_problem"]

CONV, STEPS = ("C", "M", "R", "S", "N", "P", "Q"), ("Wstride", "Hstride", "Wdilation", "Hdilation")


def is_problem(document: Document) -> bool:
    """Tell a problem of Timeloop from other YAML."""
    return isinstance(document.data, dict) and "problem" in document.data and "schema" not in document.data


def read_problem(path: str | Path, *, dtype: str = "fp16") -> Graph:
    """Return the graph of a problem: one operator. Raises `InvalidTrace` for dimensions that are of neither form and for sizes that are none.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "problem.yaml"
    ...     size = path.write_text("problem: {instance: {M: 4, N: 2, K: 3}}")
    ...     read_problem(path).macs
    24
    """
    document = load_yaml(path, InvalidTrace)
    if not is_problem(document):
        raise document.fail(InvalidTrace, (), "a problem of Timeloop is a mapping with the key problem")
    problem = document.data["problem"]
    instance = problem.get("instance") if isinstance(problem, dict) else None
    if not isinstance(instance, dict):
        raise document.fail(InvalidTrace, ("problem",), "states no instance (the sizes of its dimensions)")
    sizes = {}
    for name, value in instance.items():
        if name in ("densities", "data_spaces") or isinstance(value, dict | list):
            raise document.fail(InvalidTrace, ("problem", "instance", name), "densities have no model here: state dense sizes")
        if type(value) is not int or value < 1:
            raise document.fail(InvalidTrace, ("problem", "instance", name), f"must be a positive whole number, got {value!r}")
        sizes[str(name)] = value
    builder = GraphBuilder(number_format(dtype).name)
    try:
        _operator(builder, _name(problem), sizes)
    except InvalidTrace as bad:
        raise document.fail(InvalidTrace, ("problem", "instance"), bad.problem) from None
    return builder.graph(trace=Path(path).stem, dtype=number_format(dtype).name)


def _name(problem: Mapping[str, Any]) -> str:
    shape = problem.get("shape", "layer")
    return str(shape.get("name", "layer")) if isinstance(shape, dict) else str(shape)


def _operator(builder: GraphBuilder, name: str, sizes: Mapping[str, int]) -> None:
    dims = {key for key in sizes if key not in STEPS}
    if {"M", "N", "K"} <= dims <= {"M", "N", "K", "B", "H"}:
        batch = sizes.get("B", 1) * sizes.get("H", 1)
        builder.op("matmul", name, [], batch=batch, m=sizes["M"], n=sizes["N"], k=sizes["K"])
        return
    if not set("CMRSPQ") <= dims <= {*CONV, "G"}:
        raise InvalidTrace(f"dimensions {', '.join(sorted(dims))} are neither a convolution's ({', '.join(CONV)}, G) nor a product's (M, N, K, B)")
    groups = sizes.get("G", 1)
    steps = [sizes.get(step, 1) for step in STEPS]
    if steps[0] != steps[1] or steps[2] != steps[3]:
        raise InvalidTrace("strides or dilations unlike in the two directions have no model")
    stride, dilation = steps[0], steps[2]
    h, w = ((sizes[out] - 1) * stride + dilation * (sizes[window] - 1) + 1 for out, window in (("Q", "S"), ("P", "R")))
    builder.op(
        "conv2d", name, [], n=sizes.get("N", 1), c=sizes["C"] * groups, k=sizes["M"] * groups, h=h, w=w, r=sizes["S"], s=sizes["R"], stride=stride,
        dilation=dilation, groups=groups,
    )  # fmt: skip


def problems(graph: Graph) -> list[dict[str, Any]]:
    """Return the problems of a graph's distinct convolutions and products, with ``count``, how often each runs, beside the problem.

    Sizes are those of the output, so that padding is part of them. Other operators have no problem of this form.

    >>> from hwsim.readers.load import graph_of_workload
    >>> problems(graph_of_workload({"op": "matmul", "m": 2, "k": 3, "n": 4, "dtype": "fp16"}))[0]["count"]
    1
    """
    ops, _, counts = graph.unique
    made = []
    for op, count in zip(ops, counts, strict=True):
        if op.kind == "matmul":
            sizes = {"B": op["batch"], "M": op["m"], "N": op["n"], "K": op["k"]}
            shape = {"name": op.name, "dimensions": list(sizes)}
        elif op.kind == "conv2d":
            n, k, out_h, out_w = op.results[0]
            g, step = op["groups"], {"Wstride": op["stride"], "Hstride": op["stride"], "Wdilation": op["dilation"], "Hdilation": op["dilation"]}
            sizes = {"G": g, "C": op["c"] // g, "M": k // g, "R": op["s"], "S": op["r"], "N": n, "P": out_w, "Q": out_h, **step}
            shape = {"name": op.name, "dimensions": ["G", *CONV]}
        else:
            continue
        made.append({"problem": {"shape": shape, "instance": sizes}, "count": count})
    return made
