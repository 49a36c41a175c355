"""Recurrent layers as the kernels that a framework runs for them, step after step.

The input's products of all steps are made beforehand, in one; every step multiplies the state that the step before left.

- LSTM: ``a = U h + W x``, ``i, f, o, g = sigmoid or tanh of a``, ``c = f c + i g``, ``h = o tanh(c)`` and, where it is projected, ``h = P h``.
- GRU: ``r, z = sigmoid(U h + W x)``, ``n = tanh(W x + r (U h))``, ``h = n + z (h - n)``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hwsim.core.graph import Graph, Tensor
from hwsim.core.op import Op

GATES = {"lstm": 4, "gru": 3}


def stepwise(graph: Graph, *, fused: bool = False) -> Graph:
    """Return the graph with every LSTM and GRU written out; the same graph where it has none. MACs and weights are the same.

    `fused`: a library's kernels, a product and one pass over gates and state a step; else one operator for each elementwise function.

    >>> from hwsim.core.graph import single_op
    >>> [(op.label, op.repeat) for op in stepwise(single_op("gru", input_size=8, hidden_size=4, steps=5), fused=True).ops]
    [('input', 1), ('recurrent', 5), ('cell', 5)]
    """
    if not any(op.kind in GATES for op in graph.ops):
        return graph
    ops: list[Op] = []
    tensors = dict(graph.tensors)
    for op in graph.ops:
        if op.kind in GATES:
            _Layer(op, ops, tensors, fused).write()
        else:
            ops.append(op)
    used = {t for op in ops for t in (*op.inputs, *op.outputs)}
    return replace(graph, ops=tuple(ops), tensors={n: t for n, t in tensors.items() if n in used})


class _Layer:
    """One recurrent layer on its way to operators."""

    def __init__(self, op: Op, ops: list[Op], tensors: dict[str, Tensor], fused: bool) -> None:
        self.op, self.ops, self.tensors, self.fused = op, ops, tensors, fused
        self.rows, self.steps, self.hidden = op["batch"], op["steps"], op["hidden_size"]
        self.width = GATES[op.kind] * self.hidden
        self.projected = op.bounds.get("projection_size", 0)
        self.last = op.outputs[0] if op["steps"] == 1 else ""
        if not self.last:  # the steps' results together
            tensors[op.outputs[0]] = replace(tensors[op.outputs[0]], role="input")

    def write(self) -> None:
        """Append the operators of the layer."""
        op = self.op
        self._one("input", "matmul", 1, [op.inputs[0]], m=self.steps * self.rows, k=op["input_size"], n=self.width, bias=1)
        state = self._fed("state", self.projected or self.hidden)
        back = self._one("recurrent", "matmul", self.steps, [state], m=self.rows, k=self.projected or self.hidden, n=self.width)
        final = "" if self.projected else self.last
        told = self._fused(final) if self.fused else self._lstm(back, final) if op.kind == "lstm" else self._gru(back, final)
        if self.projected:
            self._one("projection", "matmul", self.steps, [told], self.last, m=self.rows, k=self.hidden, n=self.projected)

    def _fused(self, final: str) -> str:
        """One pass: gates of both products read; an LSTM's cell read and written, a GRU's state read."""
        operands = 2 * GATES[self.op.kind] + (2 if self.op.kind == "lstm" else 1)
        return self._each("cell", "tanh", [self._fed(f"operand{i}", self.hidden) for i in range(operands)], self.hidden, final)

    def _lstm(self, back: str, final: str) -> str:
        hidden = self.hidden
        whole = self._each("sum", "add", [back, self._fed("input_step", self.width)], self.width)
        self._each("gates", "sigmoid", [whole], self.width)
        self._each("keep", "mul", [self._fed("pairs", 2 * hidden), self._fed("memory", 2 * hidden)], 2 * hidden)
        cell = self._each("cell", "add", [self._fed(f"kept{i}", hidden) for i in range(2)], hidden)
        bent = self._each("bend", "tanh", [cell], hidden)
        return self._each("out", "mul", [bent, self._fed("outward", hidden)], hidden, final)

    def _gru(self, back: str, final: str) -> str:
        hidden = self.hidden
        del back  # its parts are read apart
        sums = self._each("sum", "add", [self._fed(f"reset_update{i}", 2 * hidden) for i in range(2)], 2 * hidden)
        self._each("gates", "sigmoid", [sums], 2 * hidden)
        kept = self._each("reset", "mul", [self._fed("reset_gate", hidden), self._fed("recurrent_part", hidden)], hidden)
        both = self._each("candidate", "add", [kept, self._fed("input_part", hidden)], hidden)
        new = self._each("bend", "tanh", [both], hidden)
        away = self._each("away", "sub", [self._fed("before", hidden), new], hidden)
        share = self._each("share", "mul", [away, self._fed("update_gate", hidden)], hidden)
        return self._each("out", "add", [share, new], hidden, final)

    def _each(self, step: str, function: str, inputs: list[str], cols: int, output: str = "") -> str:
        """An elementwise operator of every step."""
        operands = {"operands": len(inputs)} if len(inputs) > 1 else {}
        return self._one(step, "elementwise", self.steps, inputs, output, function=function, rows=self.rows, cols=cols, **operands)

    def _one(self, step: str, kind: str, times: int, inputs: list[str], output: str = "", *, function: str = "", **bounds: int) -> str:
        op = self.op
        fields: dict[str, Any] = {"function": function} if function else {"weight_density": op.weight_density}
        made = Op(f"{op.name}.{step}", kind, bounds, dtype=op.dtype, weight_dtype=op.weight_dtype, label=step, layer=op.layer, phase=op.phase,
                  repeat=op.repeat * times, attrs=op.attrs, **fields)  # fmt: skip
        names = list(inputs)
        for operand in made.operands[len(names) :]:
            names.append(self._tensor(f"{made.name}.{operand.name}", operand.shape, "weight", made.dtype_of(operand)))
        out = output or self._tensor(f"{made.name}.out", made.results[0], "activation", op.dtype)
        self.ops.append(made.twin(made.name, tuple(names), (out,), made.layer))
        return out

    def _fed(self, name: str, cols: int) -> str:
        """What a step finds from the one before, or of the products made beforehand."""
        return self._tensor(f"{self.op.name}.{name}", (self.rows, cols), "input", self.op.dtype)

    def _tensor(self, name: str, shape: tuple[int, ...], role: str, dtype: str) -> str:
        self.tensors[name] = Tensor(name, shape, dtype, role)
        return name
