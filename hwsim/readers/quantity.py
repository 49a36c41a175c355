"""Quantities at the file boundary: ``1.1 GHz`` comes in, a float in hwsim's internal unit goes on.

Internal units are SI base units, except areas, which are in mm2; bytes stay bytes and bits stay bits (a byte is 8 bit when one is asked for
as the other); counts (``PE``, ``MAC``, ``cycle``...) stay counts of that thing and never turn into another. Figures are exact decimals until the
last step, so ``0.1 pJ`` is the float nearest to 1e-13.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

from hwsim.core.errors import HwsimError, nearest
from hwsim.core.param import Value
from hwsim.readers.units import TABLE, Expression, UnknownUnit, unit_expression

__all__ = ["quantity", "to_si"]

_NUMBER = r"[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][-+]?\d{1,3})?"
_QUANTITY = re.compile(rf"^\s*({_NUMBER})\s*(.*?)\s*$")
_EXAMPLES = {"Hz": "GHz", "s": "ns", "J": "pJ", "B": "KiB", "m": "um", "F": "fF", "A": "uA", "W": "mW", "ohm": "kohm"}


def quantity(given: str | float, unit: str, error: type[HwsimError] = HwsimError) -> float:
    """Return `given` in hwsim's internal unit for the dimension of `unit`.

    A text must carry its own unit, of the same dimension as `unit` (a bare figure only where `unit` is a count or a plain number); a number
    is a figure in `unit` itself. Raises `error` for an unknown unit, another dimension, a missing unit, or a figure that is not finite.

    >>> quantity("1.1 GHz", "Hz"), quantity(48, "KiB"), quantity("1.2 Tb/s", "B/s")
    (1100000000.0, 49152.0, 150000000000.0)
    """
    wanted = expression(unit, error)
    if not isinstance(given, str):
        return _scaled(_fraction(given, error), wanted, wanted, error)
    number, text = split_quantity(given, error)
    if not text:
        if not wanted.countable:
            raise error(f"'{given.strip()}' needs a unit, such as {given.strip()} {example_unit(wanted.si)}")
        return _scaled(number, wanted, wanted, error)
    found = expression(text, error)
    if found.powers != wanted.powers:
        raise error(f"'{given.strip()}' is in {found.si or 'a plain number'}, but {wanted.si or 'a plain number'} is due")
    return _scaled(number, found, wanted, error)


def to_si(value: float | str, unit: str = "", error: type[HwsimError] = HwsimError) -> tuple[float, str]:
    """Return (value, unit) in hwsim's internal units; a text without `unit` must carry its own.

    >>> to_si(0.1, "pJ/bit")
    (1e-13, 'J/bit')
    >>> to_si("2 um2")
    (2e-06, 'mm2')

    Raises `error` as `quantity` does.
    """
    if isinstance(value, str) and not unit:
        number, text = split_quantity(value, error)
        found = expression(text, error)
        return _scaled(number, found, found, error), found.si
    return quantity(value, unit, error), expression(unit, error).si


def parse_setting(name: str, text: str, unit: str, error: type[HwsimError] = HwsimError) -> Value:
    """Return the value of a setting ``name=text`` for a constant whose unit is `unit` (``text`` and ``flag`` for words and switches).

    A list is written ``[750, 994]``. Raises `error`, naming the constant, when the text does not fit, or a bare figure lacks its unit.
    """
    words = text.strip()
    if unit == "text":
        return words
    if unit == "flag":
        if words.lower() not in ("true", "false"):
            raise error(f"{name} is true or false, got '{words}'")
        return words.lower() == "true"
    try:
        if words[:1] + words[-1:] in ("[]", "()"):
            return tuple(quantity(part, unit, error) for part in words[1:-1].split(","))
        if re.fullmatch(_NUMBER, words) and not expression(unit, error).countable:
            raise error(f"needs a unit, such as {words} {example_unit(unit)}")
        return quantity(words, unit, error)
    except error as bad:
        raise error(f"{name} {bad.problem}" if bad.problem.startswith("needs") else f"{name}: {bad.problem}") from None


def split_quantity(text: str, error: type[HwsimError] = HwsimError) -> tuple[Fraction, str]:
    """Return (figure, unit text) of a quantity; the unit may be empty. Raises `error` when the text starts with no figure."""
    match = _QUANTITY.match(text)
    if match is None:
        raise error(f"'{text}' is no quantity (a figure with a unit, such as 1.1 GHz)")
    return Fraction(match[1].replace("_", "")), match[2]


def expression(unit: str, error: type[HwsimError] = HwsimError) -> Expression:
    """Return the meaning of a unit. Raises `error` for an unknown one, naming the nearest."""
    try:
        return unit_expression(unit)
    except UnknownUnit as bad:
        near = nearest(bad.word, TABLE) or nearest(bad.word[1:], TABLE)
        raise error(f"unknown unit '{bad.word}'{f' in {unit!r}' if bad.word != unit else ''}{near}") from None


def example_unit(si: str) -> str:
    """Return a handy unit of the same dimension as the internal unit `si`, for messages."""
    head, slash, rest = si.partition("/")
    return _EXAMPLES.get(si) or _EXAMPLES.get(head, head) + slash + rest


def _fraction(given: float, error: type[HwsimError]) -> Fraction:
    if isinstance(given, bool) or not math.isfinite(given):
        raise error(f"{given} is not a finite number")
    return Fraction(repr(float(given)))


def _scaled(number: Fraction, found: Expression, wanted: Expression, error: type[HwsimError]) -> float:
    exact = number * found.factor * Fraction(8) ** (found.bytes - wanted.bytes)
    try:
        return float(exact)
    except OverflowError:
        raise error("the figure is too large") from None
