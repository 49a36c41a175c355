"""Numba's decorator, typed, with the on-disk cache switched on; importing this module imports Numba."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

F = TypeVar("F", bound=Callable[..., Any])


def jit(function: F) -> F:
    """Compile `function` in nopython mode; the machine code is kept on disk, so the second process starts fast."""
    compiled: F = numba.njit(cache=True, error_model="numpy")(function)
    return compiled
