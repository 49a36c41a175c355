"""An ONNX file as operators with known shapes: dimensions fixed, constants folded, weights never loaded.

Shapes come from the package's own inference, node by node, with what is computed from shapes folded on the way by its reference evaluator.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import InvalidTrace, Location, nearest

SMALL = 65_536  # elements of a constant that is folded
LAID_OUT = "com.microsoft.nchwc"  # operators on blocks of channels
MASK = 2**24  # of a mask: truth values, or numbers of a single sequence and head
DTYPES = {
    "FLOAT": "fp32", "FLOAT16": "fp16", "BFLOAT16": "bf16", "DOUBLE": "fp64", "INT8": "int8", "UINT8": "uint8", "INT16": "int16", "UINT16": "uint16",
    "INT32": "int32", "UINT32": "uint32", "INT64": "int64", "UINT64": "int64", "BOOL": "uint8", "INT4": "int4", "UINT4": "uint4",
    "FLOAT8E4M3FN": "fp8", "FLOAT8E5M2": "fp8", "FLOAT4E2M1": "fp4",
}  # fmt: skip
Shape = tuple[int, ...]


MALFORMED = (KeyError, IndexError, ValueError, TypeError, AttributeError, ZeroDivisionError)  # what an operator not of its form leads to


def malformed(kind: str, name: str, bad: BaseException) -> str:
    """Say which operator is not of the form that its definition has."""
    found = f"{type(bad).__name__}: {bad}".strip().splitlines()[0]
    return f"{kind} '{name}' lacks an input or attribute of its definition, or has one of another form ({found}); onnx.checker may tell which"


def onnx_package() -> Any:
    """Return the package ``onnx``. Raises `InvalidTrace` with the command that installs it."""
    try:
        return importlib.import_module("onnx")
    except ModuleNotFoundError:
        raise InvalidTrace("reading ONNX files needs the package onnx: pip install 'hwsim[onnx]'") from None


@dataclass
class Known:
    """What is known of the tensors of a file: shape and number format by name, and the data of small constants."""

    shapes: dict[str, Shape] = field(default_factory=dict)
    dtypes: dict[str, str] = field(default_factory=dict)
    data: dict[str, NDArray[Any]] = field(default_factory=dict)
    stored: set[str] = field(default_factory=set)  # initializers
    types: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Node:
    """One operator of the file: kind, attributes as plain values, input and output names (empty: left out)."""

    kind: str
    name: str
    attrs: Mapping[str, Any]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    domain: str = ""


class OnnxFile:
    """A model whose nodes are walked once, shapes known as they come. Raises `InvalidTrace` for a bad file and for open dimensions."""

    def __init__(self, path: Path, dims: Mapping[str, int], batch: int | None) -> None:
        self.onnx, self.path = onnx_package(), path
        model = self._load()
        self.model = importlib.import_module("onnx.inliner").inline_local_functions(model) if model.functions else model
        self.opsets = {o.domain or "ai.onnx": o.version for o in self.model.opset_import}
        self.known = Known()
        self._fix(dims, batch)
        for tensor in self.model.graph.initializer:
            self._initial(tensor)
        self.inputs = tuple(i.name for i in self.model.graph.input if i.name not in self.known.stored)

    def _load(self) -> Any:
        if not self.path.is_file():
            raise InvalidTrace("is a folder" if self.path.is_dir() else "no such file", location=Location(str(self.path)))
        decode_error = importlib.import_module("google.protobuf.message").DecodeError
        try:
            model = self.onnx.load(str(self.path), load_external_data=False)
        except decode_error as bad:
            raise InvalidTrace(f"is no ONNX file ({bad})", location=Location(str(self.path))) from None
        if not model.graph.node:
            raise InvalidTrace("holds no operator", location=Location(str(self.path)))
        if any(node.domain == LAID_OUT for node in model.graph.node):
            raise self._wrong(f"is laid out for one processor (operators of {LAID_OUT}): save it at optimisation level extended or below")
        return model

    def _fix(self, dims: Mapping[str, int], batch: int | None) -> None:
        """Give every dimension of the inputs a size. Raises `InvalidTrace`, listing all that stay open, or for a name that is none."""
        initial = {t.name for t in self.model.graph.initializer}
        inputs = [i for i in self.model.graph.input if i.name not in initial]
        given = dict(dims)
        symbols = {d.dim_param for i in inputs for d in i.type.tensor_type.shape.dim if d.dim_param}
        if batch is not None:
            given |= self._batch(inputs, batch, symbols)
        if unknown := [name for name in given if name not in symbols]:
            raise self._wrong(f"has no open dimension '{unknown[0]}'{nearest(unknown[0], symbols)}; it has {', '.join(sorted(symbols)) or 'none'}")
        openly = []
        for value in inputs:
            for i, dim in enumerate(value.type.tensor_type.shape.dim):
                if dim.dim_param in given:
                    dim.dim_value = given[dim.dim_param]
                if not dim.HasField("dim_value") or dim.dim_value < 1:
                    openly.append(dim.dim_param or f"dimension {i} of {value.name}")
            self._type(value.name, value.type)
        if openly:
            names = ", ".join(dict.fromkeys(openly))
            raise self._wrong(f"leaves dimensions open: {names}; fix them with dims, such as --arg dims={next(iter(openly))}=1")

    def _batch(self, inputs: Sequence[Any], batch: int, symbols: set[str]) -> dict[str, int]:
        """The open first dimension of the inputs as `batch`; one that is fixed must be equal."""
        first = next((i.type.tensor_type.shape.dim[0] for i in inputs if len(i.type.tensor_type.shape.dim)), None)
        if first is None or not first.dim_param:
            fixed = first.dim_value if first is not None else 1
            if fixed != batch:
                raise self._wrong(f"is exported for a batch of {fixed}, not {batch}")
            return {}
        return {first.dim_param: batch} if first.dim_param in symbols else {}

    def _wrong(self, problem: str) -> InvalidTrace:
        return InvalidTrace(problem, location=Location(str(self.path)))

    def _initial(self, tensor: Any) -> None:
        shape = tuple(tensor.dims)
        self.known.stored.add(tensor.name)
        self._type(tensor.name, self.onnx.helper.make_tensor_type_proto(tensor.data_type, shape))
        if math.prod(shape) <= (MASK if self._mask(tensor) else SMALL) and (data := self._data(tensor)) is not None:
            self.known.data[tensor.name] = data

    def _data(self, tensor: Any) -> NDArray[Any] | None:
        """The elements of a stored tensor; None when they are not in the file. Masks are also read from the file beside it."""
        if tensor.data_location == self.onnx.TensorProto.EXTERNAL:
            return self._beside(tensor) if self._mask(tensor) else None
        shape = tuple(tensor.dims)
        fields = (tensor.raw_data, tensor.float_data, tensor.int32_data, tensor.int64_data, tensor.double_data, tensor.uint64_data)
        if math.prod(shape) and not any(len(f) for f in fields):
            return None
        try:
            return np.asarray(self.onnx.numpy_helper.to_array(tensor))
        except (ValueError, TypeError) as bad:
            raise self._wrong(f"stored tensor '{tensor.name}': {bad}") from None

    def _mask(self, tensor: Any) -> bool:
        """Whether a stored tensor is a mask of scores."""
        return tensor.data_type == self.onnx.TensorProto.BOOL or (len(tensor.dims) == 4 and tuple(tensor.dims[:2]) == (1, 1))

    def _beside(self, tensor: Any) -> NDArray[Any] | None:
        """The elements of a tensor that is stored in a file of its own; None where that is not there or too short."""
        copy = type(tensor)()
        copy.CopyFrom(tensor)
        wrong = importlib.import_module("onnx.checker").ValidationError
        try:
            importlib.import_module("onnx.external_data_helper").load_external_data_for_tensor(copy, str(self.path.parent))
            return np.asarray(self.onnx.numpy_helper.to_array(copy))
        except (OSError, ValueError, wrong):
            return None

    def _type(self, name: str, proto: Any) -> None:
        tensor = proto.tensor_type
        word = self.onnx.TensorProto.DataType.Name(tensor.elem_type)
        if word not in DTYPES or not tensor.HasField("shape") or any(not d.HasField("dim_value") for d in tensor.shape.dim):
            return
        self.known.types[name] = proto
        self.known.shapes[name] = tuple(d.dim_value for d in tensor.shape.dim)
        self.known.dtypes[name] = DTYPES[word]

    def nodes(self) -> Iterator[Node]:
        """Walk the operators that remain after folding, in order; after each its results' shapes are known, where they can be."""
        yield from self._walk(self.model.graph.node)

    def _walk(self, protos: Sequence[Any]) -> Iterator[Node]:
        for i, proto in enumerate(protos):
            attrs = {a.name: self.onnx.helper.get_attribute_value(a) for a in proto.attribute}
            if proto.op_type == "If" and proto.input[0] in self.known.data:
                branch = attrs["then_branch" if bool(self.known.data[proto.input[0]]) else "else_branch"]
                for tensor in branch.initializer:
                    self._initial(tensor)
                yield from self._walk(branch.node)
                for inner, outer in zip(branch.output, proto.output, strict=True):
                    if inner.name in self.known.data:
                        self._set(outer, self.known.data[inner.name])
                        continue
                    if inner.name in self.known.types:
                        self._type(outer, self.known.types[inner.name])
                    yield Node("Identity", outer, {}, (inner.name,), (outer,))
                continue
            try:
                folded = self._fold(proto, attrs)
                plain = {k: v.decode() if isinstance(v, bytes) else v for k, v in attrs.items()}
                if not folded:
                    self._infer(proto)
            except MALFORMED as bad:
                raise self._wrong(malformed(proto.op_type, proto.name or f"{proto.op_type}_{i}", bad)) from bad
            if not folded:
                yield Node(proto.op_type, proto.name or f"{proto.op_type}_{i}", plain, tuple(proto.input), tuple(proto.output), proto.domain)

    def _fold(self, proto: Any, attrs: Mapping[str, Any]) -> bool:
        """Compute what depends on shapes and small constants alone."""
        known = self.known
        if proto.op_type in ("Shape", "Size") and proto.input[0] in known.shapes:
            shape = np.array(known.shapes[proto.input[0]], dtype=np.int64)
            cut = shape[attrs.get("start", 0) : attrs.get("end", len(shape))]
            self._set(proto.output[0], cut if proto.op_type == "Shape" else np.array(shape.prod(), dtype=np.int64))
            return True
        names = [n for n in proto.input if n]
        if (
            proto.domain not in ("", "ai.onnx")
            or any(n not in known.data for n in names)
            or proto.op_type.startswith(("Random", "Quantize", "Dequantize"))
        ):
            return False
        if not names and proto.op_type != "Constant":
            return False
        if any(a.HasField("g") for a in proto.attribute) or (proto.op_type == "ConstantOfShape" and known.data[names[0]].prod() > SMALL):
            return False
        try:
            made = self._evaluate(proto, names)
        except (RuntimeError, ValueError, TypeError, IndexError, AttributeError):  # the reference evaluator has no, or another, form of this operator
            return False
        for name, value in zip(proto.output, made, strict=False):
            if name:
                self._set(name, np.asarray(value))
        return True

    def _evaluate(self, proto: Any, names: Sequence[str]) -> Sequence[Any]:
        helper, known = self.onnx.helper, self.known
        unique = list(dict.fromkeys(names))
        values = [helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(known.data[n].dtype), known.data[n].shape) for n in unique]
        outs = [self.onnx.ValueInfoProto(name=n) for n in proto.output if n]
        model = helper.make_model(helper.make_graph([proto], "one", values, outs), opset_imports=self.model.opset_import)
        evaluator = importlib.import_module("onnx.reference").ReferenceEvaluator(model)
        made: Sequence[Any] = evaluator.run(None, {n: known.data[n] for n in unique})
        return made

    def learn(self, name: str, shape: Shape, dtype: str) -> None:
        """Note the shape and format of a tensor that inference could not tell."""
        word = next(word for word, form in DTYPES.items() if form == dtype)
        self._type(name, self.onnx.helper.make_tensor_type_proto(self.onnx.TensorProto.DataType.Value(word), shape))

    def _set(self, name: str, data: NDArray[Any]) -> None:
        helper = self.onnx.helper
        self._type(name, helper.make_tensor_type_proto(helper.np_dtype_to_tensor_dtype(data.dtype), data.shape))
        self.known.data[name] = data
        self.known.stored.add(name)

    def _infer(self, proto: Any) -> None:
        """Shapes of a node's results, by the schema of its operator; left open where that cannot tell."""
        onnx, known = self.onnx, self.known
        names = [n for n in proto.input if n]
        if any(n not in known.types for n in names) or not onnx.defs.has(proto.op_type, proto.domain):
            return
        version = self.opsets.get(proto.domain or "ai.onnx", 1)
        try:
            schema = onnx.defs.get_schema(proto.op_type, version, proto.domain)
        except onnx.defs.SchemaError:
            raise self._wrong(f"operator '{proto.name or proto.op_type}': opset {version} has no {proto.op_type}") from None
        data = {n: onnx.numpy_helper.from_array(known.data[n], n) for n in names if n in known.data}
        errors = (importlib.import_module("onnx.shape_inference").InferenceError, importlib.import_module("onnx.checker").ValidationError)
        types = {n: known.types[n] for n in names}
        rest: dict[str, Any] = {"opset_imports": list(self.model.opset_import), "ir_version": self.model.ir_version}
        try:
            try:
                made = onnx.shape_inference.infer_node_outputs(schema, proto, types, data, **rest)
            except errors[1]:  # bfloat16 in an operator set that has none yet: runtimes take it, shapes are those of fp32
                wide = {n: self._widened(t) for n, t in types.items()}
                if wide == types:
                    raise
                made = {n: self._widened(t, back=True) for n, t in onnx.shape_inference.infer_node_outputs(schema, proto, wide, {}, **rest).items()}
        except errors as bad:
            raise self._wrong(f"operator '{proto.name or proto.op_type}': {str(bad).strip().splitlines()[-1]}") from None
        for name, proto_type in made.items():
            self._type(name, proto_type)

    def _widened(self, proto: Any, *, back: bool = False) -> Any:
        """A type with fp32 in place of bfloat16, or the other way round."""
        kinds = self.onnx.TensorProto
        before, after = (kinds.FLOAT, kinds.BFLOAT16) if back else (kinds.BFLOAT16, kinds.FLOAT)
        made = type(proto)()
        made.CopyFrom(proto)
        if made.tensor_type.elem_type == before:
            made.tensor_type.elem_type = after
        return made
