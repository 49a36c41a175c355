"""The one error tree: every failure that a user can cause or repair derives from `HwsimError`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `` (did you mean a, b?)`` for the known names closest to `name`, or the empty string.

    >>> nearest("wse-2", ["wse2", "wse3", "a100"])
    ' (did you mean wse2, wse3?)'
    """
    matches = difflib.get_close_matches(name.lower(), sorted(known), n=3, cutoff=0.5)
    return f" (did you mean {', '.join(matches)}?)" if matches else ""


@dataclass(frozen=True)
class Location:
    """Where in a user's file something stands: file name, 1-based line, and the path of keys to it."""

    file: str
    line: int | None = None
    path: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return f"{place}: {self.path}" if self.path else place


class HwsimError(Exception):
    """Base of all errors that hwsim raises on purpose; the command line turns it into exit code 2."""

    def __init__(self, message: str, *, location: Location | None = None) -> None:
        self.location = location
        self.problem = message
        super().__init__(message if location is None else f"{location}: {message}")


class InvalidTrace(HwsimError):
    """A trace (operator graph, config.json, CSV, workload) is unknown, malformed or inconsistent."""


class InvalidChip(HwsimError):
    """A chip or tech file is unknown, malformed, or states impossible values."""


class InvalidMapping(HwsimError):
    """A mapping option is unknown, of the wrong form, or cannot be applied to this operator and chip."""


class InvalidCase(HwsimError):
    """A validation case file is malformed."""


class MissingParameter(HwsimError):
    """A model needs a constant that the chip file does not state."""

    def __init__(self, parameter: str, chip: str, known: Iterable[str] = ()) -> None:
        self.parameter = parameter
        super().__init__(f"chip '{chip}' states no parameter '{parameter}'{nearest(parameter, known)}")


class UnsupportedOp(HwsimError):
    """Operators that a target has no model for; all of them are named at once, names that differ only in a number together."""

    def __init__(self, target: str, ops: Sequence[str]) -> None:
        self.ops = tuple(ops)
        super().__init__(
            f"target '{target}' has no model for {len(self.ops)} operator(s): {_together(self.ops)}; "
            "allow_unmodelled (--allow-unmodelled) prices the rest as a lower bound"
        )


class Infeasible(HwsimError):
    """A request that the hardware cannot hold: what is short, how much is asked, how much there is, what would help."""

    def __init__(self, what: str, *, demand: float, bound: float, unit: str, levers: Sequence[str] = ()) -> None:
        self.what, self.demand, self.bound, self.unit = what, demand, bound, unit
        self.levers = tuple(levers)
        help_ = f"; what would help: {'; '.join(self.levers)}" if self.levers else ""
        super().__init__(f"{what}: needs {demand:,.6g} {unit}, has {bound:,.6g} {unit}{help_}")

    def __reduce__(self) -> tuple[object, ...]:
        return (_remake_infeasible, (self.what, self.demand, self.bound, self.unit, self.levers))


class CostError(HwsimError):
    """A computed cost breaks a law (negative, not finite, faster than the roofline): a fault of the model, not of the user."""


def _together(names: Sequence[str]) -> str:
    """Write names, those that differ only in numbers once, with the reason of the first: ``layers.*.rope_q (32)``.

    >>> _together(["conv.1 (conv2d: no fp16)", "conv.2 (conv2d: no fp16)", "pool"])
    'conv.* (2, such as conv2d: no fp16), pool'
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(re.sub(r"\d+", "*", name), []).append(name)
    return ", ".join(same[0] if len(same) == 1 else _once(same) for same in groups.values())


def _once(same: Sequence[str]) -> str:
    """One entry for several names that differ only in numbers."""
    head, parenthesis, reason = same[0].partition(" (")
    return f"{re.sub(r'[0-9]+', '*', head)} ({len(same)}{', such as ' + reason if parenthesis else ')'}"


def _remake_infeasible(what: str, demand: float, bound: float, unit: str, levers: tuple[str, ...]) -> Infeasible:
    return Infeasible(what, demand=demand, bound=bound, unit=unit, levers=levers)
