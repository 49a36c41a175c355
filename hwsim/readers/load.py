"""`load_graph`: a shipped trace by name, or a file of any format that is read, -> Graph. Files and graphs are cached."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from hwsim.core.dtype import block_format, dtype
from hwsim.core.errors import InvalidTrace, Location, nearest
from hwsim.core.graph import Graph, single_op
from hwsim.core.op import Op
from hwsim.core.operators_spiking import ATTRIBUTES, SPIKING_KINDS, over_timesteps, spikes_of
from hwsim.core.resources import shipped
from hwsim.readers.gemm_csv import read_gemm_csv
from hwsim.readers.huggingface import read_decoder, read_huggingface
from hwsim.readers.networks import ALIASES, NAMES, is_network, read_network
from hwsim.readers.networks_spiking import SPIKING_NAMES, is_spiking, read_spiking
from hwsim.readers.scalesim import is_topology, read_topology
from hwsim.readers.suite import SUITES, is_suite, read_suite
from hwsim.readers.timeloop import is_problem, read_problem
from hwsim.readers.trace import read_trace
from hwsim.readers.yaml_file import changed_at, load_yaml, read_text

__all__ = ["graph_of_workload", "load_graph", "trace_names", "trace_path"]

_SUFFIXES = (".json", ".yaml", ".yml", ".csv", ".onnx", ".pt2")
_OP_FIELDS = ("dtype", "weight_dtype", "weight_density", "function", "operand_role")
_ATTRIBUTES = ("kv_dtype", "math_dtype", *ATTRIBUTES)  # of one operator: the cache's format, the accumulator's, those of spiking networks
_FUNCTIONS = {"pool": "kind", "fft": "input"}  # how case files name the variant of these operators
_OF_PROGRAMS = ("dtype", "weight_dtype", "allow_unknown", "fuse")
_FOR_THE_CALLER = ("component", "layer")


def load_graph(trace: Any, **options: Any) -> Graph:
    """Return the operator graph called `trace`, or read from a path, or of a program that torch.export made.

    A path is a Hugging Face ``config.json`` (or its folder), an ``.onnx`` model (options `batch`, `dims`, `dtype`, `weight_dtype`,
    `allow_unknown`, `fuse`: `hwsim.readers.frameworks.onnx.read_onnx`), a ``.pt2`` program of torch.export, a native trace ``.yaml``, a problem of
    Timeloop in YAML, or a ``.csv`` of matrix multiplications or of a SCALE-Sim topology. The options of a
    language model are those of `hwsim.readers.huggingface.read_huggingface` (phase, prompt, context, generate, batch, dtype...), of an image
    network those of `hwsim.readers.networks.read_network` (`input`, the height and width, `batch`, `dtype`...), of a spiking network those of
    `hwsim.readers.networks_spiking.read_spiking` (`timesteps`, `layer_rates`...), of a CSV `chain` and `dtype`; a native trace takes none. An
    option of None counts as absent. The same request gives the same (immutable) graph.

    Raises `InvalidTrace` for an unknown name or option (naming the nearest), a malformed file, or a request the model cannot serve.

    >>> load_graph("llama3-8b", phase="decode", context=4096).meta["model"]["parameters"]
    8030261248
    """
    if isinstance(sizes := options.get("dims"), Mapping):
        options = {**options, "dims": ",".join(f"{name}={size}" for name, size in sizes.items())}
    if type(trace).__name__ == "ExportedProgram":
        from hwsim.readers.frameworks.torch_export import read_program  # noqa: PLC0415  (an extra)

        return _in_whole_blocks(read_program(trace, **_known("a program", _OF_PROGRAMS, options)))
    if isinstance(trace, str) and is_spiking(trace) and "spikes" in options:  # not kept: its spike file may change
        return read_spiking(trace, **{key: value for key, value in options.items() if value is not None})
    if isinstance(trace, str) and is_generated(trace):
        path, name = Path(trace), trace
    else:
        path, name = trace_path(trace)
    given = tuple(sorted((key, type(value).__name__, _frozen(value)) for key, value in options.items() if value is not None))
    stamp = changed_at(path)
    try:
        return _load(path, stamp, name, given)
    except TypeError as bad:  # an option that no cache can hold
        if "unhashable" not in str(bad):
            raise
        raise InvalidTrace(f"trace '{name}': {bad} in the options") from None


def is_generated(name: str) -> bool:
    """Tell whether a generator makes the trace called `name`: there is no file of it."""
    return is_network(name) or is_suite(name) or is_spiking(name)


def trace_names() -> list[str]:
    """Return the names of the shipped traces, sorted.

    >>> "llama3-8b" in trace_names()
    True
    """
    return sorted({*_shipped(), *NAMES, *SUITES, *SPIKING_NAMES})


def graph_of_workload(workload: Mapping[str, Any]) -> Graph:
    """Return the graph of a workload: ``{op: KIND, bounds...}`` or ``{trace: NAME, options...}``.

    `component` and `layer` are left to the caller. Raises `InvalidTrace`; a primitive is no graph.

    >>> graph_of_workload({"op": "matmul", "m": 2, "k": 3, "n": 4, "dtype": "fp16"}).macs
    24
    >>> graph_of_workload({"trace": "llama3-8b", "phase": "decode", "context": 512, "layers": 1}).phase
    'decode'
    """
    rest = {key: value for key, value in workload.items() if key not in _FOR_THE_CALLER}
    forms = [form for form in ("op", "trace", "primitive") if form in rest]
    if len(forms) != 1 or not isinstance(rest[forms[0]], str):
        raise InvalidTrace("a workload states one of op, trace and primitive, by name")
    name = rest.pop(forms[0])
    if forms == ["primitive"]:
        raise InvalidTrace(f"primitive '{name}' is one mechanism of a target, not an operator graph")
    if forms == ["trace"]:
        return load_graph(name, **_positions(name, rest))
    if (variant := _FUNCTIONS.get(name, "")) in rest:
        rest["function"] = rest.pop(variant)
    extra = {key: rest.pop(key) for key in _ATTRIBUTES if key in rest}
    attrs: dict[str, Any] = {"attrs": extra} if extra else {}
    fields: dict[str, Any] = {key: rest.pop(key) for key in _OP_FIELDS if key in rest}
    if name in SPIKING_KINDS or over_timesteps(extra):
        fields.setdefault("dtype", "fp32")  # of networks of spikes, as their generators have it
    if clash := [key for key in rest if key in ("name", "label", "phase", "repeat", "attrs", "kind", "inputs", "outputs", "output", "bounds")]:
        raise InvalidTrace(f"operator '{name}' has no argument '{clash[0]}'")
    graph = single_op(name, **rest, **fields, **attrs)
    spikes_of(graph.ops[0])  # their form is checked whoever reads them
    return _in_whole_blocks(graph)


def _positions(name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with `max_context` raised to the positions asked for: what was measured beyond a model's published maximum did run."""
    sizes = [value for key in ("prompt", "generate") if type(value := options.get(key)) is int]  # others are refused when read
    needed = options.get("context") or sum(sizes)
    path = _shipped().get(name)
    if path is None or path.suffix != ".json" or type(needed) is not int or needed <= read_decoder(path).max_context:
        return options
    return {"max_context": needed, **options}


