"""Values with shapes, and the graph that is built of them: what every operator that is read needs."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.dtype import dtype as number_format
from hwsim.core.errors import InvalidTrace
from hwsim.core.graph import Graph, GraphBuilder
from hwsim.core.op import Shape

PARTS = ("slice", "split", "split_with_sizes", "chunk", "narrow", "select", "unbind")  # gathers of a part of a tensor
HIDDEN = -1e3  # a score lowered by more than this is none
CONTIGUOUS = 1  # of a gather: a row of at least one element


@dataclass(frozen=True)
class Value:
    """A tensor of the file: the graph's tensor that holds it (empty for a constant), its shape and number format.

    `causal`: a constant that lets each position see itself and those before.
    """

    tensor: str
    shape: Shape
    dtype: str
    causal: bool = False

    @property
    def elements(self) -> int:
        """Elements in all."""
        return math.prod(self.shape)

    @property
    def constant(self) -> bool:
        """Whether it is stored with the model."""
        return not self.tensor


@dataclass(frozen=True)
class Origin:
    """What made a tensor: the function as the file has it, everything that it reads (constants and broadcast operands too), the result's shape."""

    function: str
    reads: tuple[Value, ...]
    shape: Shape


def causal_mask(mask: NDArray[Any] | None) -> bool:
    """Whether a stored mask keeps each position from those behind it, and from no other: truth values, or numbers added (0 where it may look)."""
    if mask is None or mask.ndim < 2 or mask.shape[-1] < 2 or mask.shape[-2] > mask.shape[-1]:
        return False
    q, kv = mask.shape[-2:]
    allowed = mask if mask.dtype == bool else mask == 0 if mask.dtype.kind == "f" else None
    if allowed is None or not (mask.dtype == bool or bool((mask[~allowed] < HIDDEN).all())):
        return False
    return bool((allowed == np.tril(np.ones((q, kv), bool), kv - q)).all())


def stated(name: str, value: object) -> bool:
    """A flag among the options. Raises `InvalidTrace`."""
    if not isinstance(value, bool):
        raise InvalidTrace(f"{name} is true or false, got {value!r}")
    return value


