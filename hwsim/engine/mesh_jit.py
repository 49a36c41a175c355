"""How the mesh's cycle loop is compiled: everything inlined into one function, without reference counts.

The loop allocates nothing, so Numba's run-time memory management is switched off (``_nrt=False``): the atomic reference counts
on the state's arrays, otherwise taken at every access, would make it 15 times slower. Inlining by LLVM saves passing the state's
arrays, some hundred machine words, at every call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

from hwsim.engine.jit import stamped

_OPTIONS: dict[str, Any] = {"error_model": "numpy", "_nrt": False}

F = TypeVar("F", bound=Callable[..., Any])


def loop(function: F) -> F:
    """Compile an entry point of the cycle loop; the machine code is kept on disk."""
    compiled: F = numba.njit(cache=True, **_OPTIONS)(function)
    return stamped(compiled)


def inlined(function: F) -> F:
    """Compile a part of the cycle loop into its callers."""
    compiled: F = numba.njit(forceinline=True, **_OPTIONS)(function)
    return compiled
