"""What follows a product and needs no work of its own: affine passes that go into its weights, activations that its converters may apply."""

from __future__ import annotations

from collections.abc import Collection

from hwsim.core.graph import Graph

AFFINE = ("batch_norm", "bias", "scale")
PRODUCTS = ("matmul", "conv2d")


def folded(graph: Graph) -> frozenset[str]:
    """Names of the elementwise passes that scale and shift the results of one product with weights, and so are part of these weights."""
    made = {name: op for op in graph.ops for name in op.outputs}
    found: set[str] = set()
    for op in graph.ops:
        source = made.get(op.inputs[0]) if op.kind == "elementwise" and op.function in AFFINE and len(op.inputs) == 1 else None
        if source is not None and ((source.kind in PRODUCTS and source.operand_role == "weight") or source.name in found):
            found.add(op.name)
    return frozenset(found)


def applied(graph: Graph, functions: Collection[str]) -> frozenset[str]:
    """Names of the elementwise passes of `functions` that read one product (affine passes between), which a converter can apply."""
    made, affine = {name: op for op in graph.ops for name in op.outputs}, folded(graph)
    found: set[str] = set()
    for op in graph.ops:
        source = made.get(op.inputs[0]) if op.kind == "elementwise" and op.function in functions and len(op.inputs) == 1 else None
        while source is not None and source.name in affine:
            source = made.get(source.inputs[0])
        if source is not None and source.kind in PRODUCTS:
            found.add(op.name)
    return frozenset(found)
