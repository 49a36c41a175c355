"""What the processor does around a network: prepare images, read out classes and boxes, run operators that a DPU lacks."""

from __future__ import annotations

from collections.abc import Mapping

from hwsim.core.graph import Graph
from hwsim.targets.fpga.dpu.layers import Layer
from hwsim.targets.fpga.dpu.parts import PROCESSOR

CLASSIFIERS = ("classifier", "box_class")  # results that a softmax turns into probabilities
SOFTMAX_DETECTORS = ("ssd-resnet34",)  # every box has a softmax over its classes
BOX_BY_CLASS = "ssd"  # names of other detectors that compare every class of every box with a threshold, class by class; the rest go box by box
COLOURS = 3
Work = dict[int, dict[str, float]]


def around(graph: Graph, layers: Mapping[int, Layer]) -> Work:
    """Columns of the processor's work by operator.

    The pixels of an input image are resized, shifted and quantised before its first reader. Results that no operator reads are scores: of classes,
    each an exponential, or of boxes, each compared with a threshold. A detector that collects boxes class by class reads its scores with a stride.
    """
    read = {name for op in graph.ops for name in op.inputs}
    found: Work = {}
    seen: set[str] = set()
    for at, layer in layers.items():
        own = processor_work(layer)
        for name in layer.sources:
            tensor = graph.tensors[name]
            if tensor.role == "input" and len(tensor.shape) == 4 and name not in seen:
                seen.add(name)
                own["host_pixels"] = own.get("host_pixels", 0.0) + tensor.elements / COLOURS
        if all(name not in read for name in layer.op.outputs):
            exponential = layer.op.label in CLASSIFIERS or graph.name in SOFTMAX_DETECTORS
            compared = "host_box_scores" if graph.name.startswith(BOX_BY_CLASS) else "host_scans"
            own["host_scores" if exponential else compared] = float(graph.tensors[layer.op.outputs[0]].elements)
        if own:
            found[at] = own
    return found


def processor_work(layer: Layer) -> dict[str, float]:
    """Columns of an operator that the processor runs: an exponential per element of a softmax, else one step per element read or made."""
    if layer.part != PROCESSOR:
        return {}
    op = layer.op
    elements = float(max(sum(o.elements for o in op.operands if o.dtype == "op"), op["rows"] * op["cols"] if "rows" in op.bounds else 0))
    return {"host_scores": elements} if op.kind == "softmax" else {"host_elements": elements}
