"""Arguments of primitives, read with one wording of complaints: numbers in a range, words of a set, flags."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from hwsim.core.errors import InvalidTrace, nearest

Arguments = Mapping[str, Any]


def number(arguments: Arguments, name: str, *, least: float = 0.0, most: float = math.inf) -> float:
    """Return a finite number in `least`..`most`. Raises `InvalidTrace`."""
    value = arguments[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most or not math.isfinite(value):
        bounds = f"of at least {least:g}" if math.isinf(most) else f"in {least:g}..{most:g}"
        raise InvalidTrace(f"{name} must be a number {bounds}, got {value!r}")
    return float(value)


def whole(arguments: Arguments, name: str, *, least: int = 1, most: float = math.inf) -> int:
    """Return a whole number in `least`..`most`. Raises `InvalidTrace`."""
    value = number(arguments, name, least=least, most=most)
    if value != int(value):
        raise InvalidTrace(f"{name} must be a whole number, got {value!r}")
    return int(value)


def word(arguments: Arguments, name: str, known: Collection[str]) -> str:
    """Return a word of the set `known`. Raises `InvalidTrace`, naming the nearest."""
    given = str(arguments[name])
    if given not in known:
        raise InvalidTrace(f"{name} is one of {', '.join(known)}, got '{given}'{nearest(given, known)}")
    return given


def flag(arguments: Arguments, name: str) -> bool:
    """Return true or false. Raises `InvalidTrace`."""
    value = arguments[name]
    if not isinstance(value, bool):
        raise InvalidTrace(f"{name} is true or false, got {value!r}")
    return value
