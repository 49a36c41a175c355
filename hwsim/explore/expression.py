"""Safe expressions over columns: ``48 KiB * 600 / mapping.grid[0]``, ``area_mm2 < 46225 and clock_hz >= 0.8 GHz``.

An expression is parsed once by `ast`; only numbers (with units), names, whole-number indices, arithmetic, comparisons, ``and``, ``or``, ``not``
and a few functions are let in. It is evaluated on whole columns at once; a point where it has no value (a division by zero, the root of a
negative number) is a fault of that point, not an error.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwsim.core.errors import HwsimError
from hwsim.explore.column import Choice, Column
from hwsim.readers.quantity import quantity
from hwsim.readers.units import UnknownUnit, unit_expression

Flags = NDArray[np.bool_]
LONGEST = 2000
_NUMBER_UNIT = re.compile(r"(?<![\w.])(\d[\d_]*\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)\s+([A-Za-zµΩ%]+\d?(?:[/*][A-Za-zµΩ]+\d?)*)")
_WORDS = ("and", "or", "not", "if", "else", "in", "is")
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: np.add, ast.Sub: np.subtract, ast.Mult: np.multiply, ast.Div: np.divide, ast.FloorDiv: np.floor_divide, ast.Mod: np.mod,
    ast.Pow: np.power,
}  # fmt: skip
_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq, ast.NotEq: operator.ne,
}  # fmt: skip
_FUNCTIONS: dict[str, tuple[Callable[..., Any], int | None]] = {
    "min": (np.minimum, None), "max": (np.maximum, None), "ceil": (np.ceil, 1), "floor": (np.floor, 1), "sqrt": (np.sqrt, 1), "log2": (np.log2, 1),
    "abs": (np.abs, 1),
}  # fmt: skip


@dataclass(frozen=True)
class Evaluated:
    """`values` (n,) of an expression, and `faults` by what is wrong: the points (n,) where it has no value."""

    values: NDArray[Any]
    faults: Mapping[str, Flags]


@dataclass(frozen=True)
class Expression:
    """A parsed expression: its `text`, its syntax tree and the dotted `names` that it reads."""

    text: str
    tree: ast.expr
    names: tuple[str, ...]

    def __call__(self, columns: Mapping[str, Column], points: int) -> Evaluated:
        """Evaluate on columns of n `points`; every name must be among them. Raises `HwsimError` for words used as numbers."""
        run = _Run(self, columns, points)
        with np.errstate(all="ignore"):
            values = run.number(self.tree, np.ones(points, dtype=bool))
        values = np.broadcast_to(values, (points,))
        run.mark("the result is not a finite number", ~np.isfinite(values), np.ones(points, dtype=bool))
        return Evaluated(values, {why: flags for why, flags in run.faults.items() if flags.any()})


def parse_expression(text: str) -> Expression:
    """Parse one expression. Raises `HwsimError` for bad syntax, an unknown unit, or anything that is not arithmetic.

    >>> parse_expression("48 KiB * 600 / mapping.grid[0]").names
    ('mapping.grid',)
    """
    if len(text) > LONGEST:
        raise HwsimError(f"an expression of {len(text)} characters is too long (at most {LONGEST})")
    try:
        tree = ast.parse(_with_numbers(text).strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as bad:
        raise HwsimError(f"'{text}' is no expression: {getattr(bad, 'msg', None) or bad}") from None
    names: dict[str, None] = {}
    try:
        _check(tree, text, names)
    except RecursionError:
        raise HwsimError("the expression is nested too deeply") from None
    return Expression(text, tree, tuple(names))


def _with_numbers(text: str) -> str:
    """Replace quantities by their figures in internal units."""

    def plain(match: re.Match[str]) -> str:
        number, unit = match[1], match[2]
        if unit in _WORDS:
            return match[0]
        rest = ""
        while True:
            try:
                unit_expression(unit)
                break
            except UnknownUnit:
                cut = max(unit.rfind("/"), unit.rfind("*"))
                if cut < 0:
                    break
                unit, rest = unit[:cut], unit[cut:] + rest
        return f"({quantity(f'{number} {unit}', _si(unit))!r}){rest}"

    return _NUMBER_UNIT.sub(plain, text)


def _si(unit: str) -> str:
    try:
        return unit_expression(unit).si
    except UnknownUnit:
        return unit  # reading the quantity reports it


def dotted(node: ast.expr) -> str | None:
    """Return the dotted name that a node writes, or None."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (head := dotted(node.value)):
        return f"{head}.{node.attr}"
    return None


def _check(node: ast.expr, text: str, names: dict[str, None]) -> None:
    """Refuse every node that is not known to be harmless; collect names."""
    if (name := dotted(node)) is not None:
        names[name] = None
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, bool) or not isinstance(node.value, int | float | str):
            raise HwsimError(f"'{text}': {node.value!r} is neither a number nor a word")
        if isinstance(node.value, int | float) and abs(node.value) > 1e300:
            raise HwsimError(f"'{text}': the figure is too large")
    elif isinstance(node, ast.Call):
        function = dotted(node.func)
        if function not in _FUNCTIONS or node.keywords:
            raise HwsimError(f"'{text}': functions are {', '.join(_FUNCTIONS)}, got {function or 'something else'}")
        wanted = _FUNCTIONS[function][1]
        if not node.args or (wanted is not None and len(node.args) != wanted):
            raise HwsimError(f"'{text}': {function} takes {wanted or 'at least one'} argument(s)")
        for one in node.args:
            _check(one, text, names)
    elif isinstance(node, ast.Subscript):
        if dotted(node.value) is None or not isinstance(node.slice, ast.Constant) or type(node.slice.value) is not int:
            raise HwsimError(f"'{text}': an index is name[0], name[1], ...")
        _check(node.value, text, names)
    else:
        for one in _children(node, text):
            _check(one, text, names)


