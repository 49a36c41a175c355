"""One varied parameter: where it acts, which values it takes, and how a grid or a sampler picks among them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from pydantic import Field, model_validator

from hwsim.core.chip import Chip
from hwsim.core.errors import HwsimError
from hwsim.core.param import Param
from hwsim.explore.column import Choice, Codes, Column, Floats, choice_of_numbers, whole
from hwsim.readers.quantity import parse_setting, quantity, to_si
from hwsim.readers.yaml_file import FileModel

Figure = int | float | str
MOST_VALUES = 10_000_000


class Range(FileModel):
    """The values of one parameter: one of list, linspace, logspace, integers, choices."""

    list_: list[Any] | None = Field(default=None, alias="list", min_length=1)
    choices: list[Any] | None = Field(default=None, min_length=1)
    linspace: tuple[Figure, Figure, int] | None = None
    logspace: tuple[Figure, Figure, int] | None = None
    integers: tuple[Figure, Figure] | tuple[Figure, Figure, int] | None = None

    @model_validator(mode="before")
    @classmethod
    def sequences(cls, data: Any) -> Any:
        """YAML knows lists only."""
        if isinstance(data, dict):
            return {k: tuple(v) if k in ("linspace", "logspace", "integers") and isinstance(v, list) else v for k, v in data.items()}
        return data

    @model_validator(mode="after")
    def one(self) -> Range:
        """Exactly one form."""
        if len(self.model_fields_set) != 1:
            raise ValueError("state one of list, linspace, logspace, integers, choices")
        return self

    @property
    def form(self) -> str:
        """Name of the form, as written."""
        return next(iter(self.model_fields_set)).rstrip("_")


@dataclass(frozen=True, eq=False)
class Axis:
    """A parameter with its values, in internal units.

    `kind` is ``chip``, ``mapping`` or ``trace``; `option` the name without its prefix. `values` are what a grid takes. A ``linspace`` or ``logspace``
    is continuous to a sampler: any number of `low`..`high`, evenly or (`log`) evenly in the logarithm; other forms are drawn from `values`.
    """

    name: str
    kind: str
    form: str
    values: tuple[Any, ...]
    unit: str = ""

    @property
    def option(self) -> str:
        """The name of the chip constant, mapping option or trace option."""
        return self.name.partition(".")[2] if self.kind != "chip" else self.name

    @property
    def continuous(self) -> bool:
        """True for linspace and logspace."""
        return self.form in ("linspace", "logspace")

    @property
    def log(self) -> bool:
        """True for logspace."""
        return self.form == "logspace"

    @property
    def numeric(self) -> bool:
        """True when every value is a number."""
        return self.numbers is not None

    @property
    def low(self) -> float:
        """The smallest value. Raises `HwsimError` when the values are no numbers."""
        return float(self._numbers().min())

    @property
    def high(self) -> float:
        """The largest value. Raises `HwsimError` when the values are no numbers."""
        return float(self._numbers().max())

    def __len__(self) -> int:
        return len(self.values)

    @cached_property
    def numbers(self) -> Floats | None:
        """The values as floats, or None."""
        if any(isinstance(v, bool) or not isinstance(v, int | float) for v in self.values):
            return None
        return np.array(self.values, dtype=np.float64)

    def _numbers(self) -> Floats:
        if self.numbers is None:
            raise HwsimError(f"parameter '{self.name}' takes values that are no numbers")
        return self.numbers

    def take(self, index: Codes) -> Column:
        """The values number `index` (n,): floats for a number of the chip, choices for all else."""
        if self.kind == "chip" and self.numbers is not None:
            return self.numbers[index]
        return Choice(self.values, index)

    def at(self, unit: Floats) -> Column:
        """The values at `unit` (n,) of [0, 1): along low..high when continuous, else the value that the fraction falls on."""
        if not self.continuous:
            return self.take(np.minimum((unit * len(self.values)).astype(np.int64), len(self.values) - 1))
        numbers = self._numbers()
        first, last = float(numbers[0]), float(numbers[-1])
        drawn = first * np.exp(unit * math.log(last / first)) if self.log else first + unit * (last - first)
        drawn = np.clip(drawn, min(first, last), max(first, last))
        return drawn if self.kind == "chip" else choice_of_numbers(drawn)

    def column(self, values: Sequence[Any] | Floats) -> Column:
        """Given values (n,), as this axis keeps them. Raises `HwsimError` when a number is due."""
        if self.kind == "chip" and self.numeric:
            try:
                return np.asarray(values, dtype=np.float64)
            except (TypeError, ValueError):
                raise HwsimError(f"parameter '{self.name}' takes numbers") from None
        from hwsim.explore.column import choice_of  # noqa: PLC0415

        return choice_of([tuple(v) if isinstance(v, list) else v for v in (values.tolist() if isinstance(values, np.ndarray) else values)])


def axis_of(name: str, stated: Range, chips: Sequence[Chip]) -> Axis:
    """Return the axis of a parameter. Raises `HwsimError` for values that do not fit the constant, and for empty ranges."""
    kind, dot, _ = name.partition(".")
    if not dot:
        param = chips[0].param(name)
        if any(chip.param(name).unit != param.unit for chip in chips):
            raise HwsimError(f"the chips state '{name}' in different units: {', '.join(sorted({c.param(name).unit for c in chips}))}")
        return Axis(name, "chip", stated.form, _values(stated, lambda v: _constant(name, v, param)), param.unit)
    return Axis(name, kind, stated.form, _values(stated, _option))


def _values(stated: Range, read: Any) -> tuple[Any, ...]:
    if stated.linspace is not None or stated.logspace is not None:
        low, high, count = stated.linspace or stated.logspace or (0, 0, 0)
        return _spaced(read(low), read(high), count, stated.logspace is not None)
    if stated.integers is not None:
        first, last = read(stated.integers[0]), read(stated.integers[1])
        return _integers(first, last, stated.integers[2] if len(stated.integers) == 3 else 1)
    found = tuple(read(v) for v in (stated.list_ if stated.list_ is not None else stated.choices) or ())
    if len(set(map(repr, found))) < len(found):
        twice = next(v for i, v in enumerate(found) if repr(v) in map(repr, found[:i]))
        raise HwsimError(f"the value {twice!r} is stated twice")
    return found


def _spaced(low: Any, high: Any, count: int, log: bool) -> tuple[Any, ...]:
    if not all(isinstance(v, int | float) and not isinstance(v, bool) for v in (low, high)):
        raise HwsimError("the ends of a range are numbers")
    if not 1 <= count <= MOST_VALUES:
        raise HwsimError(f"a range has 1 to {MOST_VALUES:,} values, got {count:,}")
    if count > 1 and low == high:
        raise HwsimError(f"{count} values between {low:g} and {high:g}: the range is empty")
    if log and (low <= 0 or high <= 0):
        raise HwsimError("both ends of a logspace are positive")
    made = np.geomspace(low, high, count) if log else np.linspace(low, high, count)
    return tuple(whole(v) for v in made.tolist())


def _integers(first: Any, last: Any, step: int) -> tuple[Any, ...]:
    if any(isinstance(v, bool) or not isinstance(v, int | float) or v != int(v) for v in (first, last)):
        raise HwsimError("integers run from a whole number to a whole number")
    if step <= 0:
        raise HwsimError(f"the step of integers is positive, got {step}")
    if last < first:
        raise HwsimError(f"integers from {first:g} to {last:g}: the range is empty")
    if (last - first) // step >= MOST_VALUES:
        raise HwsimError(f"a range has at most {MOST_VALUES:,} values")
    return tuple(range(int(first), int(last) + 1, step))


def _constant(name: str, value: Any, param: Param) -> Any:
    """A value of a chip constant: a unit is due where the constant has one that does not count."""
    if isinstance(value, list) != isinstance(param.value, tuple):
        raise HwsimError(f"{name} is {'a vector' if isinstance(param.value, tuple) else 'one value, not a list'}, got {value!r}")
    if isinstance(param.value, tuple):
        if len(value) != len(param.value):
            raise HwsimError(f"{name} has {len(param.value)} figures, got {len(value)}")
        return tuple(quantity(v if isinstance(v, str) else repr(v), param.unit) for v in value)
    if param.unit in ("text", "flag"):
        if param.unit == "flag" and not isinstance(value, bool):
            raise HwsimError(f"{name} is true or false, got {value!r}")
        return value if param.unit == "flag" else str(value)
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise HwsimError(f"{name} is a number, got {value!r}")
    return parse_setting(name, value if isinstance(value, str) else repr(value), param.unit)


def _option(value: Any) -> Any:
    """A value of a mapping or trace option: quantities in SI units, lists as tuples, all else as it stands."""
    if isinstance(value, list):
        return tuple(_option(v) for v in value)
    if isinstance(value, dict):
        raise HwsimError("a value is a number, a word, a flag or a list of them")
    if isinstance(value, str) and value[:1].isdigit() and " " in value.strip():
        return to_si(value)[0]
    return value
