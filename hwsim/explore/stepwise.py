"""LSTM layers as a framework without a kernel for them runs them: products and elementwise operations, step after step.

For every step, with the input's products of all steps made beforehand: ``a = U h + W x``, ``i, f, o, g = sigmoid or tanh of a``,
``c = f c + i g``, ``h = o tanh(c)`` and, where it is projected, ``h = P h``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hwsim.core.graph import Graph, Tensor
from hwsim.core.op import Op

GATES = 4


def stepwise(graph: Graph) -> Graph:
    """Return the graph with every LSTM written out; the same graph where it has none. MACs are the same."""
    if not any(op.kind == "lstm" for op in graph.ops):
        return graph
    ops: list[Op] = []
    tensors = dict(graph.tensors)
    for op in graph.ops:
        if op.kind == "lstm":
            _Layer(op, ops, tensors).write()
        else:
            ops.append(op)
    used = {t for op in ops for t in (*op.inputs, *op.outputs)}
    return replace(graph, ops=tuple(ops), tensors={n: t for n, t in tensors.items() if n in used})


class _Layer:
    """One LSTM on its way to operators."""

    def __init__(self, op: Op, ops: list[Op], tensors: dict[str, Tensor]) -> None:
        self.op, self.ops, self.tensors = op, ops, tensors

    def write(self) -> None:
        """Append the operators of the layer."""
        op, rows = self.op, self.op["batch"]
        steps, hidden, projected = op["steps"], op["hidden_size"], op["projection_size"]
        gates = GATES * hidden
        self._one("input", "matmul", 1, [op.inputs[0]], m=steps * rows, k=op["input_size"], n=gates, bias=1)
        state = self._fed("state", (rows, projected or hidden))
        back = self._one("recurrent", "matmul", steps, [state], m=rows, k=projected or hidden, n=gates)
        now = self._fed("input_step", (rows, gates))
        whole = self._one("sum", "elementwise", steps, [back, now], rows=rows, cols=gates, operands=2, function="add")
        self._one("gates", "elementwise", steps, [whole], rows=rows, cols=gates, function="sigmoid")
        pairs = [self._fed("pairs", (rows, 2 * hidden)), self._fed("memory", (rows, 2 * hidden))]
        self._one("keep", "elementwise", steps, pairs, rows=rows, cols=2 * hidden, operands=2, function="mul")
        halves = [self._fed(f"kept{i}", (rows, hidden)) for i in range(2)]
        cell = self._one("cell", "elementwise", steps, halves, rows=rows, cols=hidden, operands=2, function="add")
        bent = self._one("bend", "elementwise", steps, [cell], rows=rows, cols=hidden, function="tanh")
        out = [bent, self._fed("outward", (rows, hidden))]
        whole_out = op.outputs[0]
        last = whole_out if steps == 1 else ""
        if not last:  # the steps' results together
            self.tensors[whole_out] = replace(self.tensors[whole_out], role="input")
        told = self._one("out", "elementwise", steps, out, "" if projected else last, rows=rows, cols=hidden, operands=2, function="mul")
        if projected:
            self._one("projection", "matmul", steps, [told], last, m=rows, k=hidden, n=projected)

    def _one(self, step: str, kind: str, times: int, inputs: list[str], output: str = "", *, function: str = "", **bounds: int) -> str:
        op = self.op
        fields: dict[str, Any] = {"function": function} if function else {}
        made = Op(f"{op.name}.{step}", kind, bounds, dtype=op.dtype, weight_dtype=op.weight_dtype, label=step, layer=op.layer, phase=op.phase,
                  repeat=op.repeat * times, attrs=op.attrs, **fields)  # fmt: skip
        names = list(inputs)
        for operand in made.operands[len(names) :]:
            names.append(self._tensor(f"{made.name}.{operand.name}", operand.shape, "weight", made.dtype_of(operand)))
        out = output or self._tensor(f"{made.name}.out", made.results[0], "activation", op.dtype)
        self.ops.append(made.twin(made.name, tuple(names), (out,), made.layer))
        return out

    def _fed(self, name: str, shape: tuple[int, ...]) -> str:
        """What a step finds from the one before."""
        return self._tensor(f"{self.op.name}.{name}", shape, "input", self.op.dtype)

    def _part(self, name: str, source: str, shape: tuple[int, ...]) -> str:
        """A part of a result."""
        return self._tensor(f"{self.op.name}.{name}", shape, "input", self.op.dtype)

    def _tensor(self, name: str, shape: tuple[int, ...], role: str, dtype: str) -> str:
        self.tensors[name] = Tensor(name, shape, dtype, role)
        return name
