"""The native trace file: an operator graph as YAML, one line per tensor and operator.

```yaml
schema: hwsim.trace/1
meta: {trace: tiny, batch: 1}                       # optional, free: trace name, phase, batch, figures of the model
tensors:                                            # role: input, weight, activation, kv_cache or state; default activation
  x: {shape: [1, 64], dtype: fp16, role: input}
ops:
- {name: fc, kind: matmul, bounds: {m: 1, k: 64, n: 10}, inputs: [x]}
- {name: act, kind: elementwise, function: relu, bounds: {rows: 1, cols: 10}, inputs: [fc.out]}
```

An operator states `name`, `kind` and `bounds`; `dtype` is fp16 unless stated, and every other field of `hwsim.core.op.Op` may be stated too
(`weight_dtype`, `weight_density`, `function`, `operand_role`, `label`, `layer`, `phase`, `repeat`, `attrs`). Inputs that are left out at the end
are declared from the bounds, as ``NAME.weight``, ``NAME.bias``..., and so are the results, ``NAME.out``. Optional bounds may be left out.
`write_trace` states everything that differs from a default, so that reading it back gives an equal graph (a tuple in meta comes back as a list).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from hwsim.core.errors import HwsimError, InvalidTrace
from hwsim.core.graph import ROLES, Graph, Tensor
from hwsim.core.op import Op
from hwsim.readers.yaml_file import Document, FileModel, KeyPath, load_schema, validate

__all__ = ["read_trace", "trace_text", "write_trace"]

SCHEMA = "hwsim.trace/1"
_LONGEST_KEY = 1000  # YAML allows 1024 characters, quotes and escapes included
Attr = bool | int | float | str
_DEFAULTS: dict[str, Any] = {
    "weight_density": 1.0, "function": "", "operand_role": "weight", "layer": None, "phase": "", "repeat": 1,
}  # fmt: skip


class TensorEntry(FileModel):
    """One tensor of a file."""

    shape: list[int]
    dtype: str = "fp16"
    role: str = "activation"


class OpEntry(FileModel):
    """One operator of a file."""

    name: str
    kind: str
    bounds: dict[str, int]
    inputs: list[str] = Field(default_factory=list)
    outputs: list[str] = Field(default_factory=list)
    dtype: str = "fp16"
    weight_dtype: str = ""
    weight_density: float = 1.0
    function: str = ""
    operand_role: Literal["weight", "activation", "kv_cache"] = "weight"
    label: str = ""
    layer: int | None = None
    phase: str = ""
    repeat: int = 1
    attrs: dict[str, Attr] = Field(default_factory=dict)


class TraceEntry(FileModel):
    """A whole trace file."""

    schema_: str = Field(alias="schema")
    meta: dict[str, Any] = Field(default_factory=dict)
    tensors: dict[str, TensorEntry] = Field(default_factory=dict)
    ops: list[OpEntry]


def read_trace(path: str | Path) -> Graph:
    """Return the graph of a native trace file. Raises `InvalidTrace` with file, line and path of keys.

    >>> from tempfile import TemporaryDirectory
    >>> from hwsim.readers.load import graph_of_workload
    >>> graph = graph_of_workload({"op": "matmul", "m": 2, "k": 3, "n": 4, "dtype": "fp16"})
    >>> with TemporaryDirectory() as folder:
    ...     write_trace(graph, f"{folder}/one.yaml")
    ...     read_trace(f"{folder}/one.yaml").macs
    24
    """
    document = load_schema(path, SCHEMA, "trace", InvalidTrace)
    entry = validate(TraceEntry, document, InvalidTrace)
    tensors: dict[str, Tensor] = {}
    for name, t in entry.tensors.items():
        with _Placed(document, ("tensors", name)):
            tensors[name] = Tensor(name, tuple(t.shape), t.dtype, t.role)
    ops: list[Op] = []
    for i, stated_op in enumerate(entry.ops):
        with _Placed(document, ("ops", i)):
            ops.append(_op(stated_op, tensors))
    with _Placed(document, ()):
        return Graph(tuple(ops), tensors, {"trace": Path(path).stem, **entry.meta})


class _Placed:
    """Gives the errors of a block their place in the file."""

    def __init__(self, document: Document, path: KeyPath) -> None:
        self.document, self.path = document, path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, HwsimError) and error.location is None:
            raise self.document.fail(InvalidTrace, self.path, error.problem) from None


def _op(entry: OpEntry, tensors: dict[str, Tensor]) -> Op:
    """Return the operator of an entry; operands and results that it leaves out are declared in `tensors`."""
    fields = {name: getattr(entry, name) for name in OpEntry.model_fields if name not in ("bounds", "inputs", "outputs")}
    op = Op(bounds=entry.bounds, **fields)
    inputs = list(entry.inputs)
    for operand in op.operands[len(inputs) :]:
        role = op.operand_role if operand.name == "weight" else operand.role
        inputs.append(f"{op.name}.{operand.name}")
        tensors.setdefault(inputs[-1], Tensor(inputs[-1], operand.shape, op.dtype_of(operand), "input" if role == "activation" else role))
    outputs = list(entry.outputs) or [f"{op.name}.out{i or ''}" for i in range(len(op.results))]
    for shape, name in zip(op.results, outputs, strict=False):
        tensors.setdefault(name, Tensor(name, shape, op.dtype))
    return op.twin(op.name, tuple(inputs), tuple(outputs), op.layer)


def trace_text(graph: Graph) -> str:
    """Return the text of a native trace file. Raises `InvalidTrace` for meta that YAML cannot hold.

    >>> from hwsim.readers.load import graph_of_workload
    >>> trace_text(graph_of_workload({"op": "matmul", "m": 2, "k": 3, "n": 4, "dtype": "fp16"})).splitlines()[0]
    'schema: hwsim.trace/1'
    """
    lines = [f"schema: {SCHEMA}", f"meta: {_flow(graph.meta)}", "tensors:" if graph.tensors else "tensors: {}"]
    _check_keys(graph.tensors)
    for name, tensor in graph.tensors.items():
        role = {} if tensor.role == ROLES[2] else {"role": tensor.role}
        lines.append(f"  {_flow(name)}: {_flow({'shape': tensor.shape, 'dtype': tensor.dtype, **role})}")
    lines.append("ops:" if graph.ops else "ops: []")
    lines += [f"- {_flow(_stated(op))}" for op in graph.ops]
    return "\n".join(lines) + "\n"


def write_trace(graph: Graph, path: str | Path) -> None:
    """Write `graph` to a native trace file. Raises `InvalidTrace` as `trace_text` does, and when the file cannot be written.

    >>> from tempfile import TemporaryDirectory
    >>> from hwsim.readers.load import graph_of_workload
    >>> with TemporaryDirectory() as folder:
    ...     write_trace(graph_of_workload({"op": "matmul", "m": 2, "k": 3, "n": 4, "dtype": "fp16"}), f"{folder}/one.yaml")
    """
    text = trace_text(graph)
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as bad:
        raise InvalidTrace(f"{path}: cannot be written: {bad.strerror}") from None


def _stated(op: Op) -> dict[str, Any]:
    defaults = op.spec.defaults
    bounds = {name: value for name, value in op.bounds.items() if name not in defaults or value != defaults[name]}
    stated = {"name": op.name, "kind": op.kind, "bounds": bounds, "inputs": op.inputs, "outputs": op.outputs, "dtype": op.dtype}
    if op.weight_dtype != op.dtype:
        stated["weight_dtype"] = op.weight_dtype
    if op.label != op.kind:
        stated["label"] = op.label
    stated |= {name: value for name, default in _DEFAULTS.items() if (value := getattr(op, name)) != default}
    return {**stated, "attrs": dict(op.attrs)} if op.attrs else stated


def _flow(value: object) -> str:
    """Write plain data as flow YAML (JSON, with characters beyond the basic plane in YAML's way)."""
    _check_keys(value)
    try:
        text = json.dumps(dict(value) if isinstance(value, Mapping) else value, allow_nan=False)
    except (TypeError, ValueError) as bad:
        raise InvalidTrace(f"a trace file cannot hold this: {bad}") from None
    return re.sub(r"\\u(d[89ab]..)\\u(d[c-f]..)", _astral, text).replace("\x7f", "\\u007f")


def _check_keys(value: object) -> None:
    """Refuse, at any depth, a key that is no text (JSON would turn it into one without a word) or too long for YAML."""
    if isinstance(value, Mapping):
        if wrong := [key for key in value if not isinstance(key, str)]:
            raise InvalidTrace(f"keys must be text, got {wrong[0]!r}")
        if long := [key for key in value if len(json.dumps(key)) > _LONGEST_KEY]:
            raise InvalidTrace(f"a trace file cannot hold a key as long as '{long[0][:40]}...'")
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            _check_keys(item)


def _astral(match: re.Match[str]) -> str:
    return f"\\U{0x10000 + ((int(match[1], 16) - 0xD800) << 10) + (int(match[2], 16) - 0xDC00):08x}"
