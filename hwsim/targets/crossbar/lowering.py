"""Recurrent networks and attention as the steps that a crossbar takes: products with stored matrices, and digital work between them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hwsim.core.graph import Graph, Tensor
from hwsim.core.op import Op
from hwsim.targets.crossbar.stored import NEW_SHARE, RECURRENT

CELL = "cell_update"  # attribute of an elementwise operator: operations per hidden unit of a recurrent cell
ACTIVATIONS_PER_UNIT = "cell_activations"  # attribute beside it: sigmoid and tanh evaluations per hidden unit
LSTM_ACTIVATIONS, GRU_GATE_ACTIVATIONS, GRU_CANDIDATE_ACTIVATIONS = 5, 2, 1
LSTM_OPERATIONS, GRU_OPERATIONS, GRU_RESET_OPERATIONS = 4, 3, 1  # c' = f c + i g, h = o tanh(c'); h' = n + z (h - n); r h
Lines = tuple[list[Op], dict[str, Tensor]]


def lowered(graph: Graph) -> Graph:
    """Return the graph with every LSTM, GRU and attention as its steps; the same graph where it has none. O(operators)."""
    kinds = {"lstm": _lstm, "gru": _gru, "attention": _attention}
    if not any(op.kind in kinds for op in graph.ops):
        return graph
    ops: list[Op] = []
    tensors = dict(graph.tensors)
    for op in graph.ops:
        if op.kind in kinds:
            kinds[op.kind](op, ops, tensors)
        else:
            ops.append(op)
    used = {t for op in ops for t in (*op.inputs, *op.outputs)}
    return replace(graph, ops=tuple(ops), tensors={n: t for n, t in tensors.items() if n in used})


def _emit(source: Op, step: str, kind: str, bounds: dict[str, int], inputs: list[str], output: str, lines: Lines, **fields: Any) -> str:
    """Append one step of `source`, declare its operands where they are new, and return the name of its result."""
    ops, tensors = lines
    made = Op(
        f"{source.name}.{step}", kind, bounds, dtype=source.dtype, weight_dtype=source.weight_dtype, label=fields.pop("label", step),
        layer=source.layer, phase=source.phase, repeat=source.repeat, **fields,
    )  # fmt: skip
    names = list(inputs)
    for operand in made.operands[len(names) :]:
        role = made.operand_role if operand.name == "weight" else "weight" if operand.role == "weight" else "input"
        name = f"{made.name}.{operand.name}"
        tensors[name] = Tensor(name, operand.shape, made.dtype_of(operand), role)
        names.append(name)
    out = output or f"{made.name}.out"
    if out not in tensors:
        tensors[out] = Tensor(out, made.results[0], made.dtype)
    ops.append(made.twin(made.name, tuple(names), (out,), made.layer))
    return out


def _lstm(op: Op, ops: list[Op], tensors: dict[str, Tensor]) -> None:
    """One read of the gate matrix ([input, state, bias] x 4 hidden), the cell's update, and one read of the projection, for each step."""
    steps, hidden, projected = op["steps"] * op["batch"], op["hidden_size"], op["projection_size"]
    rows = op["input_size"] + (projected or hidden) + op["bias_rows"]
    attrs = {**op.attrs, RECURRENT: True}
    gates = _emit(op, "gates", "matmul", {"m": steps, "k": rows, "n": 4 * hidden}, [], "", (ops, tensors), attrs=attrs)
    update = {"rows": steps, "cols": hidden, "operands": 4, "fused": 1}
    cell = {**op.attrs, CELL: LSTM_OPERATIONS, ACTIVATIONS_PER_UNIT: LSTM_ACTIVATIONS}
    out = _emit(op, "cell", "elementwise", update, [gates], "" if projected else op.outputs[0], (ops, tensors), attrs=cell, function="mul")
    if projected:
        _emit(op, "projection", "matmul", {"m": steps, "k": hidden, "n": projected}, [out], op.outputs[0], (ops, tensors), attrs=attrs)


def _gru(op: Op, ops: list[Op], tensors: dict[str, Tensor]) -> None:
    """Update and reset gates ([input, state, bias] x 2 hidden), the reset of the state, then the candidate (x hidden) and the update."""
    steps, hidden = op["steps"] * op["batch"], op["hidden_size"]
    rows = op["input_size"] + hidden + op["bias_rows"]
    attrs = {**op.attrs, RECURRENT: True}
    lines = (ops, tensors)
    gates = _emit(op, "gates", "matmul", {"m": steps, "k": rows, "n": 2 * hidden}, [], "", lines, attrs=attrs)
    halves = {"rows": steps, "cols": hidden, "operands": 2, "fused": 1}
    work = {**op.attrs, CELL: GRU_RESET_OPERATIONS, ACTIVATIONS_PER_UNIT: GRU_GATE_ACTIVATIONS}
    reset = _emit(op, "reset", "elementwise", halves, [gates], "", lines, attrs=work, function="mul", label="cell")
    tensors[f"{op.name}.candidate.input"] = Tensor(f"{op.name}.candidate.input", (steps, rows), op.dtype, "input")
    candidate = _emit(op, "candidate", "matmul", {"m": steps, "k": rows, "n": hidden}, [], "", lines, attrs=attrs, label="gates")
    update = {"rows": steps, "cols": hidden, "operands": 2}
    work = {**op.attrs, CELL: GRU_OPERATIONS, ACTIVATIONS_PER_UNIT: GRU_CANDIDATE_ACTIVATIONS}
    _emit(op, "cell", "elementwise", update, [candidate, reset], op.outputs[0], lines, attrs=work, function="mul")


def _attention(op: Op, ops: list[Op], tensors: dict[str, Tensor]) -> None:
    """Keys and values written into cells, one product with each, a softmax between them; the whole square of scores whatever the mask.

    New positions are written at each execution: `new` of them, or all where the operator keeps no cache.
    """
    kv = min(op["kv"], op["window"] + op["q"] - 1) if op["window"] else op["kv"]
    batch, shared = op["batch"] * op["heads"], op["heads"] // (op["kv_heads"] or op["heads"])
    share = min(1.0, op["new"] / kv) if op["new"] else 1.0
    attrs = {**op.attrs, NEW_SHARE: share}
    lines = (ops, tensors)
    view = f"{op.name}.query_view"
    tensors[view] = Tensor(view, (batch, op["q"], op["head_dim"]), op.dtype, "input")
    bounds = {"batch": batch, "m": op["q"], "k": op["head_dim"], "n": kv, "shared": shared}
    scores = _emit(op, "qk", "matmul", bounds, [view], "", lines, attrs=attrs, operand_role="kv_cache")
    shares = _emit(op, "softmax", "softmax", {"rows": batch * op["q"], "cols": kv}, [scores], "", lines)
    bounds = {"batch": batch, "m": op["q"], "k": kv, "n": op["head_dim"], "shared": shared}
    _emit(op, "av", "matmul", bounds, [shares], op.outputs[0], lines, attrs=attrs, operand_role="kv_cache")
