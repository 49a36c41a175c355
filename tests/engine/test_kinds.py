"""Functions by kind of chip: each kind's own, compiled when first wanted, the same through the loop and one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hwsim.engine.jit import part
from hwsim.engine.kinds import ByKind, for_record, nothing

PARAMS = np.dtype([("kind", np.float64), ("rate", np.float64)])
own: Any = nothing


@part
def twice(p: Any) -> None:
    p.rate = 2 * p.rate


@part
def half(p: Any) -> None:
    p.rate = p.rate / 2


def change(p: Any) -> None:
    own(p)
    p.rate += 1


def of_kinds() -> ByKind:
    return ByKind(change, 0, "kind", "own", {1.0: twice, 2.0: half, 3.0: nothing})


@pytest.mark.parametrize(("kind", "expected"), [(1.0, 17.0), (2.0, 5.0), (3.0, 9.0)])
def test_each_kind_has_its_own_function(kind: float, expected: float) -> None:
    record = np.array([(kind, 8.0)], dtype=PARAMS)
    of_kinds()(record[0])
    assert record["rate"][0] == expected


def test_only_the_wanted_kind_is_compiled() -> None:
    functions = of_kinds()
    record = np.array([(2.0, 8.0)], dtype=PARAMS)
    functions(record[0])
    assert list(functions._compiled) == [2.0]
    assert functions.of(record[0]) is for_record(functions, record[0])
    assert for_record(nothing, record[0]) is nothing


def test_a_code_of_no_kind_is_an_error() -> None:
    with pytest.raises(KeyError):
        of_kinds()(np.array([(7.0, 8.0)], dtype=PARAMS)[0])
