"""ONNX files -> Graph: shapes by inference, weights never loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hwsim.core.dtype import dtype as number_format
from hwsim.core.errors import InvalidTrace, Location
from hwsim.core.graph import Graph
from hwsim.readers.frameworks.importer import Importer
from hwsim.readers.frameworks.onnx_contrib import CONTRIB
from hwsim.readers.frameworks.onnx_fused import FUSED
from hwsim.readers.frameworks.onnx_model import OnnxFile
from hwsim.readers.frameworks.onnx_ops import HANDLERS
from hwsim.readers.frameworks.onnx_quant import QUANTISED
from hwsim.readers.frameworks.onnx_reading import Reading
from hwsim.readers.frameworks.values import stated
from hwsim.readers.frameworks.written import rewritten

FLOATS = ("fp32", "fp16", "bf16", "fp64")


def read_onnx(
    path: str | Path, *, batch: int | None = None, dims: str | Mapping[str, int] | None = None, dtype: str = "", weight_dtype: str = "",
    allow_unknown: bool = False, fuse: bool = True,
) -> Graph:  # fmt: skip
    """Return the graph of an ONNX model.

    Open dimensions take their sizes from `dims` (a mapping, or ``"height=224,width=224"``), the first of the inputs from `batch`. `dtype` replaces
    the floating-point formats of the file, `weight_dtype` the format of all weights; integer formats stay as they are. Reshapes are views,
    transposes, slices and pads are copies; pairs of QuantizeLinear and DequantizeLinear run as integers; what a runtime's graph
    optimiser puts together (norms, activations, rotary embeddings and attention written out, biases) is one operator unless `fuse` is false. The
    meta's ``parameters`` counts the stored elements without the running statistics of batch normalisation.

    Raises `InvalidTrace` for a file that is none, an open dimension, and operators that are not known (all at once, with counts), which
    `allow_unknown` leaves out.
    """
    where = Path(path)
    try:
        stated("allow_unknown", allow_unknown), stated("fuse", fuse)
    except InvalidTrace as bad:
        raise InvalidTrace(bad.problem, location=Location(str(where))) from None
    formats = dict.fromkeys(FLOATS, number_format(dtype).name) if dtype else {}
    file = OnnxFile(where, _sizes(dims, where), _batch(batch, where))
    importer = Importer(formats, number_format(weight_dtype).name if weight_dtype else "")
    reading = Reading(file, importer)
    try:
        reading.run({**HANDLERS, **QUANTISED, **FUSED, **CONTRIB})
        graph = importer.result(allow_unknown, trace=where.stem, parameters=_parameters(file), **({"batch": batch} if batch else {}))
        return rewritten(graph, importer) if fuse else graph
    except InvalidTrace as bad:
        raise InvalidTrace(bad.problem, location=Location(str(where))) from None


def _sizes(dims: str | Mapping[str, int] | None, path: Path) -> dict[str, int]:
    if dims is None:
        return {}
    if isinstance(dims, str):
        pairs: Mapping[str, Any] = dict(part.partition("=")[::2] for part in dims.split(","))
    else:
        pairs = dims
    found = {}
    for name, value in pairs.items():
        try:
            found[name.strip()] = int(value)
        except ValueError:
            found[name.strip()] = 0
        if found[name.strip()] < 1:
            problem = f"dims: '{name.strip()}' needs a positive whole number, got '{value}' (a list such as batch=1,height=224)"
            raise InvalidTrace(problem, location=Location(str(path)))
    return found


def _batch(batch: int | None, path: Path) -> int | None:
    if batch is not None and (type(batch) is not int or batch < 1):
        raise InvalidTrace(f"batch must be a positive whole number, got {batch!r}", location=Location(str(path)))
    return batch


def _parameters(file: OnnxFile) -> int:
    """Stored numbers that operators read, without running means and variances, scales and zero points of quantisation, shapes and masks.

    Integers of 32 bits count where they are biases of quantised operators.
    """
    truth = file.onnx.TensorProto.BOOL
    stored = {t.name: math.prod(t.dims) for t in file.model.graph.initializer if t.data_type != truth}
    counted: set[str] = set()
    for node in file.model.graph.node:
        names = list(node.input)
        kept = {"BatchNormalization": (0, 1, 2), "QuantizeLinear": (0,), "DequantizeLinear": (0,), "QGemm": (0, 3, 6)}.get(node.op_type)
        if node.op_type.startswith("QLinear"):
            kept = (0, 3, 8)
        if node.op_type == "MatMulNBits":  # several weights a byte
            kept, sizes = (0, 1, 5), {a.name: a.i for a in node.attribute}
            stored[names[1]] = sizes.get("N", 0) * sizes.get("K", 0)
        biases = {n for i, n in enumerate(names) if kept and i in (kept[-1], 0)}
        for i, name in enumerate(names):
            whole = file.known.dtypes.get(name) in ("int64", "int32")
            if (kept is None or i in kept) and (not whole or name in biases):
                counted.add(name)
    return sum(size for name, size in stored.items() if name in counted)