def trace_path(trace: str | Path) -> tuple[Path, str]:
    """Return (file, trace name) meant by a name or a path. Raises `InvalidTrace` for an unknown name, naming the nearest ones.

    >>> trace_path("llama3-8b")[1]
    'llama3-8b'
    """
    text, path = str(trace), Path(trace)
    known = _shipped()
    if isinstance(trace, str) and text in known:
        return known[text], text
    if path.suffix.lower() in _SUFFIXES:
        return path, path.resolve().parent.name if path.name == "config.json" else path.stem
    if "/" in text or text in (".", "..") or path.is_file():
        if not path.exists():
            raise InvalidTrace("no such file or folder", location=Location(text))
        if path.is_dir():
            return path / "config.json", path.resolve().name
        raise InvalidTrace(f"what format is this? known endings: {', '.join(_SUFFIXES)}", location=Location(text))
    close = nearest(text, (*known, *NAMES, *ALIASES, *SUITES, *SPIKING_NAMES))
    raise InvalidTrace(f"unknown trace '{text}'{close}; `hwsim traces` lists them (or give a path)")


def _shipped() -> dict[str, Path]:
    """Return the shipped traces: a folder with a config.json, or a file of any format."""
    found: dict[str, Path] = {}
    for path in sorted(shipped("traces").iterdir()) if shipped("traces").is_dir() else []:
        if (path / "config.json").is_file():
            found[path.name] = path / "config.json"
        elif path.suffix in _SUFFIXES[1:]:
            found[path.stem] = path
    return found


