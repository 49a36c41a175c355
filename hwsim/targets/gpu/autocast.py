"""What a framework's automatic mixed precision adds to a 16-bit graph: norms and softmax in fp32, and conversions before products.

A norm's result is fp32, and so is everything elementwise that reads it, until a product converts it back with a pass of its own. Source: the
documented lists of operators of PyTorch's autocast; batch normalisation keeps 16 bits.

A mask of an attention's every sequence and head (shifted windows) is spread out and added to the position bias in fp32, converted, and its rows are
padded to `MASK_ROW` elements for the kernel that reads it: passes over the whole square of scores.
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
MASK_ROW = 8  # elements to whose multiple a fused kernel wants the rows of a mask
SPREAD = 12.0  # bytes of writing an element of the mask in fp32, and of reading and writing it again to add the bias
HALF = 2.0
MASK_PASSES = 4  # spread, add, convert, pad


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
        mask = mask_bytes(op)
        return Extra(converted=CONVERSION * fp32 + mask, conversions=sum(is_wide for _, is_wide in read) + MASK_PASSES * (mask > 0))
    if op.kind in WIDE:
        narrow = sum(n for n, is_wide in read if not is_wide)
        return Extra(SURPLUS * (fp32 + narrow + written), CONVERSION * narrow, sum(not is_wide for _, is_wide in read))
    return Extra(SURPLUS * (fp32 + written)) if fp32 else Extra()


def mask_bytes(op: Op) -> float:
    """Bytes that an attention's own mask moves before and in its kernel (attribute ``mask``); 0 without one."""
    if op.kind != "attention" or op.attrs.get("mask") != "sequence":
        return 0.0
    rows, cols = op["batch"] * op["heads"] * op["q"], op["kv"]
    padded = math.ceil(cols / MASK_ROW) * MASK_ROW
    return rows * (cols * (SPREAD + CONVERSION + HALF) + padded * 2 * HALF)
