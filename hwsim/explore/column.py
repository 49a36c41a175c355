"""Columns of design points: plain numbers, or choices kept as codes into a short list of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Codes: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Choice:
    """A column whose n values are ``values[codes[i]]``: words, flags, tuples (a grid) or numbers."""

    values: tuple[Any, ...]
    codes: Codes

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Any) -> Choice:
        return Choice(self.values, self.codes[rows])

    def numbers(self) -> Floats | None:
        """The values as floats, or None when some are no numbers."""
        if not all(isinstance(v, int | float) for v in self.values):
            return None
        return np.array(self.values, dtype=np.float64)[self.codes] if self.values else np.zeros(0)

    def item(self, index: int) -> Choice | None:
        """The elements [index] of a column of tuples, or None when one of the values has none."""
        try:
            return Choice(tuple(v[index] for v in self.values), self.codes)
        except (TypeError, IndexError):
            return None

    def equal(self, word: str) -> NDArray[np.bool_]:
        """Where the value, as written, is `word`."""
        return np.array([str(written(v)) == word for v in self.values], dtype=bool)[self.codes]


Column: TypeAlias = Floats | Choice


def choice_of(values: Sequence[Any]) -> Choice:
    """Return n values of any hashable kind as a column of choices, in the order of first appearance. O(n)."""
    known: dict[tuple[str, Any], int] = {}
    codes = np.fromiter((known.setdefault((type(v).__name__, v), len(known)) for v in values), dtype=np.int64, count=len(values))
    return Choice(tuple(v for _, v in known), codes)


def choice_of_numbers(numbers: Floats) -> Choice:
    """Return numbers as choices, whole ones as ints: what a mapping or trace option expects."""
    values, codes = np.unique(numbers, return_inverse=True)
    return Choice(tuple(whole(float(v)) for v in values), codes.reshape(-1).astype(np.int64))


def whole(value: float) -> int | float:
    """Return a whole number as an int, any other as it is."""
    return int(value) if value == int(value) and abs(value) < 2**53 else value


def written(value: Any) -> Any:
    """Return a value as a results table holds it: a tuple as ``420x420``, a flag as true or false; numbers and words as they are.

    >>> written((420, 420)), written(7)
    ('420x420', 7)
    """
    if isinstance(value, tuple):
        return "x".join(str(whole(v)) if isinstance(v, float) else str(v) for v in value)
    return str(value).lower() if isinstance(value, bool) else value
