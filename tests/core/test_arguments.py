"""Arguments of primitives: numbers in a range, words of a set, flags."""

from __future__ import annotations

import math
from typing import Any

import pytest

from hwsim.core.arguments import flag, number, whole, word
from hwsim.core.errors import InvalidTrace


def test_what_is_sound_is_returned() -> None:
    given = {"a": 3, "b": 2.5, "w": "dram", "on": True}
    assert number(given, "a") == 3.0 and isinstance(number(given, "a"), float) and number(given, "b", least=2.5, most=2.5) == 2.5
    assert whole(given, "a") == 3 and isinstance(whole({"a": 4.0}, "a"), int)
    assert word(given, "w", ("sram", "dram")) == "dram" and flag(given, "on") is True


@pytest.mark.parametrize("value", [-1, math.nan, math.inf, "3", True, None, (1,)])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(InvalidTrace, match="bytes must be a number of at least 0, got"):
        number({"bytes": value}, "bytes")


@pytest.mark.parametrize("value", [0, 4.5])
def test_a_range_is_named(value: float) -> None:
    with pytest.raises(InvalidTrace, match=rf"hops must be a number in 1\.\.4, got {value}"):
        number({"hops": value}, "hops", least=1, most=4)


def test_a_part_of_one_is_no_count() -> None:
    with pytest.raises(InvalidTrace, match=r"harts must be a whole number, got 1\.5"):
        whole({"harts": 1.5}, "harts")
    with pytest.raises(InvalidTrace, match="harts must be a number of at least 1, got 0"):
        whole({"harts": 0}, "harts")
    assert whole({"harts": 0}, "harts", least=0) == 0


def test_the_nearest_word_is_named() -> None:
    with pytest.raises(InvalidTrace, match=r"level is one of sram, dram, got 'dran' \(did you mean dram"):
        word({"level": "dran"}, "level", {"sram": 1, "dram": 2})


@pytest.mark.parametrize("value", [1, 0, "true", None])
def test_only_true_and_false_are_flags(value: Any) -> None:
    with pytest.raises(InvalidTrace, match="loaded is true or false, got"):
        flag({"loaded": value}, "loaded")
