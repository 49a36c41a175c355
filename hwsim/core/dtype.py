"""Number formats: a name, a width in bits, and a kind.

``fx32`` is fixed point of 32 bits; ``ternary`` values (-1, 0, 1) are packed five to a byte, 1.6 bits each.

A block format (GGML's ``q8_0``, ``q4_0``) stores `DType.block` integers and one fp16 scale together; its bits an element include the scale, so that
the bytes of whole blocks are exact. Weights and caches are stored so, never activations.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from hwsim.core.errors import InvalidTrace, nearest


@dataclass(frozen=True)
class DType:
    """A number format. `kind` is float, int, uint or complex; `bits` counts one element, `block` the elements that share a scale (1 = none)."""

    name: str
    bits: float
    kind: str
    block: int = 1

    @property
    def bytes(self) -> float:
        """Bytes of one element; a fraction below eight bits (packed)."""
        return self.bits / 8


_TABLE: dict[str, dict[str, float]] = {
    "float": {"fp64": 64, "fp32": 32, "tf32": 32, "fp16": 16, "bf16": 16, "fp8": 8, "fp6": 6, "fp4": 4},
    "int": {
        "int64": 64, "int32": 32, "int24": 24, "int16": 16, "int8": 8, "int7": 7, "int6": 6, "int5": 5, "int4": 4, "int3": 3, "int2": 2,
        "ternary": 1.6, "binary": 1, "fx32": 32,
    },
    "uint": {"uint32": 32, "uint16": 16, "uint8": 8, "uint4": 4},
    "complex": {"complex64": 64, "complex128": 128},
}  # fmt: skip
_BLOCKS = {"q8_0": 8, "q4_0": 4}  # bits of an integer; blocks of 32 with a scale of 16 bits
BLOCK, SCALE_BITS = 32, 16
DTYPES: dict[str, DType] = {
    **{n: DType(n, b, kind) for kind, row in _TABLE.items() for n, b in row.items()},
    **{n: DType(n, b + SCALE_BITS / BLOCK, "int", BLOCK) for n, b in _BLOCKS.items()},
}
_ALIASES = {
    "float64": "fp64", "float32": "fp32", "float16": "fp16", "bfloat16": "bf16", "half": "fp16", "float": "fp32", "int1": "binary",
}  # fmt: skip


@cache
def dtype(name: str) -> DType:
    """Return the `DType` called `name` (framework spellings such as ``float16`` are accepted).

    Raises `InvalidTrace` for an unknown name.
    """
    found = DTYPES.get(_ALIASES.get(name, name))
    if found is None:
        raise InvalidTrace(f"unknown dtype '{name}'{nearest(name, DTYPES)}")
    return found


def block_format(*names: str) -> str:
    """Return the first of the named formats that stores its elements in blocks; empty when none does. Raises `InvalidTrace` for an unknown name."""
    return next((name for name in names if dtype(name).block > 1), "")
