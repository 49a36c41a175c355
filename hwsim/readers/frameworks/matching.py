"""Patterns over what operators read: how a group of passes that a framework wrote out is found again.

A pattern is a name (a variable: the same tensor wherever it stands), one of `NUMBER`, `VECTOR`, `ANY`, or a tuple of a function (alternatives
apart with ``|``) and the patterns of its operands, of which those of sums and products come in any order. `either` tries patterns in turn, `scaled`
and `inner` allow factors that are single stored numbers. Changes of the number format are looked through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Any

from hwsim.readers.frameworks.values import Origin, Value

NUMBER, VECTOR, ANY = "#number", "#vector", "#any"
COMMUTATIVE = ("add", "mul")
Pattern = Any


def either(*patterns: Pattern) -> Pattern:
    """Any of the patterns."""
    return ("#either", *patterns)


def scaled(pattern: Pattern) -> Pattern:
    """The pattern, perhaps times or over stored numbers, which are counted."""
    return ("#scaled", pattern, 1)


def inner(pattern: Pattern) -> Pattern:
    """The pattern, perhaps times or over stored numbers."""
    return ("#scaled", pattern, 0)


@dataclass(frozen=True)
class Found:
    """A match so far: values of the variables, results that it is made of, constants met, and how many factors `scaled` passed."""

    values: Mapping[str, Value]
    inside: frozenset[str] = frozenset()
    constants: tuple[Value, ...] = ()
    factors: int = 0

    def __getitem__(self, name: str) -> Value:
        return self.values[name]


START = Found({})


class Matcher:
    """Finds patterns among `origins`: what made each tensor."""

    def __init__(self, origins: dict[str, Origin]) -> None:
        self.origins = origins

    def first(self, pattern: Pattern, value: Value) -> Found | None:
        """The first match of a pattern, if any."""
        return next(self.match(pattern, value, START), None)

    def match(self, pattern: Pattern, value: Value, found: Found) -> Iterator[Found]:
        """Yield every way in which a value is of the pattern."""
        if isinstance(pattern, str):
            yield from self._leaf(pattern, value, found)
        elif pattern[0] == "#either":
            for one in pattern[1:]:
                yield from self.match(one, value, found)
        elif pattern[0] == "#scaled":
            yield from self.match(pattern[1], value, found)
            for more in (("mul", pattern, NUMBER), ("div", pattern, NUMBER)):
                yield from self.match(more, value, replace(found, factors=found.factors + pattern[2]))
        else:
            yield from self._operator(pattern, value, found)

    def _leaf(self, name: str, value: Value, found: Found) -> Iterator[Found]:
        if name in (NUMBER, VECTOR):
            if value.constant and (value.elements == 1) == (name == NUMBER):
                yield replace(found, constants=(*found.constants, value))
            return
        if name == ANY:
            yield found
            return
        if value.constant:
            return
        for one, casts in self._formats(value):
            bound = found.values.get(name)
            if bound is None or bound.tensor == one.tensor:
                yield replace(found, values={**found.values, name: bound or one}, inside=found.inside | casts)

    def _formats(self, value: Value) -> Iterator[tuple[Value, frozenset[str]]]:
        """The value before changes of its number format, then as it is."""
        origin = self.origins.get(value.tensor)
        if origin is not None and origin.function == "cast":
            for one, casts in self._formats(origin.reads[0]):
                yield replace(one, shape=value.shape), casts | {value.tensor}
        yield value, frozenset()

    def _operator(self, pattern: Pattern, value: Value, found: Found) -> Iterator[Found]:
        function, *wanted = pattern
        if value.constant:
            return
        for one, casts in self._formats(value):
            origin = self.origins.get(one.tensor)
            if origin is None or origin.function not in function.split("|") or len(origin.reads) != len(wanted):
                continue
            inside = replace(found, inside=found.inside | casts | {one.tensor})
            orders = permutations(wanted) if origin.function in COMMUTATIVE else [tuple(wanted)]
            for order in dict.fromkeys(orders):
                yield from self._operands(order, origin.reads, inside)

    def _operands(self, wanted: tuple[Pattern, ...], reads: tuple[Value, ...], found: Found) -> Iterator[Found]:
        if not wanted:
            yield found
            return
        for one in self.match(wanted[0], reads[0], found):
            yield from self._operands(wanted[1:], reads[1:], one)
