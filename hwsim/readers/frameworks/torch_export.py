"""Exported PyTorch programs (torch.export) -> Graph: modules, programs and ``.pt2`` files; weights are never read."""

from __future__ import annotations

import importlib
import math
import operator
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hwsim.core.dtype import dtype as number_format
from hwsim.core.errors import InvalidTrace, Location
from hwsim.core.graph import Graph
from hwsim.readers.frameworks.importer import Importer
from hwsim.readers.frameworks.torch_more import MORE
from hwsim.readers.frameworks.torch_ops import HANDLERS, NOTHING, TorchCall, TorchReading
from hwsim.readers.frameworks.values import Value, causal_mask, stated
from hwsim.readers.frameworks.written import rewritten

DTYPES = {
    "float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "float64": "fp64", "int8": "int8", "uint8": "uint8", "int16": "int16",
    "int32": "int32", "int64": "int64", "bool": "uint8", "float8_e4m3fn": "fp8", "float8_e5m2": "fp8", "complex64": "complex64",
}  # fmt: skip
FLOATS = ("fp32", "fp16", "bf16", "fp64")
FOLDED = 2**24  # elements of a tensor that is computed ahead (masks)
STORED = ("PARAMETER", "BUFFER", "CONSTANT_TENSOR")


def torch_package(name: str = "torch") -> Any:
    """Return the package ``torch`` or a part of it. Raises `InvalidTrace` with the command that installs it."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError:
        raise InvalidTrace("reading PyTorch programs needs the package torch: pip install 'hwsim[torch]'") from None


def graph_of(module: Any, inputs: Sequence[Any], **options: Any) -> Graph:
    """Return the graph of a PyTorch module called with `inputs` (a tuple of tensors; ones of the meta device do): torch.export, then `read_program`.

    Raises `InvalidTrace` for a module that torch.export refuses.

    >>> import torch                                                                                          # doctest: +SKIP
    >>> graph_of(torch.nn.Linear(64, 10), (torch.zeros(1, 64),)).macs                                         # doctest: +SKIP
    640
    """
    export, error = torch_package("torch.export"), torch_package("torch._dynamo.exc")
    if not isinstance(module, torch_package().nn.Module):
        raise InvalidTrace(f"graph_of takes a module of torch.nn, got {type(module).__name__} (programs and files go to load_graph)")
    if not isinstance(inputs, tuple | list):
        raise InvalidTrace(f"graph_of takes the inputs of {type(module).__name__} as a tuple, got {type(inputs).__name__}")
    try:
        program = export.export(module.eval(), tuple(inputs))
    except (error.TorchDynamoException, RuntimeError, ValueError, TypeError) as bad:
        found = str(bad).strip().splitlines()[0]
        way = "; set module.config.use_cache = False" if "Cache" in found and hasattr(module, "config") else ""
        raise InvalidTrace(f"torch.export refuses {type(module).__name__}: {found}{way}") from bad
    return read_program(program, name=type(module).__name__.lower(), **options)


def read_pt2(path: str | Path, **options: Any) -> Graph:
    """Return the graph of a ``.pt2`` file (torch.export.save). Raises `InvalidTrace` for a file that is none, and as `read_program` does."""
    where = Path(path)
    if not where.is_file():
        raise InvalidTrace("no such file", location=Location(str(where)))
    if not zipfile.is_zipfile(where):
        raise InvalidTrace("is no exported PyTorch program (no archive)", location=Location(str(where)))
    with zipfile.ZipFile(where) as archive:
        if any(name.endswith("data.pkl") for name in archive.namelist()):
            problem = "holds pickled objects (torch.save, TorchScript), no exported program (torch.export.save)"
            raise InvalidTrace(problem, location=Location(str(where)))
    export = torch_package("torch.export")
    try:
        program = export.load(str(where))
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError, AssertionError, OSError) as bad:  # as torch finds parts missing
        found = (str(bad).strip() or type(bad).__name__).splitlines()[0]
        raise InvalidTrace(
            f"cannot be read by torch.export.load ({found}); a program with operators of another package, or of another version of torch, "
            "loads where those are: hand the program itself, or the module, to hwsim.graph_of", location=Location(str(where)),
        ) from None  # fmt: skip
    try:
        return read_program(program, name=where.stem, **options)
    except InvalidTrace as bad:
        raise InvalidTrace(bad.problem, location=Location(str(where))) from None


def read_program(program: Any, *, name: str = "", dtype: str = "", weight_dtype: str = "", allow_unknown: bool = False, fuse: bool = True) -> Graph:
    """Return the graph of a program of torch.export.

    `dtype` replaces its floating-point formats, `weight_dtype` the format of all weights. The program is made functional first (no operator is
    decomposed): views cost nothing, a ``clone`` is a copy; norms, activations and rotary embeddings that the module writes out are one operator each
    unless `fuse` is false. Raises `InvalidTrace` for open sizes and for operators that are not known (all at once,
    with counts), which `allow_unknown` leaves out.
    """
    stated("allow_unknown", allow_unknown), stated("fuse", fuse)
    formats = dict.fromkeys(FLOATS, number_format(dtype).name) if dtype else {}
    importer = Importer(formats, number_format(weight_dtype).name if weight_dtype else "")
    walk = _Walk(program, importer)
    walk.run()
    graph = importer.result(allow_unknown, trace=name or "program", parameters=walk.parameters())
    return rewritten(graph, importer) if fuse else graph


ALL = {**HANDLERS, **MORE}


@dataclass
class _Walk:
    """One pass over a program."""

    program: Any
    made: Importer
    values: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)  # of what was computed from no parameter

    def run(self) -> None:
        flat = self.program.run_decompositions({})
        kinds = {spec.arg.name: spec.kind.name for spec in flat.graph_signature.input_specs if hasattr(spec.arg, "name")}
        reading = TorchReading(self.made)
        for node in flat.graph.nodes:
            if node.op == "placeholder":
                self._placeholder(node, kinds.get(node.name, ""))
            elif node.op == "call_function":
                self.made.name = node.name
                self.values[node.name] = self._call(node, reading)
            elif node.op == "output":
                self.made.outputs |= {v.tensor for v in _values([self._plain(list(node.args))]) if v.tensor}

    def _placeholder(self, node: Any, kind: str) -> None:
        found = node.meta.get("val")
        if not hasattr(found, "shape"):
            return
        shape, form = _shape(found, node.name), _format(found, node.name)
        stored = kind in STORED
        self.values[node.name] = self.made.constant(shape, form) if stored else self.made.input(node.name, shape, form)

    def _call(self, node: Any, reading: TorchReading) -> Any:
        if node.target is operator.getitem:
            return self.values[node.args[0].name][node.args[1]]
        found = node.meta.get("val")
        results = [r for r in (found if isinstance(found, list | tuple) else [found]) if hasattr(r, "shape")]
        many = isinstance(found, list | tuple)
        kind = str(node.target).removesuffix(f".{getattr(node.target, '_overloadname', '')}")
        if kind in NOTHING:
            return None
        shapes = tuple((_shape(r, node.name), _format(r, node.name)) for r in results)
        call = TorchCall(kind, node.name, self._arguments(node), shapes, _used(node, len(results)))
        tensors = list(_values(call.args.values()))
        if all(v.constant for v in tensors):  # made of stored values, or of none: done once, ahead of time
            made = [self.made.constant(shape, form) for shape, form in call.results]
            if len(made) == 1 and self._compute(node, made[0]):
                made = [replace(made[0], causal=causal_mask(self.data[node.name].numpy()))]
        elif shapes and not any(math.prod(shape) for shape, _ in shapes):  # nothing in it
            made = [self.made.constant(shape, form) for shape, form in call.results]
        elif (handler := ALL.get(kind.removeprefix("aten."))) is None:
            made = self.made.skip(kind, call.results)
        else:
            made = handler(reading, call)
            made += [self.made.constant(shape, form) for shape, form in call.results[len(made) :]] if many else []
        return made if many else next(iter(made), None)

    def _compute(self, node: Any, value: Value) -> bool:
        """Compute what depends on no parameter (masks, positions), as far as it is small."""
        torch = torch_package()
        names = [n.name for n in node.all_input_nodes]
        word = str(node.target)
        if value.elements > FOLDED or any(n not in self.data for n in names) or not word.startswith("aten.") or "rand" in word:
            return False

        def real(n: Any) -> Any:
            return self.data[n.name]

        args, kwargs = (torch.fx.map_arg(given, real) for given in (node.args, node.kwargs))
        if "device" in kwargs:
            kwargs = {**kwargs, "device": "cpu"}
        try:
            made = node.target(*args, **kwargs)
        except (RuntimeError, NotImplementedError):  # a kernel that this processor has not
            return False
        kept = hasattr(made, "numpy") and made.device.type == "cpu" and made.dtype is not torch.bfloat16
        if kept:
            self.data[node.name] = made
        return kept

    def _arguments(self, node: Any) -> dict[str, Any]:
        """Arguments by the names of the operator's schema, tensors as values."""
        schema = getattr(node.target, "_schema", None)
        if schema is None:
            return {str(i): self._plain(a) for i, a in enumerate(node.args)}
        found = {}
        for i, argument in enumerate(schema.arguments):
            given = node.args[i] if i < len(node.args) else node.kwargs.get(argument.name, argument.default_value)
            found[argument.name] = self._plain(given)
        return found

    def _plain(self, given: Any) -> Any:
        if isinstance(given, list | tuple):
            return [self._plain(item) for item in given]
        name = getattr(given, "name", None)
        return self.values.get(name, given) if isinstance(name, str) and hasattr(given, "users") else given

    def parameters(self) -> int:
        """Elements of the parameters; tied ones (of a file: those that share their memory) count once."""
        known = {(p.data_ptr() or id(p), tuple(p.shape)): p for _, p in self.program.named_parameters()}
        return sum(math.prod(p.shape) for p in known.values())


def _used(node: Any, results: int) -> tuple[bool, ...]:
    """Whether anything reads each result of an operator."""
    read = {user.args[1] for user in node.users if user.target is operator.getitem and user.users}
    return tuple(i in read or results == 1 for i in range(results))


def _values(given: Any) -> list[Value]:
    found: list[Value] = []
    for item in given:
        found += [item] if isinstance(item, Value) else _values(item) if isinstance(item, list) else []
    return found


def _shape(tensor: Any, name: str) -> tuple[int, ...]:
    sizes = list(tensor.shape)
    if any(type(s) is not int for s in sizes):
        openly = ", ".join(str(s) for s in sizes if type(s) is not int)
        if "u" in openly:  # torch's name of a size that no input tells
            raise InvalidTrace(f"'{name}' has sizes that depend on the values ({openly}): export the part of the network before it")
        raise InvalidTrace(f"'{name}' has open sizes ({openly}): export the program for fixed ones (without dynamic_shapes)")
    return tuple(sizes)


def _format(tensor: Any, name: str) -> str:
    word = str(tensor.dtype).removeprefix("torch.")
    if word not in DTYPES:
        raise InvalidTrace(f"'{name}' is of the type {word}, which is not read")
    return DTYPES[word]
