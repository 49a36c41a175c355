"""Expressions: units, precedence, faults by point, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.core.errors import HwsimError
from hwsim.explore.column import Choice, choice_of, choice_of_numbers, written
from hwsim.explore.expression import parse_expression

COLUMNS: dict[str, Any] = {
    "a": np.array([0.0, 1.0, 4.0]), "b": np.array([2.0, 0.0, -1.0]), "mapping.grid": choice_of([(420, 420), (540, 500), (420, 420)]),
    "mapping.algorithm": choice_of(["ring", "tree", "ring"]), "mapping.groups": choice_of([1, 2, 3]),
}  # fmt: skip


def values(text: str) -> list[float]:
    return [float(v) for v in parse_expression(text)(COLUMNS, 3).values]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1 + 2 * a ** 2", [1, 3, 33]), ("48 KiB * 600 / mapping.grid[0]", [49152 * 600 / 420, 49152 * 600 / 540, 49152 * 600 / 420]),
        ("mapping.grid[1] // 100 + mapping.groups % 2", [5, 5, 5]), ("0.7 GHz", [7e8] * 3), ("25.6 GB/s * 2", [51.2e9] * 3),
        ("min(a, b, 1) + max(a, 2)", [2, 2, 3]), ("ceil(a / 3) + floor(a / 3)", [0, 1, 3]), ("sqrt(a) + log2(8)", [3, 4, 5]),
        ("0 <= a < 2", [1, 1, 0]), ("a > 0 and b != 0", [0, 0, 1]), ("a > 0 or b > 0", [1, 1, 1]), ("not a", [1, 0, 0]), ("-a + +b", [2, -1, -5]),
        ("mapping.algorithm == 'ring'", [1, 0, 1]), ("'ring' != mapping.algorithm", [0, 1, 0]), ("b != 0 and 1 / b < 1", [1, 0, 1]),
        ("b == 0 or 1 / b < 1", [1, 1, 1]), ("a < 46225 mm2", [1, 1, 1]), ("2 GB / a > 0 or a == 0", [1, 1, 1]), ("abs(b)", [2, 0, 1]),
    ],
)  # fmt: skip
def test_values(text: str, wanted: list[float]) -> None:
    found = parse_expression(text)(COLUMNS, 3)
    assert [float(v) for v in found.values] == pytest.approx(wanted, rel=1e-15)
    assert "/ a" in text or not found.faults


@pytest.mark.parametrize(
    ("text", "why", "where"),
    [
        ("1 / b", "division by zero", [1]), ("a // (b - b)", "division by zero", [0, 1, 2]), ("a % b", "division by zero", [1]),
        ("sqrt(b)", "square root of a negative", [2]), ("log2(a)", "logarithm", [0]), ("b ** -1", "power", [1]), ("b ** 0.5", "power", [2]),
        ("(1e300 + a) * 1e300", "not a finite", [0, 1, 2]), ("1 / b > 0 or a == 1", "division by zero", [1]),
    ],
)  # fmt: skip
def test_points_without_a_value(text: str, why: str, where: list[int]) -> None:
    faults = parse_expression(text)(COLUMNS, 3).faults
    assert len(faults) == 1 and why in next(iter(faults))
    assert np.flatnonzero(next(iter(faults.values()))).tolist() == where


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("__import__('os')", "functions are"), ("a.b()", "functions are"), ("[x for x in a]", "ListComp"), ("lambda: 1", "Lambda"),
        ("a if b else c", "IfExp"),
        ("a[b]", "an index"), ("a[0:1]", "an index"), ("a @ b", "BinOp"), ("a is b", "Compare"), ("a = 1", "no expression"), ("", "no expression"),
        ("3 parsecs", "unit 'parsecs'"), ("sqrt(1, 2)", "argument"), ("min()", "argument"), ("True", "neither"), ("1j", "neither"), ("f'{a}'",
        "JoinedStr"),
        ("(" * 300 + ")" * 300, "no expression"), ("a" * 3000, "too long"), ("min(*a)", "Starred"), ("~a", "UnaryOp"), ("a[True]", "an index"),
        ("{1: 2}", "Dict"), ("min(a, key=b)", "functions"), ("1e999", "too large"), ("()", "Tuple"), ("a b", "no expression"),
    ],
)  # fmt: skip
def test_what_is_no_expression(text: str, problem: str) -> None:
    with pytest.raises(HwsimError, match=problem):
        parse_expression(text)


@pytest.mark.parametrize("text", ["mapping.grid + 1", "mapping.algorithm * 2", "mapping.grid[2]", "a[0]", "mapping.algorithm < 'ring'", "'x' < 1"])
def test_words_are_no_numbers(text: str) -> None:
    with pytest.raises(HwsimError, match=r"no number|not a number|no element|== and !="):
        values(text)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8), st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=8))
def test_columns_agree_with_python(a: list[float], b: list[float]) -> None:
    columns = {"a": np.array(a), "b": np.array(b[: len(a)])}
    text = "max(a * 3 - b, 2) / 7 + (a < b) * 2 + abs(b) // 3"
    found = parse_expression(text)(columns, len(a)).values
    for i, (x, y) in enumerate(zip(a, b, strict=False)):
        assert found[i] == eval(text, {"max": max, "abs": abs, "a": x, "b": y})


def test_choices() -> None:
    column = choice_of([1, True, 1.0, (1,), "1", 1])
    assert len(column.values) == 5 and column.codes.tolist() == [0, 1, 2, 3, 4, 0] and column.numbers() is None and column.item(0) is None
    assert choice_of_numbers(np.array([2.0, 0.5, 2.0])).values == (0.5, 2) and Choice((), np.zeros(0, dtype=np.int64)).numbers() is not None
    assert (written((4.0, 2)), written(True), written("x"), written(None)) == ("4x2", "true", "x", None)
    assert column[np.array([0, 5])].codes.tolist() == [0, 0]
