"""SCALE-Sim topologies (CSV) -> Graph and back: convolutions, depthwise ones, and matrix multiplications.

Convolutions: ``Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides``, one stride or two, the input with
its padding in it. Multiplications: ``Layer, M, N, K``. A depthwise convolution is written as one filter (names with ``DP``, as SCALE-Sim's own files
mark them), for which every channel has a filter of its own. Format: github.com/scalesim-project/SCALE-Sim, topologies/README and README, version 3.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from hwsim.core.dtype import dtype as number_format
from hwsim.core.errors import HwsimError, InvalidTrace, Location
from hwsim.core.graph import Graph, GraphBuilder
from hwsim.core.op import Op
from hwsim.readers.yaml_file import read_text

__all__ = ["read_topology", "topology_csv"]

CONV = ("Layer name", "IFMAP Height", "IFMAP Width", "Filter Height", "Filter Width", "Channels", "Num Filter", "Strides")
GEMM = ("Layer", "M", "N", "K")
DEPTHWISE = re.compile(r"(^|[_\W\d])(dp|dw|depthwise)([_\W\d]|$)", re.IGNORECASE)


def is_topology(text: str) -> bool:
    """Tell a topology of SCALE-Sim from other CSV by its first line."""
    first = next((line for line in text.splitlines() if line.strip(" ,\ufeff") and not line.startswith("#")), "").lower().lstrip("\ufeff")
    words = [word.strip() for word in first.split(",")]
    return words[0] in ("layer", "layer name") and ("ifmap height" in words or words[1:4] == ["m", "n", "k"])


def read_topology(path: str | Path, *, dtype: str = "fp16") -> Graph:
    """Return the graph of a topology: its layers are independent, each with an input of its own, as SCALE-Sim runs them.

    Raises `InvalidTrace` with file and line for missing cells, figures that are not positive whole numbers and windows larger than their input.

    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "topology.csv"
    ...     size = path.write_text("Layer, M, N, K," + chr(10) + "fc, 2, 4, 3," + chr(10))
    ...     read_topology(path).macs
    24
    """
    name = str(path)
    builder = GraphBuilder(number_format(dtype).name)
    gemm: bool | None = None
    for line, cells in _lines(name, read_text(path, InvalidTrace)):
        where = Location(name, line)
        if gemm is None:
            gemm = cells[1].lower() == "m" if len(cells) > 1 else False
            continue
        wanted = len(GEMM) if gemm else len(CONV)
        if len(cells) < wanted:
            raise InvalidTrace(f"{len(cells)} cells, but a layer has {wanted}", location=where)
        if f"{cells[0]}.out" in builder.tensors:
            raise InvalidTrace(f"layer '{cells[0]}' is stated twice", location=where)
        try:
            _layer(builder, cells, gemm)
        except InvalidTrace as bad:
            raise InvalidTrace(bad.problem, location=where) from None
    if not builder.ops:
        raise InvalidTrace("holds no layer", location=Location(name))
    return builder.graph(trace=Path(path).stem, dtype=number_format(dtype).name)


def _lines(name: str, text: str) -> list[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff")), strict=True)
    found = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            while cells and not cells[-1]:
                cells.pop()
            if cells and not cells[0].startswith("#"):
                found.append((reader.line_num, cells))
    except csv.Error as bad:
        raise InvalidTrace(f"not CSV: {bad}", location=Location(name, reader.line_num)) from None
    return found


def _layer(builder: GraphBuilder, cells: list[str], gemm: bool) -> None:
    if gemm:
        m, n, k = (_whole(word, cell) for word, cell in zip(GEMM[1:], cells[1:4], strict=True))
        builder.op("matmul", cells[0], [], m=m, n=n, k=k)
        return
    cells = [cell for cell in cells if cell != "1:1"]  # dense: what the column of sparsity says
    h, w, r, s, c, k, stride, *more = (_whole(word, cell) for word, cell in zip((*CONV[1:], "Strides"), cells[1:9], strict=False))
    if more and more[0] != stride:
        raise InvalidTrace(f"strides {stride} and {more[0]}, unlike in the two directions, have no model")
    groups = c if k == 1 and c > 1 and DEPTHWISE.search(cells[0]) else 1
    builder.op("conv2d", cells[0], [], n=1, c=c, h=h, w=w, k=c if groups > 1 else k, r=r, s=s, stride=stride, groups=groups)


def _whole(word: str, cell: str) -> int:
    if not (cell.isascii() and cell.isdigit()) or not 0 < len(cell) < 18 or int(cell) < 1:
        raise InvalidTrace(f"{word} must be a positive whole number, got '{cell}'")
    return int(cell)


def topology_csv(graph: Graph, *, gemm: bool = False) -> str:
    """Return a graph's convolutions and products as a topology; with `gemm` as matrix multiplications, convolutions too (im2col).

    Everything else (activations, attention, norms) has no place in the format. Raises `HwsimError` where nothing is left, and for convolutions that
    the format cannot hold (grouped but not depthwise, dilated).

    >>> from hwsim.readers.load import graph_of_workload
    >>> print(topology_csv(graph_of_workload({"op": "matmul", "m": 2, "k": 3, "n": 4, "dtype": "fp16"}), gemm=True).splitlines()[1])
    matmul,2,4,3,
    """
    if gemm:
        rows = [row for op in graph.ops for row in gemm_rows(op)]
        lines = [",".join((*GEMM, ""))] + [",".join((name, str(m), str(n), str(k), "")) for name, m, n, k in rows]
    else:
        rows_ = [_conv_row(op) for op in graph.ops if op.kind in ("conv2d", "matmul")]
        lines = [",".join((*CONV, ""))] + [",".join((*map(str, row), "")) for row in rows_]
    if len(lines) == 1:
        raise HwsimError(f"graph '{graph.name}' has no convolution or product: a topology would be empty")
    return "\n".join(lines) + "\n"


def gemm_rows(op: Op) -> list[tuple[str, int, int, int]]:
    """(name, m, n, k) of the multiplications that an operator is; none for one that is no product."""
    name = _name(op)
    if op.kind == "matmul":
        count, m = op["batch"], op["m"]
        return [(name if count == 1 else f"{name}_{i}", m, op["n"], op["k"]) for i in range(count)] * op.repeat
    if op.kind == "conv2d":
        n, k, out_h, out_w = op.results[0]
        groups = op["groups"]
        size = (n * out_h * out_w, k // groups, op["c"] // groups * op["r"] * op["s"])
        return [(name if groups == 1 else f"{name}_{i}", *size) for i in range(groups)] * op.repeat
    return []


def _conv_row(op: Op) -> tuple[str | int, ...]:
    name = _name(op)
    if op.kind == "matmul":  # a 1 x 1 window over m positions
        if op["batch"] > op["shared"] or op["ragged"]:
            raise HwsimError(f"product '{op.name}' of {op['batch']} matrices is no layer of a topology; try gemm")
        return (name, op["batch"] * op["m"], 1, 1, 1, op["k"], op["n"], 1)
    n, k, out_h, out_w = op.results[0]
    depthwise = op["groups"] == op["c"] == k and k > 1
    if n > 1 or op["dilation"] > 1 or (op["groups"] > 1 and not depthwise):
        raise HwsimError(f"convolution '{op.name}': a topology holds one picture, no dilation, and groups only where they are depthwise; try gemm")
    stride, mark = op["stride"], "_DP" if depthwise and not DEPTHWISE.search(name) else ""
    height, width = ((out - 1) * stride + window for out, window in ((out_h, op["r"]), (out_w, op["s"])))  # with its padding
    return (name + mark, height, width, op["r"], op["s"], op["c"], 1 if depthwise else k, stride)


def _name(op: Op) -> str:
    return re.sub(r"[,\s\"#]+", "_", op.name)
