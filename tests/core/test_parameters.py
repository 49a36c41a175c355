"""Declared constants: what a chip may state, columns of the parameter table, records."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hwsim.core.chip import Chip
from hwsim.core.errors import InvalidChip, MissingParameter
from hwsim.core.param import Param, Value
from hwsim.core.parameters import Constant, ParameterTable, constants

TABLE = ParameterTable(
    (
        *constants("clock_hz width"), Constant("hops", zero=True), Constant("share", most=1), Constant("factor", least=1, most=8),
        Constant("tiles", size=3), Constant("grid", size=0, priced=False, whole=True), Constant("banks", whole=True),
        Constant("idle_w", zero=True, priced=False), Constant("peak_w", optional=True), Constant("kind", text=True, words=("dram", "sram")),
        Constant("maker", text=True),
    ),
    numbers=("devices", "split"),
)  # fmt: skip
STATED: dict[str, Value] = {
    "clock_hz": 1e9, "width": 64, "hops": 0, "share": 0.5, "factor": 8, "tiles": (1.0, 2.0, 3.0), "grid": (4.0, 5.0), "banks": 4, "idle_w": 3,
    "kind": "sram", "maker": "nobody",
}  # fmt: skip


def chip_of(**values: Value) -> Chip:
    params = {k: Param(v, "", "made up", "published") for k, v in {**STATED, **values}.items()}
    return Chip("toy", "fake", params)


def test_columns_are_the_priced_numbers_and_the_mapping_s_own() -> None:
    assert TABLE.dtype.names == ("clock_hz", "width", "hops", "share", "factor", "tiles", "banks", "peak_w", "devices", "split")
    assert TABLE.dtype["tiles"].shape == (3,) and TABLE.dtype["width"] == np.float64
    assert TABLE.priced == TABLE.dtype.names[:-2] and set(TABLE.names) == {*STATED, "peak_w"}


def test_a_record_holds_the_chip_s_constants_and_zeros() -> None:
    (record,) = TABLE.record(chip_of(), {"split": 2})
    assert (record["clock_hz"], record["devices"], record["split"], record["tiles"].tolist()) == (1e9, 0, 2, [1, 2, 3])
    assert math.isnan(record["peak_w"]) and TABLE.record(chip_of(peak_w=7.0))["peak_w"] == 7
    with pytest.raises(InvalidChip, match=r"no mapping number 'splits' is declared \(did you mean split\?\)"):
        TABLE.record(chip_of(), {"splits": 2})


def test_a_sound_chip_passes() -> None:
    TABLE.check(chip_of())
    TABLE.check(chip_of(peak_w=1, share=1, factor=1, hops=3, kind="dram"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"clock_hz": 0}, "clock_hz must be positive, got 0"), ({"clock_hz": math.inf}, "clock_hz must be positive, got inf"),
        ({"hops": -1}, "hops must be not negative, got -1"), ({"share": 1.5}, "share must be positive and at most 1, got 1.5"),
        ({"factor": 0.5}, "factor must be at least 1 and at most 8, got 0.5"), ({"tiles": (1.0, 2.0)}, "tiles needs 3 figures, got 2"),
        ({"tiles": (1.0, 0.0, 2.0)}, "tiles must be positive, got 0"), ({"grid": (1.0, 2.5)}, "grid must be a whole number, got 2.5"),
        ({"banks": 2.5}, "banks must be a whole number, got 2.5"), ({"peak_w": math.nan}, "peak_w must be positive, got nan"),
        ({"kind": "dran"}, "kind is one of dram, sram, got 'dran' (did you mean dram, sram?)"), ({"maker": 3}, "'maker' is not a word"),
        ({"width": (1.0, 2.0)}, "is not a single number"), ({"tiles": 3}, "'tiles' is not a vector"),
        ({"widht": 3}, "target 'fake' has no constant 'widht' (did you mean width?)"),
    ],
)  # fmt: skip
def test_impossible_constants_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidChip) as raised:
        TABLE.check(chip_of(**values))
    assert message in str(raised.value)


def test_everything_that_is_wrong_is_named_at_once_and_where() -> None:
    with pytest.raises(InvalidChip) as raised:
        TABLE.check(replace(chip_of(clock_hz=-1, share=2, extra=1), origin="toy.yaml"))
    assert str(raised.value).startswith("chip 'toy' (toy.yaml): clock_hz must be positive")
    assert "; share must be" in str(raised.value) and "; target 'fake' has no constant 'extra'" in str(raised.value)


def test_constants_that_contradict_each_other_are_refused_once_each_is_sound() -> None:
    def together(chip: Chip) -> list[str]:
        return [] if chip.number("width") >= chip.number("banks") else ["width is less than banks"]

    TABLE.check(chip_of(), together)
    with pytest.raises(InvalidChip, match="chip 'toy': width is less than banks"):
        TABLE.check(chip_of(width=2), together)
    with pytest.raises(InvalidChip, match=r"chip 'toy': banks must be positive, got -1$"):
        TABLE.check(chip_of(width=-2, banks=-1).replace(width=2.0), together)


def test_a_missing_constant_is_named() -> None:
    params = {k: p for k, p in chip_of().params.items() if k != "width"}
    with pytest.raises(MissingParameter, match="chip 'toy' states no parameter 'width'"):
        TABLE.check(Chip("toy", "fake", params))


def test_a_name_is_declared_once() -> None:
    with pytest.raises(InvalidChip, match="declared twice: hops, width"):
        ParameterTable((*constants("width hops"), Constant("width")), numbers=("hops",))
