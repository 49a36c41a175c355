"""What a framework's automatic mixed precision adds to a 16-bit graph: norms and softmax in fp32, and conversions before products.

A norm's result is fp32, and so is everything elementwise that reads it, until a product converts it back with a pass of its own. Source: the
documented lists of operators of PyTorch's autocast; batch normalisation keeps 16 bits.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from hwsim.core.graph import Graph
from hwsim.core.op import Op

WIDE = ("norm", "softmax")
NARROW = ("matmul", "conv2d", "attention")
SURPLUS = 2.0  # bytes by which an element of fp32 exceeds one of 16 bits
CONVERSION = 6.0  # bytes that converting one element moves


@dataclass(frozen=True)
class Extra:
    """Bytes that one operator moves in fp32 beyond 16 bits, bytes of conversions before it, and how many conversions."""

    surplus: float = 0.0
    converted: float = 0.0
    conversions: int = 0


def extras(graph: Graph) -> dict[str, Extra]:
    """Return what mixed precision adds to each operator that it touches, by name. O(operators)."""
    wide: set[str] = set()
    found: dict[str, Extra] = {}
    for op in graph.ops:
        extra = _extra(op, wide)
        if op.kind in WIDE or (op.kind not in NARROW and any(t in wide for t in op.inputs)):
            wide.update(op.outputs)
        if extra != Extra():
            found[op.name] = extra
    return found


def _extra(op: Op, wide: set[str]) -> Extra:
    read = [(o.elements, name in wide) for o, name in zip(op.operands, op.inputs, strict=True) if o.role != "weight"]
    fp32 = sum(n for n, is_wide in read if is_wide)
    written = sum(math.prod(shape) for shape in op.results)
    if op.kind in NARROW:
        return Extra(converted=CONVERSION * fp32, conversions=sum(is_wide for _, is_wide in read))
    if op.kind in WIDE:
        narrow = sum(n for n, is_wide in read if not is_wide)
        return Extra(SURPLUS * (fp32 + narrow + written), CONVERSION * narrow, sum(not is_wide for _, is_wide in read))
    return Extra(SURPLUS * (fp32 + written)) if fp32 else Extra()
