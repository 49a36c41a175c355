"""Sets of requests as 64-bit words: the first member from an offset on, cyclically, is a round-robin arbiter."""

from __future__ import annotations

from typing import Any

from numba.core import types
from numba.extending import intrinsic

from hwsim.engine.mesh_jit import inlined


@intrinsic
def _trailing_zeros(context: Any, word: Any) -> Any:
    """Compile the processor's instruction that counts the zero bits below the lowest set one."""

    def build(target: Any, builder: Any, _: Any, arguments: Any) -> Any:
        return builder.cttz(arguments[0], target.get_constant(types.boolean, True))

    return types.int64(types.int64), build


@inlined
def lowest(members: int) -> int:
    """Number of the lowest set bit; ``members`` is not 0."""
    found: int = _trailing_zeros(members)  # type: ignore[call-arg]
    return found


@inlined
def first_from(members: int, offset: int) -> int:
    """Number of the first set bit from ``offset`` (0..62) on, cyclically; ``members`` is not 0."""
    above = members & (-1 << offset)
    return lowest(above if above != 0 else members)


@inlined
def after(number: int, members: int) -> int:
    """The next of ``members`` numbers, in turn."""
    return number + 1 if number + 1 < members else 0
