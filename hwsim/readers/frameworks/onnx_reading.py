"""One pass over an ONNX file: values by name, and what its operators mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hwsim.core.errors import InvalidTrace
from hwsim.readers.frameworks.importer import Importer, Value
from hwsim.readers.frameworks.onnx_model import MALFORMED, Node, OnnxFile, Shape, malformed
from hwsim.readers.frameworks.values import causal_mask

KEPT = ("QuantizeLinear", "DequantizeLinear")  # of stored values: they keep the format that the values are stored in
FLOATS = ("fp32", "fp16", "bf16", "fp64")
Handler = Callable[["Reading", Node], "list[Value]"]


class Reading:
    """The state of a pass: the file, the importer, and the value of every name met so far."""

    def __init__(self, file: OnnxFile, importer: Importer) -> None:
        self.file, self.made, self.known = file, importer, file.known
        self.values: dict[str, Value] = {}
        self.lost: set[str] = set()  # tensors of unknown shape
        for name in file.inputs:
            if name not in self.known.shapes:
                raise InvalidTrace(f"input '{name}' is of a type that is not read")
            self.values[name] = importer.input(name, self.known.shapes[name], self.known.dtypes[name])

    def value(self, name: str) -> Value:
        """The value of a name; a stored one becomes a constant. Raises `InvalidTrace` when nothing makes it."""
        if not name:
            raise InvalidTrace(f"operator '{self.made.name}' leaves out an input that it needs")
        if name not in self.values:
            if name not in self.known.shapes:
                raise InvalidTrace(f"tensor '{name}' has no known shape")
            if name not in self.known.stored:
                raise InvalidTrace(f"tensor '{name}' is a result that has no model (statistics of training, indices of a window)")
            made = self.made.constant(self.known.shapes[name], self.known.dtypes[name])
            self.values[name] = replace(made, causal=causal_mask(self.known.data.get(name)))
        return self.values[name]

    def of(self, node: Node) -> list[Value]:
        """Values of a node's inputs, without those left out."""
        return [self.value(name) for name in node.inputs if name]

    def shape(self, node: Node, index: int = 0) -> Shape:
        """Shape of a node's result. Raises `InvalidTrace` when it could not be worked out."""
        if (found := self.known.shapes.get(node.outputs[index])) is None:
            raise InvalidTrace(f"the shape of '{node.outputs[index]}', made by {node.kind} '{node.name}', is not known")
        return found

    def numbers(self, node: Node, index: int) -> list[Any] | None:
        """Elements of a small constant input; None when it is left out or not constant."""
        if index >= len(node.inputs) or not node.inputs[index]:
            return None
        found = self.known.data.get(node.inputs[index])
        return None if found is None else found.reshape(-1).tolist()

    def has(self, node: Node, index: int) -> bool:
        """Whether an optional input is given."""
        return index < len(node.inputs) and bool(node.inputs[index])

    def _lost(self, node: Node) -> bool:
        """Whether a node reads what an unknown operator made in an unknown shape; its own results are lost then too."""
        lost = not self.lost.isdisjoint(node.inputs)
        if lost:
            self.lost.update(o for o in node.outputs if o)
        return lost

    def _stored(self, node: Node) -> bool:
        """Whether a node works on stored values alone (too large to fold): a runtime computes it once, ahead of time."""
        ready = all(name in self.known.shapes for name in node.outputs if name) and any(node.outputs)
        return ready and node.kind not in KEPT and any(node.inputs) and all(x.constant for x in self.of(node))

    def _format(self, node: Node, value: Value) -> str:
        """The number format that the file has for a result without a schema: that of its zero point or of its input where integers run through."""
        at = {"QLinearConcat": 1, "QGemm": 8}.get(node.kind, 0 if node.kind.startswith("QLinear") else None)
        if at is None:  # formats asked for are not the file's
            given = (self.known.dtypes.get(name, "") for name in node.inputs)
            return next((form for form in given if form in FLOATS and self.made.form(form) == value.dtype), value.dtype)
        return self.known.dtypes.get(node.inputs[at], value.dtype) if self.has(node, at) else "fp32"

    def run(self, handlers: Mapping[str, Handler]) -> None:
        """Walk the file."""
        for node in self.file.nodes():
            self.made.name = node.outputs[0] if len(node.outputs) == 1 else node.name
            names = [o for o in node.outputs if o]
            if self._lost(node):
                self.made.behind += 1
                continue
            handler = handlers.get(node.kind)
            if self._stored(node) or (names and all(0 in self.known.shapes.get(o, ()) for o in names)):  # or nothing in it
                results = [self.made.constant(self.known.shapes[o], self.known.dtypes[o]) for o in names]
            elif handler is None:
                self.lost.update(o for o in names if o not in self.known.shapes)
                names = [o for o in names if o in self.known.shapes]
                results = self.made.skip(node.kind, [(self.known.shapes[o], self.known.dtypes[o]) for o in names])
            else:
                try:
                    results = handler(self, node)
                except MALFORMED as bad:
                    raise InvalidTrace(malformed(node.kind, node.name, bad)) from bad
            for name, value in zip(names, results, strict=False):
                self.values[name] = value
                if name not in self.known.shapes:  # an operator without a schema here
                    self.file.learn(name, value.shape, self._format(node, value))
        returned = (self.values.get(out.name) for out in self.file.model.graph.output)
        self.made.outputs |= {value.tensor for value in returned if value is not None and value.tensor}