@lru_cache(maxsize=64)
def _load(path: Path, stamp: int, name: str, given: tuple[tuple[str, str, Any], ...]) -> Graph:
    options = {key: value for key, _, value in given}
    if is_suite(name) and str(path) == name:
        return read_suite(name, **options)
    if is_spiking(name) and str(path) == name:
        return read_spiking(name, **options)
    if is_network(name) and str(path) == name:
        return _in_whole_blocks(read_network(name, **options))
    return _in_whole_blocks(_READERS[path.suffix.lower()](path, name, options))


def _in_whole_blocks(graph: Graph) -> Graph:
    """Return the graph. Raises `InvalidTrace` for a block format whose blocks do not fill the rows, and for one of activations.

    Rows are as the formats' files store them: the weights of one result of a product or convolution, one entry of a table, one position's keys.
    """
    for op in graph.ops:
        if block_format(op.dtype):
            raise InvalidTrace(f"operator '{op.name}': {op.dtype} is a format of stored weights and caches, not of activations (dtype)")
        if block_format(op.weight_dtype, str(op.attrs.get("kv_dtype", op.dtype))):
            _check_rows(op)
    return graph


def _check_rows(op: Op) -> None:
    for operand in op.operands:
        name, shape = op.dtype_of(operand), operand.shape
        if len(shape) < 2 or not block_format(name):  # vectors (biases, gains) have no rows
            continue
        row = shape[1] if op.kind == "matmul" else math.prod(shape[2:] if operand.role == "kv_cache" else shape[1:])
        if row % dtype(name).block:
            raise InvalidTrace(f"operator '{op.name}': {name} stores blocks of {dtype(name).block}, and a row of its {operand.name} holds {row}")


def _huggingface(path: Path, name: str, options: dict[str, Any]) -> Graph:
    return read_huggingface(path, name, **options)


def _native(path: Path, name: str, options: dict[str, Any]) -> Graph:
    if "problem" in read_text(path, InvalidTrace) and is_problem(load_yaml(path, InvalidTrace)):
        return read_problem(path, **_known(f"trace '{name}'", ("dtype",), options))
    if options:
        raise InvalidTrace(f"trace '{name}' is a fixed graph: it takes no option '{next(iter(options))}'")
    return read_trace(path)


def _csv(path: Path, name: str, options: dict[str, Any]) -> Graph:
    if is_topology(read_text(path, InvalidTrace)):
        return read_topology(path, **_known(f"trace '{name}'", ("dtype",), options))
    known = ("chain", "dtype")
    if unknown := [key for key in options if key not in known]:
        raise InvalidTrace(f"trace '{name}' has no option '{unknown[0]}'{nearest(unknown[0], known)}; it has {', '.join(known)}")
    return read_gemm_csv(path, **options)


def _onnx(path: Path, name: str, options: dict[str, Any]) -> Graph:
    from hwsim.readers.frameworks.onnx import read_onnx  # noqa: PLC0415  (an extra)

    return read_onnx(path, **_known(f"trace '{name}'", ("batch", "dims", *_OF_PROGRAMS), options))


def _pt2(path: Path, name: str, options: dict[str, Any]) -> Graph:
    from hwsim.readers.frameworks.torch_export import read_pt2  # noqa: PLC0415  (an extra)

    return read_pt2(path, **_known(f"trace '{name}'", _OF_PROGRAMS, options))


def _known(what: str, known: tuple[str, ...], options: dict[str, Any]) -> dict[str, Any]:
    """Return the options that are stated. Raises `InvalidTrace` for one that is not known."""
    if unknown := [key for key in options if key not in known]:
        raise InvalidTrace(f"{what} has no option '{unknown[0]}'{nearest(unknown[0], known)}; it has {', '.join(known)}")
    return {key: value for key, value in options.items() if value is not None}


_READERS: dict[str, Callable[[Path, str, dict[str, Any]], Graph]] = {
    ".json": _huggingface, ".yaml": _native, ".yml": _native, ".csv": _csv, ".onnx": _onnx, ".pt2": _pt2,
}  # fmt: skip


def _frozen(value: Any) -> Any:
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value
