"""From an operator graph to the layers that a DPU's compiler makes: what is folded, what each layer reads, which maps stay on chip."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from functools import cached_property

from hwsim.core.chip import Chip
from hwsim.core.graph import Graph, Tensor
from hwsim.core.op import Op
from hwsim.targets.fpga.dpu.parts import DENSE, DEPTHWISE, EACH, PROCESSOR, PRODUCT, WINDOW

FOLDED = ("relu", "relu6", "leaky_relu", "mish", "hardsigmoid", "sigmoid", "bias", "cast")  # behind the layer that makes their input
GATES = ("silu", "hardswish")  # a hard sigmoid and a product, two passes
EACH_FUNCTIONS = ("add", "sub", "mul", "scale", "copy", "batch_norm", *GATES, *FOLDED)
INT8 = "int8"


@dataclass(frozen=True)
class Buffers:
    """On-chip memory of a core: bytes for maps and for weights, lanes per word."""

    image_bytes: float
    weight_bytes: float
    lanes: int

    @staticmethod
    def of(chip: Chip) -> Buffers:
        """Image banks: `dpu_image_banks_per_pixel` per pixel, weight banks: one per output channel, each ICP bytes wide and `dpu_bank_depth` deep."""
        bank = chip.number("dpu_icp") * chip.number("dpu_bank_depth")
        images = chip.number("dpu_image_banks_per_pixel") * chip.number("dpu_pp")
        return Buffers(images * bank, chip.number("dpu_ocp") * bank, int(chip.number("dpu_icp")))


@dataclass(frozen=True)
class Layer:
    """One operator as the DPU runs it: the engine `part`, the maps that it reads (`sources`: tensors made by other layers or inputs)."""

    op: Op
    part: float
    sources: tuple[str, ...]
    images: int
    height: int
    width: int
    channels: int

    @property
    def made(self) -> str:
        """The map that it makes."""
        return self.op.outputs[0]

    @property
    def weights(self) -> float:
        """Bytes of weights, one each."""
        return sum(o.elements for o in self.op.operands if o.role == "weight") if self.op.operand_role == "weight" else 0.0


def quantised(graph: Graph) -> Graph:
    """Return the graph in INT8, as its quantisation after training gives it; one in INT8 is returned as it is."""
    kept = {INT8, "int32"}
    if all(op.dtype == INT8 and op.weight_dtype == INT8 for op in graph.ops):
        return graph
    tensors: dict[str, Tensor] = {name: t if t.dtype in kept else replace(t, dtype=INT8) for name, t in graph.tensors.items()}
    return replace(graph, ops=tuple(replace(op, dtype=INT8, weight_dtype=INT8) for op in graph.ops), tensors=tensors)


class Lowered:
    """A graph's layers: `layers` by operator index, `folded` operators and why, `refused` ones and why."""

    def __init__(self, graph: Graph, buffers: Buffers) -> None:
        self.graph, self.buffers = graph, buffers
        self.layers: dict[int, Layer] = {}
        self.folded: dict[int, str] = {}
        self.refused: dict[int, str] = {}
        self._roots: dict[str, tuple[str, ...]] = {}
        self._maps: dict[str, tuple[int, int, int]] = {}
        for at, op in enumerate(graph.ops):
            self._place(at, op)

    def _sources(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The maps behind tensors: those of folded operators and concatenations are the maps in front of them; weights and indices are none."""
        found: list[str] = []
        for name in names:
            tensor = self.graph.tensors[name]
            if tensor.role in ("activation", "input") and tensor.dtype == INT8:
                found += self._roots.get(name, (name,))
        return tuple(found)

    def _place(self, at: int, op: Op) -> None:
        sources = self._sources(op.inputs)
        if reason := self._fold(op, sources):
            self._roots[op.outputs[0]] = sources
            if sources:
                self._maps.setdefault(op.outputs[0], self._map(sources[0], op))
            self.folded[at] = reason
            return
        part = _part(op)
        if isinstance(part, str):
            self.refused[at] = part
            return
        images, height, width, channels = self._geometry(op, sources)
        self._maps[op.outputs[0]] = (images, height, width)
        self.layers[at] = Layer(op, part, sources, images, height, width, channels)

    def _fold(self, op: Op, sources: tuple[str, ...]) -> str:
        """Why an operator needs no layer of its own; empty when it does."""
        if op.kind == "concat":
            return "maps side by side are written to their places"
        if op.kind != "elementwise" or len(op.inputs) < 1 or not sources:
            return ""
        behind = [self.graph.ops[i].kind for s in sources if (i := self.graph.producers.get(s, -1)) >= 0]
        if len(behind) < len(sources):
            return ""
        if op.function in FOLDED:
            return "behind the layer in front"
        if op.function == "batch_norm" and all(kind in ("conv2d", "matmul") for kind in behind):
            return "folded into the weights in front"
        return ""

    def _map(self, source: str, op: Op) -> tuple[int, int, int]:
        return self._maps.get(source) or _plain(self.graph.tensors[source], op)

    def _geometry(self, op: Op, sources: tuple[str, ...]) -> tuple[int, int, int, int]:
        """Images, height, width, channels of the map that an operator makes."""
        if op.kind in ("conv2d", "pool"):
            images, channels, height, width = op.results[0]
            return images, height, width, channels
        if op.kind == "matmul":
            return 1, op["batch"] * op["m"], 1, op["n"]
        rows, cols = op["rows"], op["cols"]
        if op.kind == "elementwise" and sources:
            images, height, width = self._map(sources[0], op)
            if images * height * width == rows:
                return images, height, width, cols
        side = math.isqrt(rows)
        return (1, side, side, cols) if side * side == rows else (1, rows, 1, cols)

    def stored(self, name: str) -> float:
        """Bytes that a map takes on chip: channels fill whole words."""
        elements = self.graph.tensors[name].elements
        images, height, width = self._maps.get(name, (1, elements, 1))
        pixels = images * height * width
        if elements % pixels:
            return float(elements)
        return float(pixels * math.ceil(elements / pixels / self.buffers.lanes) * self.buffers.lanes)

    @cached_property
    def kept(self) -> frozenset[str]:
        """Maps that never leave the chip: read by the very next layer alone, since any other would overwrite them.

        A map stays when it and what its layer reads fit the image banks at once; images of the network come in strips. The miscellaneous engine works
        row by row and writes over the rows that it has read of a map on chip. An elementwise pass takes a convolution's results strip by strip,
        whatever their size (the compiler fuses the two, AMD UG1414).
        """
        order = sorted(self.layers)
        readers: dict[str, list[int]] = {}
        for position, at in enumerate(order):
            for source in self.layers[at].sources:
                readers.setdefault(source, []).append(position)
        found: set[str] = set()
        whole: set[str] = set()  # of these, the ones that lie in the banks at once
        for position, at in enumerate(order[:-1]):
            layer, reader = self.layers[at], self.layers[order[position + 1]]
            if PROCESSOR in (layer.part, reader.part) or readers.get(layer.made, []) != [position + 1]:
                continue
            if reader.op.function in GATES:  # the two passes of a gate read its input twice
                continue
            if layer.part == DENSE and reader.part == EACH:
                found.add(layer.made)
            elif self._room(layer, whole) <= self.buffers.image_bytes:
                found.add(layer.made)
                whole.add(layer.made)
        return frozenset(found)

    def _room(self, layer: Layer, on_chip: Set[str]) -> float:
        """Bytes of the image banks that a layer's result and what it reads take."""
        made = self.stored(layer.made)
        read = {s: self.stored(s) for s in layer.sources if self.graph.tensors[s].role != "input"}
        in_place = layer.part >= DEPTHWISE and any(s in on_chip and size >= made for s, size in read.items())
        return sum(read.values()) + (0.0 if in_place else made)

    def traffic(self, at: int) -> tuple[float, float]:
        """(read, written) bytes of DDR of one layer.

        Maps that are not kept are read, rows that a stride leaps over are not. A layer whose maps and weights both exceed their banks reads the one
        again for each load of the other, whichever is less. A gate's second pass reads its input again, and its factor where the two do not fit.
        """
        layer = self.layers[at]
        op, banks = layer.op, self.buffers
        inputs = sum(float(self.graph.tensors[s].elements) for s in layer.sources if s not in self.kept)
        if op.kind in ("conv2d", "pool") and op["stride"] > op["r"]:
            inputs *= op["r"] / op["stride"]
        weights = layer.weights
        if inputs > banks.image_bytes and weights > banks.weight_bytes:
            loads, passes = math.ceil(inputs / banks.image_bytes), math.ceil(weights / banks.weight_bytes)
            read = min(weights * loads + inputs, weights + inputs * passes)
        else:
            read = weights + inputs
        written = 0.0 if layer.made in self.kept else float(self.graph.tensors[layer.made].elements)
        if op.function in GATES:
            once = float(self.graph.tensors[layer.made].elements)
            spilt = once if 2 * self.stored(layer.made) > banks.image_bytes else 0.0
            read, written = read + once + spilt, written + spilt
        return read, written


def _plain(tensor: Tensor, op: Op) -> tuple[int, int, int]:
    shape = tensor.shape
    return (shape[0], shape[2], shape[3]) if len(shape) == 4 else (1, op["rows"] if "rows" in op.bounds else tensor.elements, 1)


def _part(op: Op) -> float | str:
    """The engine of a core that runs an operator, or why none does."""
    if op.kind == "conv2d":
        return DEPTHWISE if op["groups"] > 1 and op["groups"] == op["c"] else DENSE
    if op.kind == "matmul":
        if op.operand_role != "weight" or op["pool"] or op["ragged"] or op["shared"] > 1:
            return "a DPU multiplies by weights that it knows beforehand"
        return PRODUCT
    if op.kind == "pool":
        return PROCESSOR if op.label == "roi_align" else WINDOW
    if op.kind == "embedding":
        if op.operand_role == "weight":
            return "a DPU has no lookup of weights"
        return PROCESSOR if op.label != "upsample" else EACH
    if op.kind == "softmax":
        return PROCESSOR
    if op.kind == "elementwise" and op.function in EACH_FUNCTIONS:
        return EACH
    return f"a DPU has no {op.function or op.kind}"


def parts_of(layers: Mapping[int, Layer]) -> frozenset[float]:
    """The engines that any layer uses."""
    return frozenset(layer.part for layer in layers.values())
