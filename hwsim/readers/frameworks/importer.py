"""What the readers of framework files share: values with shapes, and one method per meaning of an operator.

A front end walks its file and calls these methods; views (reshape, squeeze) make no operator, copies (transpose, slice, pad) make data movement.
Operators without a meaning here are collected and reported together.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from hwsim.core.errors import InvalidTrace
from hwsim.core.op import Shape
from hwsim.core.operators import CONCAT_PARTS
from hwsim.readers.frameworks.values import Value, broadcast
from hwsim.readers.frameworks.windows import Windows

__all__ = ["Importer", "Shape", "Value"]


class Importer(Windows):
    """The methods of all other operators."""

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
            wide = broadcast(x.shape[:-2], y.shape[:-2])
            batch = math.prod(wide)
            shared = batch // stored
            if lead < batch:
                x = self.repeat(x, (*wide, m, k))
        if y.constant:
            return self._op("matmul", shape, [x], batch=batch, m=m, shared=shared, weight_dtype=y.dtype, **fields)
        return self._op("matmul", shape, [x, y], batch=batch, m=m, shared=shared, operand_role="activation", weight_dtype=y.dtype, **fields)

    def grouped(self, x: Value, weight: Value, shape: Sequence[int]) -> Value:
        """Rows x (rows, k) in groups, evenly, each times a stored matrix of its own (groups, k, n)."""
        groups, k, n = weight.shape
        rows = x.shape[0]
        sizes: dict[str, Any] = {"batch": min(groups, rows), "m": -(-rows // groups), "ragged": rows, "k": k, "n": n}
        sizes |= {"pool": groups} if groups > rows else {}
        return self._op("matmul", shape, [x], label="experts", weight_dtype=weight.dtype, **sizes)

    def attention(self, q: Value, k: Value, v: Value, shape: Sequence[int], *, causal: bool = False) -> Value:
        """Softmax(q kT) v of q (..., heads, queries, d) and k, v (..., heads, keys, d), in one operator. Raises `InvalidTrace` for unlike sizes."""
        *lead, heads, queries, d = q.shape
        keys, kv_heads = k.shape[-2], k.shape[-3]
        if k.shape[-1] != d or v.shape[-1] != d or v.shape[-2] != keys:
            raise InvalidTrace(f"'{self.name}': attention of {q.shape}, {k.shape} and {v.shape} has no model (heads of one size, one value per key)")
        sizes: dict[str, Any] = {"batch": math.prod(lead), "heads": heads, "q": queries, "kv": keys, "head_dim": d}
        sizes["kv_heads"] = 0 if kv_heads == heads else kv_heads
        return self._op(
            "attention", shape, [q, k, v], causal=int(causal), operand_role="activation", label="attention", weight_dtype=q.dtype, **sizes
        )

    def recurrent(self, kind: str, x: Value, hidden: int, shape: Sequence[int], *, directions: int, weights: str = "", projection: int = 0) -> Value:
        """An LSTM or GRU over x (steps, batch, input); two directions are two operators, side by side. `weights`: their format where it is another;
        `projection`: linear sums of the hidden units that an LSTM returns."""
        steps, batch, size = x.shape
        sizes: dict[str, Any] = {"input_size": size, "hidden_size": hidden, "batch": batch, "steps": steps}
        sizes |= {"projection_size": projection} if projection else {}
        out = (steps, batch, projection or hidden)
        made = [self._op(kind, out, [x], label=kind, weight_dtype=weights or x.dtype, **sizes) for _ in range(directions)]
        return self.view(made[0], shape) if directions == 1 else self.concat(made, 2, shape)

    def norm(self, x: Value, cols: int, function: str, weights: int) -> Value:
        """Normalisation over runs of `cols` elements; `weights`: vectors of gains and offsets."""
        return self._op("norm", x.shape, [x], function=function, rows=x.elements // cols, cols=cols, weights=weights, label="norm")

    def softmax(self, x: Value, cols: int) -> Value:
        """Softmax over runs of `cols` elements."""
        return self._op("softmax", x.shape, [x], rows=x.elements // cols, cols=cols, label="softmax")

    def concat(self, xs: Sequence[Value], axis: int, shape: Sequence[int]) -> Value:
        """Tensors side by side along an axis; more than eight in several operators, the first of which may be there already."""
        xs = [x for x in xs if x.elements]
        form = xs[0].dtype
        xs = [x if x.dtype == form else self.cast(x, form) for x in xs]
        most = len(CONCAT_PARTS)
        parts = (axis, *(x.tensor or str(i) for i, x in enumerate(xs)))
        while len(xs) > most:
            known = next((i for i in range(len(xs) - 1, most, -1) if (axis, *(x.tensor for x in xs[:i])) in self.joined), 0)
            if known:  # DenseNet: all parts but the last lie side by side already
                xs = [self.joined[(axis, *(x.tensor for x in xs[:known]))], *xs[known:]]
                continue
            together = list(xs[0].shape)
            together[axis] = sum(x.shape[axis] for x in xs[:most])
            xs = [self.concat(xs[:most], axis, together), *xs[most:]]
        if len(xs) == 1:
            return self.view(xs[0], shape)
        rows = math.prod(xs[0].shape[:axis])
        sizes: dict[str, Any] = {name: x.elements // rows for name, x in zip(CONCAT_PARTS, xs, strict=False)}
        self.joined[parts] = self._op("concat", shape, xs, rows=rows, label="concat", **sizes)
        return self.joined[parts]

    def embedding(self, ids: Value, table: Value, shape: Sequence[int]) -> Value:
        """Rows of a stored table."""
        cols = table.elements // table.shape[0]
        if ids.dtype != "int32":
            ids = self.cast(ids, "int32")
        fields: dict[str, Any] = {"rows": ids.elements, "vocab": table.shape[0], "cols": cols}
        return self._op("embedding", shape, [ids], dtype=table.dtype, label="embedding", weight_dtype=table.dtype, **fields)

    def rope(self, x: Value, heads: int) -> Value:
        """Rotary position embedding of x, whose last dimensions hold `heads` heads."""
        size = x.shape[-1] if len(x.shape) == 4 else x.shape[-1] // heads
        return self._op("rope", x.shape, [x], rows=x.elements // (heads * size), heads=heads, head_dim=size, label="rope")

    def plain_recurrent(self, function: str, x: Value, hidden: int, directions: int) -> list[Value]:
        """Layers without gates over x (steps, batch, input), written out as runtimes run them: the product of all inputs, then step by step the
        state's product, a sum and the function. Returns the outputs and the last states (directions, batch, hidden)."""
        steps, batch, size = x.shape
        outs, states, base = [], [], self.name
        for _ in range(directions):
            self.name = f"{base}.input"
            wide = self.linear(x, self.constant((size, hidden), x.dtype), hidden, (steps, batch, hidden), bias=True, label="rnn")
            weight = self._fresh(f"{base}.state") + ".weight"
            held = Value(self.graph.tensor(weight, (hidden, hidden), role="weight", dtype=self.weight_dtype or x.dtype), (hidden, hidden), x.dtype)
            bias = Value(self.graph.tensor(weight + ".bias", (hidden,), role="weight", dtype=self.weight_dtype or x.dtype), (hidden,), x.dtype)
            h, made = self.constant((batch, hidden), x.dtype), []
            for _ in range(steps):
                self.name = f"{base}.state"
                y = self._op("matmul", (batch, hidden), [h, held, bias], m=batch, k=hidden, n=hidden, bias=1, label="rnn")
                part = self.gather(wide, (batch, hidden), "slice", run=batch * hidden)
                h = self.each(function, [self.each("add", [part, y], (batch, hidden))], (batch, hidden))
                made.append(h)
            outs.append(self.concat(made, 0, (steps, batch, hidden)))
            states.append(h)
        self.name = base
        both = outs[0] if directions == 1 else self.concat(outs, 2, (steps, batch, directions * hidden))
        return [both, self.concat(states, 0, (directions, batch, hidden))]
