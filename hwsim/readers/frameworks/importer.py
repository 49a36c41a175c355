"""What the readers of framework files share: values with shapes, and one method per meaning of an operator.

A front end walks its file and calls these methods; views (reshape, squeeze) make no operator, copies (transpose, slice, pad) make data movement.
Operators without a meaning here are collected and reported together.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hwsim.core.dtype import dtype as number_format
from hwsim.core.errors import InvalidTrace
from hwsim.core.graph import Graph, GraphBuilder
from hwsim.core.op import Shape
from hwsim.core.operators import CONCAT_PARTS, conv_output

CONTIGUOUS = 1  # of a gather: a row of at least one element


@dataclass(frozen=True)
class Value:
    """A tensor of the file: the graph's tensor that holds it (empty for a constant), its shape and number format."""

    tensor: str
    shape: Shape
    dtype: str

    @property
    def elements(self) -> int:
        """Elements in all."""
        return math.prod(self.shape)

    @property
    def constant(self) -> bool:
        """Whether it is stored with the model."""
        return not self.tensor


class Importer:
    """Builds a graph from a file's operators. `formats` replaces number formats (``{"fp32": "fp16"}``), `weight_dtype` those of all weights."""

    def __init__(self, formats: Mapping[str, str] | None = None, weight_dtype: str = "") -> None:
        self.graph = GraphBuilder()
        self.formats, self.weight_dtype = dict(formats or {}), weight_dtype
        self.unknown: Counter[str] = Counter()
        self.where: dict[str, list[str]] = {}
        self.behind = 0  # operators that cannot be read because of an unknown one before them
        self.name = ""  # of the file's operator that is being read

    # -- values ------------------------------------------------------------------------------------------------------------------------------

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
        return [self.input(f"{self.name}.unknown{i}", shape, dtype) for i, (shape, dtype) in enumerate(shapes)]

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
        return self.view(made, shape)

    def _fresh(self, name: str) -> str:
        taken = {f"{name}.out"} & self.graph.tensors.keys()
        if not taken:
            return name
        return next(f"{name}.{i}" for i in range(1, len(self.graph.ops) + 2) if f"{name}.{i}.out" not in self.graph.tensors)

    def _stored(self, x: Value, name: str) -> str:
        """The tensor of a value; a constant among activations becomes an input that is read like them."""
        return x.tensor or self.graph.tensor(name, x.shape, role="input", dtype=x.dtype)

    # -- products ----------------------------------------------------------------------------------------------------------------------------

    def linear(self, x: Value, weight: Value, n: int, shape: Sequence[int], *, bias: bool = False, label: str = "linear") -> Value:
        """x (..., k) times stored weights of k x n."""
        k = x.shape[-1]
        return self._op("matmul", shape, [x], m=x.elements // k, k=k, n=n, bias=int(bias), label=label, weight_dtype=weight.dtype)

    def matmul(self, x: Value, y: Value, shape: Sequence[int], *, label: str = "matmul") -> Value:
        """x (..., m, k) times y (..., k, n), leading sizes broadcast; y stored or computed. A computed right side shared by all is one product."""
        if len(x.shape) == 1:
            x = self.view(x, (1, *x.shape))
        if len(y.shape) == 1:
            y = self.view(y, (*y.shape, 1))
        k, n = y.shape[-2], y.shape[-1]
        m, lead, stored = x.shape[-2], math.prod(x.shape[:-2]), math.prod(y.shape[:-2])
        fields: dict[str, Any] = {"k": k, "n": n, "label": label}
        if stored == 1:
            batch, m, shared = 1, lead * m, 1
        else:
            batch = max(lead, stored)
            shared = batch // stored
            if lead < batch:
                x = self.repeat(x, (*y.shape[:-2], m, k))
        if y.constant:
            return self._op("matmul", shape, [x], batch=batch, m=m, shared=shared, weight_dtype=y.dtype, **fields)
        return self._op("matmul", shape, [x, y], batch=batch, m=m, shared=shared, operand_role="activation", weight_dtype=y.dtype, **fields)

    def attention(self, q: Value, k: Value, v: Value, shape: Sequence[int], *, causal: bool = False) -> Value:
        """Softmax(q kT) v of q (..., heads, queries, d) and k, v (..., heads, keys, d), in one operator. Raises `InvalidTrace` for unlike sizes."""
        *lead, heads, queries, d = q.shape
        keys, kv_heads = k.shape[-2], k.shape[-3]
        sizes: dict[str, Any] = {"batch": math.prod(lead), "heads": heads, "q": queries, "kv": keys, "head_dim": d}
        sizes["kv_heads"] = 0 if kv_heads == heads else kv_heads
        return self._op(
            "attention", shape, [q, k, v], causal=int(causal), operand_role="activation", label="attention", weight_dtype=q.dtype, **sizes
        )

    def conv(
        self, x: Value, weight: Value, shape: Sequence[int], *, strides: Sequence[int], pads: Sequence[int], dilations: Sequence[int], groups: int,
        bias: bool,
    ) -> Value:  # fmt: skip
        """A convolution of one or two dimensions over x (n, c, ...) with weights (k, c / groups, ...); `pads` are begins, then ends.

        Raises `InvalidTrace` for strides or dilations that differ by direction, and for three dimensions.
        """
        self._even("convolution", x, strides, dilations)
        window, stride, dilation = weight.shape[2:], strides[0], dilations[0]
        (h, w), (r, s), (out_h, out_w) = (sizes if len(sizes) == 2 else (1, *sizes) for sizes in (x.shape[2:], window, shape[2:]))
        fields: dict[str, Any] = {
            "n": x.shape[0], "c": x.shape[1], "h": h, "w": w, "k": weight.shape[0], "r": r, "s": s, "stride": stride, "dilation": dilation,
            "groups": groups,
        }  # fmt: skip
        padding = self._padding(fields, len(window) == 1, pads, (out_h, out_w))
        if padding is None:  # uneven in a way that no window form has: padded by a copy, as frameworks without it do
            x = self.pad(x, pads)
            h, w = x.shape[2:] if len(window) == 2 else (1, x.shape[2])
            fields |= {"h": h, "w": w}
        fields |= padding or {}
        return self._op("conv2d", shape, [x], bias=int(bias), label="conv", weight_dtype=weight.dtype, **fields)

    def _even(self, what: str, x: Value, strides: Sequence[int], dilations: Sequence[int]) -> None:
        if len(x.shape) not in (3, 4):
            raise InvalidTrace(f"'{self.name}': a {what} over {len(x.shape) - 2} dimensions has no model (one or two have)")
        if len({*strides}) > 1 or len({*dilations}) > 1:
            raise InvalidTrace(
                f"'{self.name}': a {what} with strides {tuple(strides)} and dilations {tuple(dilations)}, unlike in the two directions"
            )

    @staticmethod
    def _padding(fields: Mapping[str, int], flat: bool, pads: Sequence[int], out: tuple[int, int]) -> dict[str, int] | None:
        """The fields pad, same or flat that give this output; None when none does."""
        tried: list[dict[str, int]] = [{"pad": pad} for pad in sorted({*pads, sum(pads) // len(pads)})]
        if flat and fields["s"] > 1:
            tried = [{**form, "flat": 1} for form in tried]
        elif any(pads):
            tried.append({"same": 1, "pad": 0})
        for form in tried:
            b = {**fields, **form}
            if (conv_output(b["h"], b["r"], b), conv_output(b["w"], b["s"], b)) == out:
                return form
        return None

    def transposed_conv(self, x: Value, weight: Value, shape: Sequence[int], *, groups: int) -> Value:
        """A transposed convolution: every input position's product with k r s weights, then the sum of what overlaps."""
        n, c, positions = x.shape[0], x.shape[1], math.prod(x.shape[2:])
        wide = math.prod(weight.shape[1:])  # k / groups x window
        spread = self._op(
            "matmul",
            (groups, n * positions, wide),
            [x],
            batch=groups,
            m=n * positions,
            k=c // groups,
            n=wide,
            label="conv",
            weight_dtype=weight.dtype,
        )
        added = self._op("elementwise", spread.shape, [spread], function="scale", rows=groups * n * positions, cols=wide, label="overlap_add")
        return self.gather(added, shape, "overlap_add")

    def recurrent(self, kind: str, x: Value, hidden: int, shape: Sequence[int], *, directions: int) -> Value:
        """An LSTM or GRU over x (steps, batch, input); two directions are two operators, side by side."""
        steps, batch, size = x.shape
        sizes: dict[str, Any] = {"input_size": size, "hidden_size": hidden, "batch": batch, "steps": steps}
        made = [self._op(kind, (steps, batch, hidden), [x], label=kind, **sizes) for _ in range(directions)]
        return self.view(made[0], shape) if directions == 1 else self.concat(made, 2, shape)

    # -- the rest ----------------------------------------------------------------------------------------------------------------------------

    def each(self, function: str, xs: Sequence[Value], shape: Sequence[int], makes: str = "") -> Value:
        """An elementwise function; a smaller operand is broadcast, one of a single row or constant becomes part of the pass.

        `makes`: the format of the result in the file (truth values of a comparison); a number keeps the operands' format.
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
        read = [x if x.dtype == form else self.cast(x, form) for x in read]
        truth = number_format(makes).name if makes and function in ("compare", "neg") and number_format(makes).bits == 8 else ""
        return self._op(
            "elementwise", shape, read, makes=truth, function=name, rows=math.prod(shape) // max(1, cols), cols=cols, operands=len(read), label=name
        )

    def cast(self, x: Value, dtype: str) -> Value:
        """Another number format."""
        form = self.form(dtype)
        if x.constant or x.dtype == form:
            return replace(x, dtype=form)
        cols = x.shape[-1] if x.shape else 1
        return self._op("elementwise", x.shape, [x], makes=form, function="cast", rows=x.elements // cols, cols=cols, label="cast")

    def norm(self, x: Value, cols: int, function: str, weights: int) -> Value:
        """Normalisation over runs of `cols` elements; `weights`: vectors of gains and offsets."""
        return self._op("norm", x.shape, [x], function=function, rows=x.elements // cols, cols=cols, weights=weights, label="norm")

    def softmax(self, x: Value, cols: int) -> Value:
        """Softmax over runs of `cols` elements."""
        return self._op("softmax", x.shape, [x], rows=x.elements // cols, cols=cols, label="softmax")

    def pool(
        self, x: Value, shape: Sequence[int], function: str, *, window: Sequence[int], strides: Sequence[int], pads: Sequence[int],
        dilations: Sequence[int],
    ) -> Value:  # fmt: skip
        """A pooling window over x (n, c, ...). Raises `InvalidTrace` for forms that differ by direction."""
        if set(dilations) != {1}:
            raise InvalidTrace(f"'{self.name}': a dilated pooling window has no model")
        self._even("pooling window", x, strides, dilations)
        (h, w), (r, s), (out_h, out_w) = (sizes if len(sizes) == 2 else (1, *sizes) for sizes in (x.shape[2:], window, shape[2:]))
        fields: dict[str, Any] = {"n": x.shape[0], "c": x.shape[1], "h": h, "w": w, "r": r, "s": s, "stride": strides[0]}
        padding = self._padding(fields, False, [0] if len(window) == 1 and not any(pads) else pads, (out_h, out_w))
        if padding is None:
            x = self.pad(x, self._reach(fields, pads, (out_h, out_w), len(window)))
            h, w = x.shape[2:] if len(window) == 2 else (1, x.shape[2])
            fields |= {"h": h, "w": w}
        fields |= padding or {}
        return self._op("pool", shape, [x], function=function, label="pool", **fields)

    @staticmethod
    def _reach(fields: Mapping[str, int], pads: Sequence[int], out: tuple[int, int], dims: int) -> list[int]:
        """Pads that let the windows of a rounded-up output end inside."""
        begins, ends = list(pads[: len(pads) // 2]), []
        for size, window, wanted, begin in zip(
            (fields["h"], fields["w"])[2 - dims :], (fields["r"], fields["s"])[2 - dims :], out[2 - dims :], begins, strict=True
        ):
            ends.append(max(0, (wanted - 1) * fields["stride"] + window - size - begin))
        return [*begins, *ends]

    def mean(self, x: Value, cols: int, shape: Sequence[int], makes: str = "") -> Value:
        """One figure of every run of `cols` elements (a sum, mean, maximum, or, in the format `makes`, its position)."""
        rows = x.elements // cols
        return self._op("pool", shape, [x], makes=makes, function="average", n=rows, c=1, h=1, w=cols, r=1, s=cols, stride=cols, label="reduce")

    def concat(self, xs: Sequence[Value], axis: int, shape: Sequence[int]) -> Value:
        """Tensors side by side along an axis; more than eight in several operators."""
        xs = [x for x in xs if x.elements]
        form = xs[0].dtype
        xs = [x if x.dtype == form else self.cast(x, form) for x in xs]
        most = len(CONCAT_PARTS)
        while len(xs) > most:
            together = list(xs[0].shape)
            together[axis] = sum(x.shape[axis] for x in xs[:most])
            xs = [self.concat(xs[:most], axis, together), *xs[most:]]
        if len(xs) == 1:
            return self.view(xs[0], shape)
        rows = math.prod(xs[0].shape[:axis])
        sizes: dict[str, Any] = {name: x.elements // rows for name, x in zip(CONCAT_PARTS, xs, strict=False)}
        return self._op("concat", shape, xs, rows=rows, label="concat", **sizes)

    def gather(self, x: Value, shape: Sequence[int], label: str, *, run: int = CONTIGUOUS, makes: str = "") -> Value:
        """Positions of x in another number or order, `run` elements at a time (slice, pad, resize); or, in the format `makes`, their indices."""
        wanted = math.prod(shape)
        run = math.gcd(run, math.gcd(wanted, x.elements))
        name = self._fresh(self.name)
        ids = self.input(f"{name}.positions", (wanted // run,), "int32")
        fields: dict[str, Any] = {"rows": wanted // run, "vocab": x.elements // run, "cols": run}
        return self._op(
            "embedding", shape, [ids, x], dtype=x.dtype, makes=makes, operand_role="activation", label=label, weight_dtype=x.dtype, **fields
        )

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

    def embedding(self, ids: Value, table: Value, shape: Sequence[int]) -> Value:
        """Rows of a stored table."""
        cols = table.elements // table.shape[0]
        if ids.dtype != "int32":
            ids = self.cast(ids, "int32")
        fields: dict[str, Any] = {"rows": ids.elements, "vocab": table.shape[0], "cols": cols}
        return self._op("embedding", shape, [ids], dtype=table.dtype, label="embedding", weight_dtype=table.dtype, **fields)

    # -- the end -----------------------------------------------------------------------------------------------------------------------------

    def result(self, allow_unknown: bool, **meta: Any) -> Graph:
        """Return the graph. Raises `InvalidTrace`, naming every unknown operator with its count, unless they are allowed."""
        if self.unknown:
            listed = ", ".join(f"{count} x {kind} ({_some(self.where[kind])})" for kind, count in sorted(self.unknown.items()))
            if not allow_unknown or self.behind:
                way = f"{self.behind} operators behind them have no known shapes" if self.behind else "allow_unknown leaves them out"
                raise InvalidTrace(f"{sum(self.unknown.values())} operators are not known: {listed}; {way}")
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