class Builder:
    """Builds a graph from a file's operators. `formats` replaces number formats (``{"fp32": "fp16"}``), `weight_dtype` those of all weights."""

    def __init__(self, formats: Mapping[str, str] | None = None, weight_dtype: str = "") -> None:
        self.graph = GraphBuilder()
        self.formats, self.weight_dtype = dict(formats or {}), weight_dtype
        self.unknown: Counter[str] = Counter()
        self.where: dict[str, list[str]] = {}
        self.behind = 0  # operators that cannot be read because of an unknown one before them
        self.name = ""  # of the file's operator that is being read
        self.origins: dict[str, Origin] = {}
        self.joined: dict[tuple[object, ...], Value] = {}  # concatenations by axis and parts
        self.outputs: set[str] = set()  # tensors that the network returns

    def form(self, name: str) -> str:
        """Return a number format of the file as asked for."""
        return self.formats.get(number_format(name).name, number_format(name).name)

    def input(self, name: str, shape: Sequence[int], dtype: str) -> Value:
        """Declare an input of the network."""
        return Value(self.graph.tensor(name, shape, role="input", dtype=self.form(dtype)), tuple(shape), self.form(dtype))

    def constant(self, shape: Sequence[int], dtype: str) -> Value:
        """A value stored with the model; it becomes a tensor when an operator reads it."""
        return Value("", tuple(shape), self.form(dtype))

    def view(self, x: Value, shape: Sequence[int]) -> Value:
        """The same elements in another shape: no work. Raises `InvalidTrace` when their number differs."""
        if math.prod(shape) != x.elements:
            raise InvalidTrace(f"'{self.name}' makes {tuple(shape)} of {x.shape}")
        return replace(x, shape=tuple(shape))

    def skip(self, kind: str, shapes: Iterable[tuple[Sequence[int], str]]) -> list[Value]:
        """Note an operator without a meaning here; its results become inputs of the rest."""
        self.unknown[kind] += 1
        self.where.setdefault(kind, []).append(self.name)
        named = ((f"{self.name}.unknown{i}", shape, dtype) for i, (shape, dtype) in enumerate(shapes))
        return [self.input(name, shape, dtype) if math.prod(shape) else self.constant(shape, dtype) for name, shape, dtype in named]

    def _op(self, kind: str, shape: Sequence[int], inputs: Sequence[Value], dtype: str = "", makes: str = "", **rest: Any) -> Value:
        """Add an operator called as the file's (a number behind it when that makes several), reading `inputs` that are tensors.

        `makes`: the format of its result where that is not its own.
        """
        name = self._fresh(self.name)
        names = [self._stored(x, f"{name}.input{i}") for i, x in enumerate(inputs)]
        form = dtype or next((x.dtype for x in inputs), "fp32")
        weights = self.weight_dtype or rest.pop("weight_dtype", form)
        rest.pop("weight_dtype", None)
        if makes:
            self.graph.tensor(f"{name}.out", shape, dtype=makes)
        out = self.graph.op(kind, name, names, dtype=form, weight_dtype=weights, **rest)
        made = Value(out, self.graph.tensors[out].shape, makes or form)
        self.origins[out] = Origin(str(rest.get("function", kind)), tuple(inputs), tuple(shape))
        return self.view(made, shape)

    def _fresh(self, name: str) -> str:
        taken = {f"{name}.out"} & self.graph.tensors.keys()
        if not taken:
            return name
        return next(f"{name}.{i}" for i in range(1, len(self.graph.ops) + 2) if f"{name}.{i}.out" not in self.graph.tensors)

    def _stored(self, x: Value, name: str) -> str:
        """The tensor of a value; a constant among activations becomes an input that is read like them."""
        return x.tensor or self.graph.tensor(name, x.shape, role="input", dtype=x.dtype)

    def each(self, function: str, xs: Sequence[Value], shape: Sequence[int], makes: str = "", word: str = "") -> Value:
        """An elementwise function; a smaller operand is broadcast, one of a single row or constant becomes part of the pass.

        `makes`: the format of the result in the file (truth values of a comparison); a number keeps the operands' format. `word`: the function's
        own name where several share one here.
        """
        whole = [x for x in xs if x.elements == math.prod(shape)]
        wanted = tuple(shape)
        if not whole:  # all are broadcast: the first is repeated
            whole = [self.repeat(next(x for x in xs if not x.constant) if any(not x.constant for x in xs) else xs[0], wanted)]
        read = [x for x in whole if not x.constant] or whole[:1]
        cols = shape[-1] if shape else 1
        one = {"add": "bias", "sub": "bias", "mul": "scale", "div": "scale"}
        name = one.get(function, function) if len(read) == 1 else function
        form = next((x.dtype for x in read), "fp32")
        cast = {x.tensor: self.cast(x, form) for x in read}
        read = [cast[x.tensor] for x in read]
        truth = number_format(makes).name if makes and function in ("compare", "neg") and number_format(makes).bits == 8 else ""
        made = self._op(
            "elementwise", shape, read, makes=truth, function=name, rows=math.prod(shape) // max(1, cols), cols=cols, operands=len(read), label=name
        )
        everything = [cast.get(x.tensor, x) if not x.constant else x for x in xs]
        if all(r in everything for r in read):
            self.origins[made.tensor] = Origin(word or function, tuple(everything), tuple(shape))
        return made

    def also_reads(self, made: Value, x: Value) -> None:
        """Note an operand of a result that is no part of its operator (a mask)."""
        origin = self.origins[made.tensor]
        self.origins[made.tensor] = replace(origin, reads=(*origin.reads, x))

    def cast(self, x: Value, dtype: str) -> Value:
        """Another number format."""
        form = self.form(dtype)
        if x.constant or x.dtype == form:
            return replace(x, dtype=form)
        cols = x.shape[-1] if x.shape else 1
        return self._op("elementwise", x.shape, [x], makes=form, function="cast", rows=x.elements // cols, cols=cols, label="cast")

    def mean(self, x: Value, cols: int, shape: Sequence[int], makes: str = "", function: str = "average", word: str = "") -> Value:
        """One figure of every run of `cols` elements (a sum, mean, maximum, or, in the format `makes`, its position); `word`: which."""
        rows = x.elements // cols
        made = self._op("pool", shape, [x], makes=makes, function=function, n=rows, c=1, h=1, w=cols, r=1, s=cols, stride=cols, label="reduce")
        self.origins[made.tensor] = Origin(word or function, (x,), tuple(shape))
        return made

    def gather(self, x: Value, shape: Sequence[int], label: str, *, run: int = CONTIGUOUS, makes: str = "") -> Value:
        """Positions of x in another number or order, `run` elements at a time (slice, pad, resize); or, in the format `makes`, their indices."""
        wanted = math.prod(shape)
        run = math.gcd(run, math.gcd(wanted, x.elements))
        name = self._fresh(self.name)
        ids = self.input(f"{name}.positions", (wanted // run,), "int32")
        fields: dict[str, Any] = {"rows": wanted // run, "vocab": x.elements // run, "cols": run}
        made = self._op(
            "embedding", shape, [ids, x], dtype=x.dtype, makes=makes, operand_role="activation", label=label, weight_dtype=x.dtype, **fields
        )
        self.origins[made.tensor] = Origin("slice" if label in PARTS else label, (x,), tuple(shape))
        return made

    def copy(self, x: Value, shape: Sequence[int], label: str) -> Value:
        """All elements in another order (transpose)."""
        cols = x.shape[-1] if x.shape else 1
        return self._op("elementwise", shape, [x], function="copy", rows=x.elements // cols, cols=cols, label=label)

    def repeat(self, x: Value, shape: Sequence[int]) -> Value:
        """Elements repeated to fill a larger shape (expand, tile)."""
        return self.view(x, shape) if x.elements == math.prod(shape) else self.gather(x, shape, "repeat", run=_common_run(x.shape, shape))

    def pad(self, x: Value, pads: Sequence[int]) -> Value:
        """Zeros around the last dimensions: `pads` are begins, then ends."""
        half = len(pads) // 2
        lead = len(x.shape) - half
        shape = (*x.shape[:lead], *(s + b + e for s, b, e in zip(x.shape[lead:], pads[:half], pads[half:], strict=True)))
        return x if shape == x.shape else self.gather(x, shape, "pad")

    def result(self, allow_unknown: bool, **meta: Any) -> Graph:
        """Return the graph. Raises `InvalidTrace`, naming every unknown operator with its count, unless they are allowed."""
        if self.unknown:
            listed = ", ".join(f"{count} x {kind} ({_some(self.where[kind])})" for kind, count in sorted(self.unknown.items()))
            if not allow_unknown or self.behind:
                lost = f"{self.behind} operators behind them have no known shapes: export the network up to there"
                count = sum(self.unknown.values())
                are = "operators are" if count > 1 else "operator is"
                raise InvalidTrace(f"{count} {are} not known: {listed}; {lost if self.behind else 'allow_unknown leaves them out'}")
            meta["note"] = f"left out, not known: {listed}"
        if not self.graph.ops:
            raise InvalidTrace("no operator is left: the file computes nothing")
        self._drop_unread()
        return self.graph.graph(**meta)

    def _drop_unread(self) -> None:
        """Forget inputs that nothing reads."""
        used = {t for op in self.graph.ops for t in (*op.inputs, *op.outputs)}
        for name in [n for n in self.graph.tensors if n not in used]:
            del self.graph.tensors[name]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:2]) + (" ..." if len(names) > 2 else "")


def _common_run(shape: Sequence[int], wanted: Sequence[int]) -> int:
    """Elements at the end of both shapes that stay side by side."""
    run = 1
    for a, b in zip(reversed(shape), reversed(wanted), strict=False):
        if a != b:
            break
        run *= a
    return run


def broadcast(a: Sequence[int], b: Sequence[int]) -> Shape:
    """The shape that two shapes are broadcast to."""
    wide = max(len(a), len(b))
    return tuple(max(x, y) for x, y in zip([1] * (wide - len(a)) + list(a), [1] * (wide - len(b)) + list(b), strict=True))
