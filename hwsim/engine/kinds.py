"""Jitted functions of a target whose chips are of several kinds: a chip of one kind never waits for the machine code of the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

from hwsim.engine.jit import jit

Function = Callable[..., None]


@jit
def nothing(p: Any) -> None:
    """The preparation of a kind that needs none."""


@dataclass(frozen=True)
class ByKind:
    """`template`, compiled once for each kind when that is first wanted; called as the template is.

    The parameter record, argument `at`, tells the kind by its `column`; `functions` are jitted, by that code. The template calls the kind's under the
    global name `name`: a closure's dispatchers would give the disk cache another key in every process. Raises `KeyError` for a code of no kind.
    """

    template: Function
    at: int
    column: str
    name: str
    functions: Mapping[float, Function]
    _compiled: dict[float, Function] = field(default_factory=dict)

    def of(self, p: Any) -> Function:
        """The jitted function for one parameter record."""
        code = float(p[self.column])
        if code not in self._compiled:
            own: Any = self.functions[code]
            label = f"{self.template.__name__}_{own.__name__}"
            function = FunctionType(self.template.__code__, {**self.template.__globals__, self.name: own}, label)
            function.__qualname__ = label
            self._compiled[code] = jit(function)
        return self._compiled[code]

    def __call__(self, *records: Any) -> None:
        """Call the function of the kind of the parameter record among `records`."""
        self.of(records[self.at])(*records)


def for_record(function: Any, p: Any) -> Any:
    """The jitted function that prices or prepares record `p`: that of its kind, or `function` itself."""
    return function.of(p) if isinstance(function, ByKind) else function
