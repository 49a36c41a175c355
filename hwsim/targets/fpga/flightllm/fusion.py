"""Which operators run behind a matrix product, on its results, instead of on their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hwsim.core.graph import Graph
from hwsim.core.op import Op
from hwsim.targets.fpga.flightllm import tasks as T

ROTATED = "rope"
GATED = ("silu_mul", "gelu_mul")


@dataclass(frozen=True)
class Fusions:
    """`behind`: what is fused behind each product (operator index -> code of `tasks`); `fused`: operators that cost nothing of their own."""

    behind: Mapping[int, int]
    fused: frozenset[int]


def _code(op: Op, operand: int) -> int:
    """What `op` means to the product that makes its operand number `operand`."""
    if op.kind == ROTATED:
        return T.FUSE_ROPE
    if op["fused"]:
        return T.FUSE_BINARY
    if op.function in GATED:
        return T.FUSE_ACTIVATION if operand == 0 else T.FUSE_BINARY
    return T.FUSE_ACTIVATION if op["operands"] == 1 else T.FUSE_BINARY


def fusions(graph: Graph) -> Fusions:
    """Fuse every element-wise operation or rotation behind the products that feed it, where nothing else reads their results. O(operators)."""
    readers: dict[str, int] = {}
    for op in graph.ops:
        for name in op.inputs:
            readers[name] = readers.get(name, 0) + 1
    behind: dict[int, int] = {}
    fused: set[int] = set()
    for at, op in enumerate(graph.ops):
        if op.kind not in ("elementwise", ROTATED):
            continue
        sources = [(i, graph.producers.get(name, -1)) for i, name in enumerate(op.inputs) if readers[name] == 1]
        free = [(i, s) for i, s in sources if s >= 0 and graph.ops[s].kind == "matmul" and s not in behind]
        if op.function not in GATED:
            free = free[-1:]
        for operand, source in free:
            behind[source] = _code(op, operand)
            fused.add(at)
    return Fusions(behind, frozenset(fused))