def _children(node: ast.expr, text: str) -> list[ast.expr]:
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        return [node.left, node.right]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd | ast.Not):
        return [node.operand]
    if isinstance(node, ast.Compare) and all(type(op) in _COMPARE for op in node.ops):
        return [node.left, *node.comparators]
    if isinstance(node, ast.BoolOp):
        return node.values
    raise HwsimError(f"'{text}': {type(node).__name__} is not allowed in an expression")


class _Run:
    """One evaluation: walks the tree with the points that are still looked at (`and` and `or` look no further where they are decided)."""

    def __init__(self, expression: Expression, columns: Mapping[str, Column], points: int) -> None:
        self.expression, self.columns, self.points = expression, columns, points
        self.faults: dict[str, Flags] = {}

    def mark(self, why: str, where: NDArray[Any], active: Flags) -> None:
        """Record a fault at the points `where`, among those looked at, unless they have one already."""
        bad = np.broadcast_to(where, (self.points,)) & active
        for known in self.faults.values():
            bad = bad & ~known
        if bad.any():
            self.faults[why] = self.faults.get(why, np.zeros(self.points, dtype=bool)) | bad

    def number(self, node: ast.expr, active: Flags) -> Any:
        """Value of a node as numbers (an array or a scalar)."""
        found = self.value(node, active)
        if isinstance(found, Choice):
            found = found.numbers()
        if found is None or isinstance(found, str):
            raise HwsimError(f"'{self.expression.text}': {ast.unparse(node)} is not a number")
        return found

    def value(self, node: ast.expr, active: Flags) -> Any:
        """Value of a node: numbers, a column of choices, or a word."""
        if (name := dotted(node)) is not None:
            return self.columns[name]
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else np.float64(ast.literal_eval(node))
        if isinstance(node, ast.Subscript):
            return self.item(node)
        if isinstance(node, ast.BinOp):
            return self.arithmetic(node, active)
        if isinstance(node, ast.UnaryOp):
            inner = self.number(node.operand, active)
            return np.equal(inner, 0) if isinstance(node.op, ast.Not) else -inner if isinstance(node.op, ast.USub) else inner
        if isinstance(node, ast.Compare):
            return self.compare(node, active)
        if isinstance(node, ast.BoolOp):
            return self.both(node, active)
        return self.call(node, active)

    def item(self, node: ast.Subscript) -> Any:
        column, index = self.columns[dotted(node.value) or ""], int(ast.literal_eval(node.slice))
        picked = column.item(index) if isinstance(column, Choice) else None
        if picked is None:
            raise HwsimError(f"'{self.expression.text}': {ast.unparse(node.value)} has no element [{index}] at every point")
        return picked.numbers()

    def arithmetic(self, node: ast.BinOp, active: Flags) -> Any:
        left, right = self.number(node.left, active), self.number(node.right, active)
        if isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod):
            self.mark("division by zero", np.equal(right, 0), active)
        result = _ARITHMETIC[type(node.op)](np.asarray(left, dtype=np.float64), np.asarray(right, dtype=np.float64))
        if isinstance(node.op, ast.Pow):
            self.mark("a power that is no number", ~np.isfinite(result), active)
        return result

    def compare(self, node: ast.Compare, active: Flags) -> Any:
        result: Any = np.True_
        left = self.value(node.left, active)
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.value(right_node, active)
            result = result & self.one_comparison(op, left, right, node)
            left = right
        return result

    def one_comparison(self, op: ast.cmpop, left: Any, right: Any, node: ast.expr) -> Any:
        if isinstance(left, str) and isinstance(right, Choice):
            left, right = right, left
        if isinstance(left, Choice) and isinstance(right, str):
            if not isinstance(op, ast.Eq | ast.NotEq):
                raise HwsimError(f"'{self.expression.text}': words are compared by == and != only")
            same = left.equal(right)
            return same if isinstance(op, ast.Eq) else ~same
        sides = [side.numbers() if isinstance(side, Choice) else side for side in (left, right)]
        if any(side is None or isinstance(side, str) for side in sides):
            raise HwsimError(f"'{self.expression.text}': {ast.unparse(node)} compares what is no number")
        return _COMPARE[type(op)](sides[0], sides[1])

    def both(self, node: ast.BoolOp, active: Flags) -> Any:
        every = isinstance(node.op, ast.And)
        result = np.full(self.points, every)
        for part in node.values:
            here = active & (result if every else ~result)
            truth = np.broadcast_to(np.not_equal(self.number(part, here), 0), (self.points,))
            result = (result & truth) if every else (result | truth)
        return result

    def call(self, node: ast.expr, active: Flags) -> Any:
        if not isinstance(node, ast.Call):  # _check has let nothing else through
            raise HwsimError(f"'{self.expression.text}': {type(node).__name__} is not allowed in an expression")
        name = dotted(node.func) or ""
        function, wanted = _FUNCTIONS[name]
        arguments = [self.number(one, active) for one in node.args]
        if name == "sqrt":
            self.mark("the square root of a negative number", np.less(arguments[0], 0), active)
        elif name == "log2":
            self.mark("the logarithm of a number that is not positive", np.less_equal(arguments[0], 0), active)
        if wanted is not None:
            return function(*arguments)
        result = arguments[0]
        for one in arguments[1:]:
            result = function(result, one)
        return result
